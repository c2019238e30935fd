// Captions of a film: which there are now, and adding a file of them.

import { graphql } from "./document";

export const CaptionsQuery = graphql(`
  query Captions($id: UUID!, $minPosition: Position) {
    video(id: $id, minPosition: $minPosition) {
      captions {
        id
        language
        label
        url
      }
    }
  }
`);

export const UploadCaptions = graphql(`
  mutation UploadCaptions($input: UploadCaptionsInput!) {
    done: uploadCaptions(input: $input) {
      __typename
      ... on Changed {
        position
      }
      ... on CaptionsUnreadable {
        message
        line
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);
