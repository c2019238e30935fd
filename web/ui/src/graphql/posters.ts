// Documents of the picture that stands for a film.

import { graphql } from "./document";
import { ChangeParts } from "./library";

export const ChoosePoster = graphql(
  `
    mutation ChoosePoster($input: ChoosePosterInput!) {
      done: choosePoster(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
export const ResetPoster = graphql(
  `
    mutation ResetPoster($input: ResetPosterInput!) {
      done: resetPoster(input: $input) {
        ...FilmChange
      }
    }
  `,
  [ChangeParts],
);
