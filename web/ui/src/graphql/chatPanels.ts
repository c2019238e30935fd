// What is looked for in a chat, pinned in it and reported from it: loaded with what shows it.

import { ChatParts } from "./chat";
import { graphql } from "./document";

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
    query Pins($channel: UUID!, $min: Position) {
      pinnedMessages(channel: $channel, minPosition: $min) {
        ...ChatParts
      }
    }
  `,
  [ChatParts],
);

export const ReportsQuery = graphql(`
  query Reports($channel: UUID!, $before: Position, $min: Position) {
    reports(channel: $channel, before: $before, first: 20, minPosition: $min) {
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
