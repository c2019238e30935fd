// Documents of who did what: activity, undo, notifications, audit.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";
import { VideoParts } from "./documents";

const ActivityParts = graphql(`
  fragment ActivityParts on Activity {
    position
    kind
    eventType
    at
    actor {
      id
      name
    }
    target {
      id
      name
    }
    videoTitle
    from
    to
    fromUs
    toUs
    undoable
    undoes
  }
`);

export type Action = ResultOf<typeof ActivityParts>;

export const ActivityQuery = graphql(
  `
    query Activity(
      $channel: UUID!
      $first: Int
      $before: Position
      $after: Position
      $kind: String
      $minPosition: Position
    ) {
      channel(id: $channel, minPosition: $minPosition) {
        activity(first: $first, before: $before, after: $after, kind: $kind) {
          nodes {
            ...ActivityParts
          }
          hasMore
          endCursor
        }
      }
    }
  `,
  [ActivityParts],
);

export const Undo = graphql(`
  mutation Undo($input: UndoInput!) {
    undo(input: $input) {
      __typename
      ... on Changed {
        position
        changed
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

const NotificationParts = graphql(`
  fragment NotificationParts on Notification {
    id
    position
    kind
    at
    read
    actor {
      id
      name
    }
    channelName
    videoTitle
    detail
    reason
    path
  }
`);

export type Note = ResultOf<typeof NotificationParts>;

export const NotificationsQuery = graphql(
  `
    query Notifications($first: Int, $after: Position, $unreadOnly: Boolean, $minPosition: Position) {
      unreadCount(minPosition: $minPosition)
      notifications(first: $first, after: $after, unreadOnly: $unreadOnly, minPosition: $minPosition) {
        nodes {
          ...NotificationParts
        }
        hasMore
        endCursor
      }
    }
  `,
  [NotificationParts],
);

export const UnreadQuery = graphql(`
  query Unread {
    unreadCount
  }
`);

export const MarkRead = graphql(
  `
    mutation MarkRead($input: MarkReadInput!) {
      markRead(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const NotificationsSubscription = graphql(
  `
    subscription NotificationNews {
      notifications {
        unreadCount
        notification {
          ...NotificationParts
        }
      }
    }
  `,
  [NotificationParts],
);

const AuditParts = graphql(`
  fragment AuditParts on AuditEntry {
    position
    at
    by
    actor {
      id
      name
    }
    kind
    eventType
    target {
      id
      name
    }
    videoTitle
    channel {
      id
      name
    }
    correlationId
  }
`);

export type Entry = ResultOf<typeof AuditParts>;

export const AuditQuery = graphql(
  `
    query Audit($filter: AuditFilter, $first: Int, $before: Position) {
      audit(filter: $filter, first: $first, before: $before) {
        nodes {
          ...AuditParts
        }
        hasMore
        endCursor
      }
    }
  `,
  [AuditParts],
);

export const AuditKindsQuery = graphql(`
  query AuditKinds {
    auditKinds {
      kind
      eventTypes
    }
  }
`);

export type AuditKind = ResultOf<typeof AuditKindsQuery>["auditKinds"][number];

export const LinkedVideoQuery = graphql(
  `
    query LinkedVideo($id: UUID!) {
      video(id: $id) {
        ...VideoParts
      }
    }
  `,
  [VideoParts],
);

export const AuditEventQuery = graphql(
  `
    query AuditEvent($position: Position!, $channel: UUID) {
      auditEvent(position: $position, channel: $channel) {
        entry {
          ...AuditParts
        }
        json
        cause {
          ...AuditParts
        }
        effects {
          ...AuditParts
        }
        right {
          permission
          by
          role
          given {
            ...AuditParts
          }
          defaults {
            ...AuditParts
          }
        }
      }
    }
  `,
  [AuditParts],
);

export type Behind = NonNullable<ResultOf<typeof AuditEventQuery>["auditEvent"]>;
