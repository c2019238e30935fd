// Every query, mutation and subscription the screens use.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";

export const VideoParts = graphql(`
  fragment VideoParts on Video {
    id
    title
    fileName
    status
    percent
    stage
    etaS
    sizeBytes
    durationUs
    width
    height
    container
    videoCodec
    audioCodec
    renditions {
      name
      width
      height
      bandwidthBps
      complete
    }
    thumbnailUrl
    failure {
      stage
      code
      reason
      retryable
    }
    createdAt
  }
`);

const ChannelCard = graphql(`
  fragment ChannelCard on Channel {
    id
    slug
    name
    visibility
    memberCount
    myRole
    owner {
      id
      name
    }
    playback {
      positionUs
      ratePpm
      recordedAt
      video {
        id
        title
        durationUs
        thumbnailUrl
      }
    }
  }
`);

export type Account = NonNullable<ResultOf<typeof MeQuery>["me"]>;
export type Video = ResultOf<typeof VideoParts>;
export type VideoStatus = Video["status"];
export type Rendition = Video["renditions"][number];
export type Channel = ResultOf<typeof ChannelCard>;
export type VideoStatusEvent = ResultOf<typeof VideoStatusSubscription>["videoStatus"];

export const MeQuery = graphql(`
  query Me {
    setUpNeeded
    me {
      id
      name
      role
    }
  }
`);

export const ChannelsQuery = graphql(
  `
    query Channels($minPosition: Position) {
      channels(first: 48, minPosition: $minPosition) {
        ...ChannelCard
      }
    }
  `,
  [ChannelCard],
);

export const VideosQuery = graphql(
  `
    query Videos($first: Int, $after: String, $status: VideoStatus, $search: String, $minPosition: Position) {
      videos(first: $first, after: $after, status: $status, search: $search, minPosition: $minPosition) {
        nodes {
          ...VideoParts
        }
        hasMore
        endCursor
        totalCount
      }
    }
  `,
  [VideoParts],
);

export const ChannelQuery = graphql(
  `
    query Channel($slug: String!, $minPosition: Position) {
      channel(slug: $slug, minPosition: $minPosition) {
        ...ChannelCard
        me {
          banned
        }
        members(first: 12) {
          role
          present
          account {
            id
            name
          }
        }
      }
    }
  `,
  [ChannelCard],
);

export const FilmQuery = graphql(`
  query Film($id: UUID!) {
    video(id: $id) {
      id
      title
      durationUs
      width
      height
      thumbnailUrl
      hlsUrl
      dashUrl
      storyboardUrl
      chapters {
        startUs
        title
      }
      captions {
        id
        language
        label
        url
      }
      owner {
        id
      }
      status
      delivery {
        token
        expiresAt
      }
    }
  }
`);

export const DeliveryQuery = graphql(`
  query Delivery($id: UUID!, $cookies: Boolean!) {
    video(id: $id) {
      delivery(cookies: $cookies) {
        base
        query
        cookies
        expiresAt
      }
    }
  }
`);

export const StatusQuery = graphql(`
  query Status {
    position
    projections {
      name
      position
      lagPositions
      faulted
    }
  }
`);

export const SetUp = graphql(`
  mutation SetUp($input: SetUpInput!) {
    setUp(input: $input) {
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
  }
`);

export const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
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
  }
`);

export const SignOut = graphql(`
  mutation SignOut {
    signOut {
      __typename
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const JoinAsGuest = graphql(`
  mutation JoinAsGuest($input: JoinAsGuestInput!) {
    joinAsGuest(input: $input) {
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
  }
`);

export const CreateChannel = graphql(`
  mutation CreateChannel($input: CreateChannelInput!) {
    createChannel(input: $input) {
      __typename
      ... on ChannelCreated {
        id
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

export const JoinChannel = graphql(
  `
    mutation JoinChannel($input: ChannelInput!) {
      joinChannel(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const LoadVideo = graphql(
  `
    mutation LoadVideo($input: LoadVideoInput!) {
      loadVideo(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const VideoStatusSubscription = graphql(
  `
    subscription VideoStatus($id: UUID!) {
      videoStatus(id: $id) {
        position
        eventType
        at
        replayed
        detail
        video {
          ...VideoParts
        }
      }
    }
  `,
  [VideoParts],
);
