// What requests wait for, while that takes long enough to be told.

import type { Hindrance } from "$src/graphql/patience";

/** Shorter waits are over before they are read. */
const TOLD_MS_MIN = 2_500;
const TICK_MS = 250;

class Waiting {
  why: Hindrance | null = $state(null);
  /** Seconds left, rounded up. */
  leftS = $state(0);
  #until = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Requests go on at `until`, on the clock of `performance`. */
  tell(why: Hindrance, until: number): void {
    this.#until = until;
    if (!this.#timer && until - performance.now() < TOLD_MS_MIN) return;
    this.why = why;
    this.#timer ??= setInterval(() => this.#count(), TICK_MS);
    this.#count();
  }

  #count(): void {
    this.leftS = Math.ceil((this.#until - performance.now()) / 1_000);
    if (this.leftS > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.why = null;
  }
}

export const waiting = new Waiting();
