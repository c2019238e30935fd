// Documents about a channel's settings, people, invites and door.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";

export type Rights = NonNullable<ResultOf<typeof RightsQuery>["channel"]>;
export type Permission = NonNullable<Rights["me"]>["permissions"][number];
export type Role = Rights["permissionDefaults"][number]["role"];
export type Invite = NonNullable<NonNullable<ResultOf<typeof InvitesQuery>["channel"]>["invites"]>["nodes"][number];
export type MemberFilter = "PRESENT" | "EVERYBODY" | "ABSENT" | "BANNED" | "ASKING";
export type MemberRow = NonNullable<
  NonNullable<ResultOf<typeof MemberPageQuery>["channel"]>["memberPage"]
>["nodes"][number];

export const RightsQuery = graphql(`
  query Rights($id: UUID!, $minPosition: Position) {
    channel(id: $id, minPosition: $minPosition) {
      id
      slug
      name
      description
      visibility
      archived
      slowModeS
      remoteHolder {
        id
        name
      }
      permissionDefaults {
        role
        permissions
      }
      me {
        role
        present
        muted
        mutedUntil
        permissions
        denials {
          permission
          code
          message
        }
      }
    }
  }
`);

export const MemberPageQuery = graphql(`
  query MemberPage(
    $id: UUID!
    $filter: MemberFilter!
    $search: String
    $after: String
    $first: Int
    $minPosition: Position
  ) {
    channel(id: $id, minPosition: $minPosition) {
      memberPage(filter: $filter, search: $search, after: $after, first: $first) {
        hasMore
        endCursor
        nodes {
          role
          present
          banned
          muted
          mutedUntil
          account {
            id
            name
          }
          overrides {
            permission
            granted
          }
        }
      }
    }
  }
`);

export const InvitesQuery = graphql(`
  query Invites($id: UUID!, $before: Position, $minPosition: Position) {
    channel(id: $id, minPosition: $minPosition) {
      invites(first: 20, before: $before) {
        hasMore
        endCursor
        nodes {
          id
          code
          expiresAt
          usesMax
          used
          revoked
          by {
            name
          }
        }
      }
    }
  }
`);

export const InviteQuery = graphql(`
  query Invite($code: String!) {
    invite(code: $code) {
      __typename
      ... on InvitePreview {
        slug
        name
        description
        memberCount
        joined
        by {
          name
        }
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const DoorQuery = graphql(`
  query Door($slug: String!, $minPosition: Position) {
    channelDoor(slug: $slug, minPosition: $minPosition) {
      id
      asking
    }
  }
`);

export const DoorAnswers = graphql(`
  subscription DoorAnswers($id: UUID!) {
    doorAnswers(channel: $id) {
      position
      asking
      admitted
      banned
    }
  }
`);

export const RenameChannel = graphql(
  `
    mutation RenameChannel($input: RenameChannelInput!) {
      renameChannel(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const DescribeChannel = graphql(
  `
    mutation DescribeChannel($input: DescribeChannelInput!) {
      describeChannel(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ChangeVisibility = graphql(
  `
    mutation ChangeVisibility($input: ChangeVisibilityInput!) {
      changeChannelVisibility(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ChangePermissionDefaults = graphql(
  `
    mutation ChangePermissionDefaults($input: ChangePermissionDefaultsInput!) {
      changePermissionDefaults(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const SetSlowMode = graphql(
  `
    mutation SetSlowMode($input: SetSlowModeInput!) {
      setSlowMode(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ChangeRemoteMode = graphql(
  `
    mutation ChangeRemoteMode($input: ChangeRemoteModeInput!) {
      changeRemoteMode(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const HandOverRemote = graphql(
  `
    mutation HandOverRemote($input: MemberInput!) {
      handOverRemote(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ArchiveChannel = graphql(
  `
    mutation ArchiveChannel($input: ChannelInput!) {
      archiveChannel(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const RevokeInvite = graphql(
  `
    mutation RevokeInvite($input: RevokeInviteInput!) {
      revokeInvite(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const AskToJoin = graphql(
  `
    mutation AskToJoin($input: ChannelInput!) {
      askToJoin(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ApproveJoin = graphql(
  `
    mutation ApproveJoin($input: MemberInput!) {
      approveJoin(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const DeclineJoin = graphql(
  `
    mutation DeclineJoin($input: MemberInput!) {
      declineJoin(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const RemoveMember = graphql(
  `
    mutation RemoveMember($input: ModerateInput!) {
      removeMember(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const BanMember = graphql(
  `
    mutation BanMember($input: ModerateInput!) {
      banMember(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const UnbanMember = graphql(
  `
    mutation UnbanMember($input: MemberInput!) {
      unbanMember(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const MuteMember = graphql(
  `
    mutation MuteMember($input: MuteMemberInput!) {
      muteMember(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const UnmuteMember = graphql(
  `
    mutation UnmuteMember($input: MemberInput!) {
      unmuteMember(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const GrantRole = graphql(
  `
    mutation GrantRole($input: GrantRoleInput!) {
      grantRole(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const OverridePermission = graphql(
  `
    mutation OverridePermission($input: OverridePermissionInput!) {
      overridePermission(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const IssueInvite = graphql(`
  mutation IssueInvite($input: IssueInviteInput!) {
    issueInvite(input: $input) {
      __typename
      ... on InviteIssued {
        id
        code
        position
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const RedeemInvite = graphql(`
  mutation RedeemInvite($input: RedeemInviteInput!) {
    redeemInvite(input: $input) {
      __typename
      ... on InviteRedeemed {
        slug
        position
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);
