// The control law: filtered error in, playback rate out. Constants as measured in a real Chromium.

/** What an engine of a browser can do; the numbers are the product's only per-browser knowledge. */
export interface BrowserClass {
  readonly name: "chromium" | "firefox" | "webkit";
  /** Errors the median is taken of. */
  readonly medianOf: number;
  /** Below this no correction is made. */
  readonly deadBand_us: number;
  /** Rates are never written: only seeks correct. */
  readonly stepOnly: boolean;
  /** Least time between two corrective seeks. */
  readonly coolDown_us: number;
  /** Pitch is kept always, or only for changes that would be heard. */
  readonly pitch: "always" | "audible";
}

export const CHROMIUM: BrowserClass = {
  name: "chromium",
  medianOf: 5,
  deadBand_us: 0,
  stepOnly: false,
  coolDown_us: 1_500_000,
  pitch: "audible",
};
/** Its `currentTime` steps once per frame, so a longer median; rate changes cost no jump. */
export const FIREFOX: BrowserClass = {
  name: "firefox",
  medianOf: 15,
  deadBand_us: 0,
  stepOnly: false,
  coolDown_us: 1_500_000,
  pitch: "always",
};
/** Rate writes crack the sound there: wide band, seldom a seek. */
export const WEBKIT: BrowserClass = {
  name: "webkit",
  medianOf: 9,
  deadBand_us: 120_000,
  stepOnly: true,
  coolDown_us: 30_000_000,
  pitch: "always",
};

/** Which class a user agent string belongs to. */
export function classOf(userAgent: string): BrowserClass {
  if (/Firefox\//.test(userAgent)) return FIREFOX;
  if (/Chrom(e|ium)\//.test(userAgent)) return CHROMIUM;
  return /AppleWebKit\//.test(userAgent) ? WEBKIT : CHROMIUM;
}

/**
 * Gains of one stretch of play: strong while settling after a cut or a slip, which mask what a changed pitch would
 * let be heard; gentle afterwards.
 */
export interface Gains {
  readonly kp: number;
  readonly clamp: number;
}
export const SETTLE: Gains = { kp: 2.5, clamp: 0.1 };
/** Nobody hears a muted film; its clock, a mere timer of the browser's, slips more often than the sound card's. */
export const SETTLE_MUTED: Gains = { kp: 3, clamp: 0.25 };
export const STEADY: Gains = { kp: 1, clamp: 0.05 };
export const KI = 0.5;
export const INTEGRATOR_MAX = 0.01;
/** Rates nearer to 1 than this are played with the pitch free: preserving it costs a jump of 20 ms. */
export const PITCH_FREE = 0.01;

export interface RateWrite {
  readonly rate: number;
  readonly preservesPitch: boolean;
}

/** The median of the last errors; `null` until there are three. */
export class MedianFilter {
  private readonly size: number;
  private values: number[] = [];

  constructor(size: number) {
    this.size = size;
  }

  clear(): void {
    this.values = [];
  }

  push(value: number): number | null {
    this.values.push(value);
    if (this.values.length > this.size) this.values.shift();
    if (this.values.length < 3) return null;
    return median(this.values);
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Proportional and integral part; the integral learns how far this machine's sound clock is off. */
export class PiController {
  private integral = 0;
  private readonly kind: BrowserClass;

  constructor(kind: BrowserClass) {
    this.kind = kind;
  }

  reset(): void {
    this.integral = 0;
  }

  /** The rate for an error (target − position, µs) after `dt_us`; `settling` right after a cut. */
  step(error_us: number, dt_us: number, settling: boolean, muted = false): RateWrite {
    if (this.kind.stepOnly || Math.abs(error_us) < this.kind.deadBand_us) return { rate: 1, preservesPitch: true };
    const gains = !settling ? STEADY : muted ? SETTLE_MUTED : SETTLE;
    const error_s = error_us / 1_000_000;
    const wanted = gains.kp * error_s + this.integral;
    const change = limit(wanted, gains.clamp);
    // No winding up against the clamp, nor while the cut is still settling.
    if (change === wanted && !settling) {
      this.integral = limit(this.integral + KI * error_s * (dt_us / 1_000_000), INTEGRATOR_MAX);
    }
    const free = this.kind.pitch === "audible" && (settling || Math.abs(change) <= PITCH_FREE);
    return { rate: 1 + change, preservesPitch: !free };
  }
}

function limit(value: number, bound: number): number {
  return Math.max(-bound, Math.min(bound, value));
}
