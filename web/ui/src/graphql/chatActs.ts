// What somebody does to a message.

import { graphql } from "./document";

export const EditMessage = graphql(`
  mutation EditMessage($input: EditMessageInput!) {
    editMessage(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on Refused {
        code
        message
        retryAfterMs
      }
    }
  }
`);

export const RedactMessage = graphql(`
  mutation RedactMessage($input: RedactMessageInput!) {
    redactMessage(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const ReactToMessage = graphql(`
  mutation ReactToMessage($input: ReactInput!) {
    reactToMessage(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on Refused {
        code
        message
        retryAfterMs
      }
    }
  }
`);

export const PinMessage = graphql(`
  mutation PinMessage($input: MessageInput!) {
    pinMessage(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const UnpinMessage = graphql(`
  mutation UnpinMessage($input: MessageInput!) {
    unpinMessage(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const ReportMessage = graphql(`
  mutation ReportMessage($input: ReportMessageInput!) {
    reportMessage(input: $input) {
      __typename
      ... on Refused {
        code
        message
      }
    }
  }
`);
