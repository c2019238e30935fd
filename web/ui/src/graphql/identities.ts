// Documents of the provider that people may sign in with, and of what it opens.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";

export type Identity = NonNullable<ResultOf<typeof IdentitiesQuery>["identities"]>[number];

export const IdentityProviderQuery = graphql(`
  query IdentityProvider {
    identityProvider {
      name
    }
  }
`);

export const IdentitiesQuery = graphql(`
  query Identities {
    loginName
    confirmedUntil
    identityProvider {
      name
    }
    identities {
      id
      issuer
      current
      linkedAt
      lastUsedAt
    }
  }
`);

export const UnlinkIdentity = graphql(
  `
    mutation UnlinkIdentity($input: UnlinkIdentityInput!) {
      unlinkIdentity(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
