// What chat asks of the API.

import type { ResultOf } from "gql.tada";
import { graphql } from "./document";

const ChatParts = graphql(`
  fragment ChatParts on Message {
    id
    text
    sentAt
    playbackUs
    position
    changedPosition
    editedAt
    pinned
    mentions
    author {
      id
      name
    }
    replyTo {
      id
      text
      redacted
      author {
        id
        name
      }
    }
    redacted {
      reason
      by {
        id
        name
      }
    }
    reactions {
      emoji
      count
      mine
    }
  }
`);

export type ChatMessage = ResultOf<typeof ChatParts>;

export const ChatPageQuery = graphql(
  `
    query ChatPage($channel: UUID!, $before: Position, $around: UUID, $count: Int, $min: Position) {
      messages(channel: $channel, before: $before, around: $around, count: $count, minPosition: $min) {
        nodes {
          ...ChatParts
        }
        hasMore
        hasNewer
      }
    }
  `,
  [ChatParts],
);

export const ChatChangesQuery = graphql(
  `
    query ChatChanges($channel: UUID!, $after: Position!, $first: Int, $min: Position) {
      messagesChangedAfter(channel: $channel, after: $after, first: $first, minPosition: $min) {
        nodes {
          ...ChatParts
        }
        hasMore
      }
    }
  `,
  [ChatParts],
);

export const ChatSearchQuery = graphql(
  `
    query ChatSearch($channel: UUID!, $words: String!, $count: Int) {
      searchMessages(channel: $channel, words: $words, count: $count) {
        ...ChatParts
      }
    }
  `,
  [ChatParts],
);

export const PinsQuery = graphql(
  `
    query Pins($channel: UUID!) {
      pinnedMessages(channel: $channel) {
        ...ChatParts
      }
    }
  `,
  [ChatParts],
);

export const EditMessage = graphql(`
  mutation EditMessage($input: EditMessageInput!) {
    editMessage(input: $input) {
      __typename
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

export const ReportsQuery = graphql(`
  query Reports($channel: UUID!, $before: Position) {
    reports(channel: $channel, before: $before, first: 20) {
      nodes {
        id
        message
        reason
        text
        saidAt
        filedAt
        position
        author {
          id
          name
        }
        reporter {
          id
          name
        }
      }
      hasMore
    }
  }
`);

export const ResolveReport = graphql(`
  mutation ResolveReport($input: ResolveReportInput!) {
    resolveReport(input: $input) {
      __typename
      ... on Refused {
        code
        message
      }
    }
  }
`);
