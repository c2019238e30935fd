// What chat asks of the API.

import type { ResultOf } from "gql.tada";
import { graphql } from "./document";

export const ChatParts = graphql(`
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
