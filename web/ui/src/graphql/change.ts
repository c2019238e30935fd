// What most mutations answer: done, or refused with a reason.

import type { ResultOf } from "gql.tada";
import { graphql } from "./document";

export const ChangeParts = graphql(`
  fragment ChangeParts on ChangePayload {
    __typename
    ... on Changed {
      position
    }
    ... on Refused {
      code
      message
    }
  }
`);
export type Change = ResultOf<typeof ChangeParts>;
