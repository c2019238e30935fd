// The queue's documents, and those of watching together.

import type { ResultOf } from "gql.tada";
import { type Change, ChangeParts } from "./change";
import { graphql } from "./document";

export type { Change };

const QueueItemParts = graphql(`
  fragment QueueItemParts on QueueItem {
    id
    durationUs
    addedAt
    by {
      id
      name
    }
    video {
      id
      title
      thumbnailUrl
    }
  }
`);

export const QueueQuery = graphql(
  `
    query Queue($id: UUID!, $minPosition: Position) {
      channel(id: $id, minPosition: $minPosition) {
        queue {
          autoplay
          loop
          items {
            ...QueueItemParts
          }
          lastQueue {
            id
          }
          skipVotes {
            have
            need
            mine
          }
        }
      }
    }
  `,
  [QueueItemParts],
);

export type Queue = NonNullable<NonNullable<ResultOf<typeof QueueQuery>["channel"]>["queue"]>;
export type QueueItem = ResultOf<typeof QueueItemParts>;
export type LoopMode = Queue["loop"];

export const QueueVideo = graphql(
  `
    mutation QueueVideo($input: QueueVideoInput!) {
      done: queueVideo(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const DequeueVideo = graphql(
  `
    mutation DequeueVideo($input: QueueItemInput!) {
      done: dequeueVideo(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const MoveInQueue = graphql(
  `
    mutation MoveInQueue($input: MoveInQueueInput!) {
      done: moveInQueue(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const PlayNow = graphql(
  `
    mutation PlayNow($input: QueueItemInput!) {
      done: playNow(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const PlayNext = graphql(
  `
    mutation PlayNext($input: PlayNextInput!) {
      done: playNext(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const VoteSkip = graphql(
  `
    mutation VoteSkip($input: VoteSkipInput!) {
      done: voteSkip(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const RestoreQueue = graphql(
  `
    mutation RestoreQueue($input: ChannelInput!) {
      done: restoreQueue(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const ClearQueue = graphql(
  `
    mutation ClearQueue($input: ChannelInput!) {
      done: clearQueue(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const SetAutoplay = graphql(
  `
    mutation SetAutoplay($input: SetAutoplayInput!) {
      done: setAutoplay(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const SetLoop = graphql(
  `
    mutation SetLoop($input: SetLoopInput!) {
      done: setLoop(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
export const ReleaseHold = graphql(
  `
    mutation ReleaseHold($input: ChannelInput!) {
      done: releaseHold(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
