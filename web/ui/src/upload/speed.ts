// How fast an upload runs and how long it still takes. Pure: the clock is an argument.

const WINDOW_MS = 3_000;
const SAMPLES_MAX = 256;
/** Below this much history a figure would jump about, so none is shown. */
const HISTORY_MS_MIN = 500;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Bytes sent so far, sampled, over a sliding window of 3 s. */
export class SpeedMeter {
  #samples: Sample[] = [];

  /** Notes that `bytes` in total had been sent at `nowMs`. */
  add(bytes: number, nowMs: number): void {
    this.#samples.push({ atMs: nowMs, bytes });
    // One sample older than the window stays: it is the window's left edge.
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.#samples.shift();
    if (this.#samples.length > SAMPLES_MAX) this.#samples.splice(1, 1);
  }

  /** Bytes per second in the window that ends at `nowMs`; null while too little is known. */
  bytesPerS(nowMs: number): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || nowMs - first.atMs < HISTORY_MS_MIN) return null;
    const spanMs = Math.max(nowMs - first.atMs, 1);
    return ((last.bytes - first.bytes) * 1_000) / spanMs;
  }

  /** Seconds until `total` bytes are sent at the present speed; null when unknown or standing still. */
  etaS(total: number, nowMs: number): number | null {
    const speed = this.bytesPerS(nowMs);
    const sent = this.#samples.at(-1)?.bytes ?? 0;
    if (speed === null || speed <= 0) return null;
    return Math.max(0, (total - sent) / speed);
  }
}
