// When a part is tried again, and how many go at a time. Pure: chance is an argument.

/** Pauses before each further try, seconds. */
export const RETRY_PAUSES_S = [0, 1, 3, 8, 20] as const;
/** A pause is lengthened by up to this share of it, so that many browsers do not come back at once. */
const JITTER = 0.3;

/** The pause before try `failures` + 1, ms; null when it has been tried often enough. `chance` is from 0 to 1. */
export function pauseMs(failures: number, chance: number): number | null {
  const pause = RETRY_PAUSES_S[failures - 1];
  return pause === undefined ? null : Math.round(pause * 1_000 * (1 + JITTER * chance));
}

export const LANES_MIN = 1;
export const LANES_START = 3;
export const LANES_MAX = 4;
/** Parts without trouble before one more goes at a time. */
const CALM_PARTS = 4;

/** How many parts go at the same time: three, a fourth when all is well, fewer while the line is in trouble. */
export class Lanes {
  #count = LANES_START;
  #calm = 0;

  get count(): number {
    return this.#count;
  }

  arrived(): void {
    this.#calm += 1;
    if (this.#calm < CALM_PARTS || this.#count >= LANES_MAX) return;
    this.#count += 1;
    this.#calm = 0;
  }

  troubled(): void {
    this.#calm = 0;
    this.#count = Math.max(LANES_MIN, this.#count - 1);
  }
}
