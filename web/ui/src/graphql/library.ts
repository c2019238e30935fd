// Documents of the library and of a film's own page.

import type { ResultOf } from "gql.tada";
import { graphql } from "./document";
import { VideoParts } from "./documents";

const FilmParts = graphql(
  `
    fragment FilmParts on Video {
      ...VideoParts
      description
      tags
      visibility
      keeps
      trashedAt
      purgeAt
      storedBytes
      posterChosen
      owner {
        id
        name
      }
    }
  `,
  [VideoParts],
);

export const LibraryQuery = graphql(
  `
    query Library(
      $first: Int
      $after: String
      $statuses: [VideoStatus!]
      $owner: UUID
      $trash: Boolean
      $search: String
      $sort: LibrarySort
      $minPosition: Position
    ) {
      library(
        first: $first
        after: $after
        statuses: $statuses
        owner: $owner
        trash: $trash
        search: $search
        sort: $sort
        minPosition: $minPosition
      ) {
        nodes {
          titleParts {
            text
            hit
          }
          excerpt {
            text
            hit
          }
          video {
            ...FilmParts
          }
        }
        hasMore
        endCursor
        totalCount
        near
      }
    }
  `,
  [FilmParts],
);

export const LibraryStatisticsQuery = graphql(`
  query LibraryStatistics($minPosition: Position) {
    libraryStatistics(minPosition: $minPosition) {
      films
      storedBytes
      durationUs
      trashed
      trashedBytes
      watchedUs
      byStatus {
        status
        films
      }
    }
  }
`);

export const FilmQuery = graphql(
  `
    query Film($id: UUID!, $minPosition: Position) {
      video(id: $id, minPosition: $minPosition) {
        ...FilmParts
        watchedUs
      }
    }
  `,
  [FilmParts],
);

export const FilmEventsQuery = graphql(`
  query FilmEvents($video: UUID!, $before: Position) {
    filmEvents(video: $video, first: 30, before: $before) {
      nodes {
        position
        at
        eventType
        actor {
          id
          name
        }
      }
      hasMore
      endCursor
    }
  }
`);

export type Film = ResultOf<typeof FilmParts>;
export type FilmShown = NonNullable<ResultOf<typeof FilmQuery>["video"]>;
export type Entry = NonNullable<ResultOf<typeof LibraryQuery>["library"]>["nodes"][number];
export type Part = Entry["titleParts"][number];
export type Statistics = NonNullable<ResultOf<typeof LibraryStatisticsQuery>["libraryStatistics"]>;
export type FilmEvent = NonNullable<ResultOf<typeof FilmEventsQuery>["filmEvents"]>["nodes"][number];

export const ChangeParts = graphql(`
  fragment FilmChange on ChangePayload {
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

export const EditFilm = graphql(
  `
    mutation EditFilm($input: EditFilmInput!) {
      done: editFilm(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
export const TrashFilm = graphql(
  `
    mutation TrashFilm($input: FilmInput!) {
      done: trashFilm(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
export const RestoreFilm = graphql(
  `
    mutation RestoreFilm($input: FilmInput!) {
      done: restoreFilm(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
export const PurgeFilm = graphql(
  `
    mutation PurgeFilm($input: FilmInput!) {
      done: purgeFilm(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
export const RetryFilm = graphql(
  `
    mutation RetryFilm($input: FilmInput!) {
      done: retryFilm(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);

const Answers = graphql(`
  fragment FilmsChange on FilmsPayload {
    __typename
    ... on FilmsAnswered {
      position
      answers {
        video
        changed
        code
        message
      }
    }
    ... on Refused {
      code
      message
    }
  }
`);
export type FilmsChange = ResultOf<typeof Answers>;

export const EditFilms = graphql(
  `
    mutation EditFilms($input: EditFilmsInput!) {
      done: editFilms(input: $input) {
        ...FilmsChange
      }
    }
  `,
  [Answers],
);
export const TrashFilms = graphql(
  `
    mutation TrashFilms($input: FilmsInput!) {
      done: trashFilms(input: $input) {
        ...FilmsChange
      }
    }
  `,
  [Answers],
);
export const RestoreFilms = graphql(
  `
    mutation RestoreFilms($input: FilmsInput!) {
      done: restoreFilms(input: $input) {
        ...FilmsChange
      }
    }
  `,
  [Answers],
);
export const PurgeFilms = graphql(
  `
    mutation PurgeFilms($input: FilmsInput!) {
      done: purgeFilms(input: $input) {
        ...FilmsChange
      }
    }
  `,
  [Answers],
);
