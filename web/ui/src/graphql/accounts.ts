// Documents of registering, one's own account, and the administrators' page.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";

const Begun = graphql(`
  fragment Begun on SetUpPayload {
    __typename
    ... on SignedIn {
      position
      account {
        id
        name
        role
      }
    }
    ... on Refused {
      code
      message
    }
  }
`);

const Link = graphql(`
  fragment Link on LinkPayload {
    __typename
    ... on LinkIssued {
      token
      expiresAt
    }
    ... on Refused {
      code
      message
    }
  }
`);

export type Person = NonNullable<ResultOf<typeof PeopleQuery>["people"]>["nodes"][number];
export type OwnSession = NonNullable<ResultOf<typeof OwnAccountQuery>["sessions"]>[number];
export type Registration = NonNullable<ResultOf<typeof RegistrationQuery>["registration"]>["mode"];
export type OpenLink = NonNullable<ResultOf<typeof LinksQuery>["registrationLinks"]>[number];

export const RegistrationQuery = graphql(`
  query Registration($token: String) {
    registration(token: $token) {
      mode
      fixed
      open
    }
  }
`);

export const Register = graphql(
  `
    mutation Register($input: RegisterInput!) {
      register(input: $input) {
        ...Begun
      }
    }
  `,
  [Begun],
);

export const ResetPassword = graphql(
  `
    mutation ResetPassword($input: ResetPasswordInput!) {
      resetPassword(input: $input) {
        ...Begun
      }
    }
  `,
  [Begun],
);

export const OwnAccountQuery = graphql(`
  query OwnAccount {
    loginName
    sessions {
      id
      createdAt
      lastSeenAt
      userAgent
      address
      current
    }
  }
`);

export const ChangeDisplayName = graphql(
  `
    mutation ChangeDisplayName($input: ChangeDisplayNameInput!) {
      changeDisplayName(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ChangePassword = graphql(
  `
    mutation ChangePassword($input: ChangePasswordInput!) {
      changePassword(input: $input) {
        ...Begun
      }
    }
  `,
  [Begun],
);

export const RevokeSession = graphql(
  `
    mutation RevokeSession($input: RevokeSessionInput!) {
      revokeSession(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const RevokeOtherSessions = graphql(
  `
    mutation RevokeOtherSessions {
      revokeOtherSessions {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const LinksQuery = graphql(`
  query Links {
    registration {
      mode
      fixed
    }
    registrationLinks {
      id
      expiresAt
      uses
      usesMax
    }
  }
`);

export const ChangeRegistration = graphql(
  `
    mutation ChangeRegistration($input: ChangeRegistrationInput!) {
      changeRegistration(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const IssueRegistrationLink = graphql(
  `
    mutation IssueRegistrationLink($input: IssueRegistrationLinkInput!) {
      issueRegistrationLink(input: $input) {
        ...Link
      }
    }
  `,
  [Link],
);

export const RevokeRegistrationLink = graphql(
  `
    mutation RevokeRegistrationLink($input: RevokeRegistrationLinkInput!) {
      revokeRegistrationLink(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const PeopleQuery = graphql(`
  query People($search: String, $guests: Boolean, $after: UUID, $minPosition: Position) {
    people(first: 24, search: $search, guests: $guests, after: $after, minPosition: $minPosition) {
      hasMore
      endCursor
      nodes {
        loginName
        lastSeenAt
        suspended
        suspendedReason
        account {
          id
          name
          role
        }
      }
    }
  }
`);

export const GrantPlatformRole = graphql(
  `
    mutation GrantPlatformRole($input: GrantPlatformRoleInput!) {
      grantPlatformRole(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const SuspendAccount = graphql(
  `
    mutation SuspendAccount($input: SuspendAccountInput!) {
      suspendAccount(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const ReinstateAccount = graphql(
  `
    mutation ReinstateAccount($input: AccountInput!) {
      reinstateAccount(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const IssuePasswordReset = graphql(
  `
    mutation IssuePasswordReset($input: AccountInput!) {
      issuePasswordReset(input: $input) {
        ...Link
      }
    }
  `,
  [Link],
);
