// Virtual time and a seeded dice for unit tests; no product code imports this.

import type { Clock } from "./clock";
import type { Timers } from "./timers";

/** A clock that only `run` moves, with the timers due on the way called in order. */
export class VirtualTime implements Clock, Timers {
  private now_us: number;
  private queue: { at: number; order: number; run: () => void }[] = [];
  private order = 0;

  constructor(start_us = 1_000_000_000) {
    this.now_us = start_us;
  }

  now(): number {
    return this.now_us;
  }

  after(delay_ms: number, run: () => void): () => void {
    this.order += 1;
    const entry = { at: this.now_us + Math.max(0, delay_ms) * 1_000, order: this.order, run };
    this.queue.push(entry);
    return () => {
      this.queue = this.queue.filter((kept) => kept !== entry);
    };
  }

  run(ms: number): void {
    const until = this.now_us + ms * 1_000;
    for (;;) {
      const due = this.queue.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.queue = this.queue.filter((kept) => kept !== due);
      this.now_us = Math.max(this.now_us, due.at);
      due.run();
    }
    this.now_us = until;
  }
}

/** A seeded source of numbers in [0, 1): mulberry32. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
