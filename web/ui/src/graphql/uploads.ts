// Uploading: a place for a file, addresses of its parts, what was left unfinished.

import type { ResultOf } from "gql.tada";
import { graphql } from "./document";

export const RequestUpload = graphql(`
  mutation RequestUpload($input: RequestUploadInput!) {
    requestUpload(input: $input) {
      __typename
      ... on UploadRequested {
        video
        url
        position
        headers {
          name
          value
        }
        plan {
          partBytes
          parts
        }
      }
      ... on AlreadyUploaded {
        video
        status
      }
      ... on QuotaExceeded {
        code
        used
        allowed
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const ConfirmUpload = graphql(`
  mutation ConfirmUpload($input: ConfirmUploadInput!) {
    confirmUpload(input: $input) {
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

export const SignUploadParts = graphql(`
  mutation SignUploadParts($input: SignUploadPartsInput!) {
    signUploadParts(input: $input) {
      __typename
      ... on UploadPartsSigned {
        parts {
          number
          url
          headers {
            name
            value
          }
        }
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const AbortUpload = graphql(`
  mutation AbortUpload($input: AbortUploadInput!) {
    abortUpload(input: $input) {
      __typename
    }
  }
`);

export const UploadParts = graphql(`
  query UploadParts($video: UUID!) {
    uploadParts(video: $video) {
      received
      status
      plan {
        partBytes
        parts
      }
    }
  }
`);

export const UnfinishedUploads = graphql(`
  query UnfinishedUploads {
    unfinishedUploads {
      video
      fileName
      sizeBytes
      received
      plan {
        partBytes
        parts
      }
    }
  }
`);

export type UnfinishedUpload = NonNullable<ResultOf<typeof UnfinishedUploads>["unfinishedUploads"]>[number];
