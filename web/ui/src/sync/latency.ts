// What this viewer's browser takes to start and to seek, learned from every start and seek.

const START_FIRST_US = 60_000;
const START_MIN_US = 5_000;
const START_MAX_US = 250_000;
const SEEK_FIRST_US = 150_000;
const SEEK_MAX_US = 2_000_000;
const WEIGHT = 0.3;

/** Smoothed costs in µs; a muted element starts sooner, so it is learned apart. */
export class Latency {
  private audible = START_FIRST_US;
  private muted = START_FIRST_US;
  private seeking = SEEK_FIRST_US;

  /** From `play()` to motion. */
  start(muted: boolean): number {
    return muted ? this.muted : this.audible;
  }

  /** From the seek to a decoded picture. */
  seek(): number {
    return this.seeking;
  }

  started(muted: boolean, cost_us: number): void {
    const cost = Math.max(START_MIN_US, Math.min(START_MAX_US, cost_us));
    if (muted) this.muted += WEIGHT * (cost - this.muted);
    else this.audible += WEIGHT * (cost - this.audible);
  }

  /** Slow seeks count at once, quick ones bring the figure down gently. */
  sought(cost_us: number): void {
    const cost = Math.min(SEEK_MAX_US, cost_us);
    this.seeking = cost > this.seeking ? (this.seeking + cost) / 2 : this.seeking + WEIGHT * (cost - this.seeking);
  }
}
