// Where the hub's clock is, from probes: pure, fed with four stamps per probe.
//
// Up and down have separate minima (browser-facts §4): with θ = hub − client, `s1 − c0 = θ + up delay` and
// `s2 − c3 = θ − down delay`, so θ lies in [max(s2 − c3), min(s1 − c0)] whatever the jitter. A constant difference of
// the two delays is invisible to any probe; the bound says how large the error can be at most.
//
// Drift: a client crystal that is 100 ppm off moves θ by 6 ms within the window. The rate is that line under which the
// gap between the two envelopes is widest: a straight-line fit of the window's minima, both directions at once. What
// the fit may still be off by makes old samples count less, so that on a quiet line the newest decide and on a jittery
// one the luckiest.

import type { Estimate } from "./estimate";

/** Window of the offset. */
export const WINDOW_US = 120_000_000;
/** Window of the drift: longer, as the rate needs a long lever. */
export const DRIFT_WINDOW_US = 300_000_000;
/** No drift is assumed before the samples span this. */
export const DRIFT_SPAN_MIN_US = 10_000_000;
export const DRIFT_PPM_MAX = 300;
/** How far a crystal is thought to be off; pulls the fit to 0 while the samples say little. */
export const DRIFT_PRIOR_PPM = 100;
/** The fit is never believed better than this. */
const DRIFT_DOUBT_MIN_PPM = 2;
export const SLEW_US = 500;
export const STEP_US = 50_000;
/** The first samples set the clock directly. */
export const QUICK_SAMPLES = 16;
/** More than a crystal can do within the window: a sample this far outside says that a clock was stepped. */
const CONTRADICTION_US = 20_000;
const SAMPLES_MAX = 1_024;
const RESOLUTION_US = 100;

export interface Probe {
  /** Client clock at sending. */
  readonly c0: number;
  /** Hub clock at reading and at answering. */
  readonly s1: number;
  readonly s2: number;
  /** Client clock at receiving. */
  readonly c3: number;
}

interface Sample {
  readonly t: number;
  readonly up: number;
  readonly down: number;
  readonly rtt: number;
}

interface Envelope {
  readonly up: number;
  readonly down: number;
}

/** Follows one hub; a new epoch starts it afresh. */
export class Estimator {
  readonly epoch: string;
  private samples: Sample[] = [];
  private published: { offset: number; drift: number; ref: number } | null = null;
  private taken = 0;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  /** Takes one probe; `null` if its stamps cannot be. */
  add(probe: Probe): Estimate | null {
    const { c0, s1, s2, c3 } = probe;
    if (![c0, s1, s2, c3].every(Number.isFinite)) return null;
    if (c3 < c0 || s2 < s1 || c3 - c0 - (s2 - s1) < -2 * RESOLUTION_US) return null;
    const sample = { t: c3, up: s1 - c0, down: s2 - c3, rtt: c3 - c0 - (s2 - s1) };
    if (this.contradicts(sample)) {
      this.samples = [];
      this.taken = 0;
    }
    this.samples.push(sample);
    this.taken += 1;
    this.samples = this.samples.filter((kept) => kept.t >= c3 - DRIFT_WINDOW_US).slice(-SAMPLES_MAX);
    return this.publish(c3);
  }

  /** Whether a sample cannot be of the clock seen so far: one of the two was stepped, as a sleep does. */
  private contradicts(sample: Sample): boolean {
    const recent = this.samples.filter((kept) => kept.t >= sample.t - WINDOW_US);
    if (recent.length === 0) return false;
    const { up, down } = envelope(recent, this.published?.drift ?? 0, sample.t);
    return sample.up < down - CONTRADICTION_US || sample.down > up + CONTRADICTION_US;
  }

  private publish(now: number): Estimate {
    const { drift, doubt } = fitDrift(this.samples, now);
    const recent = this.samples.filter((sample) => sample.t >= now - WINDOW_US);
    const { up, down } = envelope(recent, drift, now, doubt);
    const target = (up + down) / 2;
    const before = this.published;
    let offset = target;
    if (before !== null && this.taken > QUICK_SAMPLES) {
      const predicted = before.offset + ((now - before.ref) * before.drift) / 1_000_000;
      const wanted = target - predicted;
      offset = Math.abs(wanted) > STEP_US ? target : predicted + Math.max(-SLEW_US, Math.min(SLEW_US, wanted));
    }
    this.published = { offset, drift, ref: now };
    // A drift not yet known closes the gap of the envelopes; no probe's own round trip can be shorter than the path's.
    const rtt = recent.reduce((least, sample) => Math.min(least, sample.rtt), Number.POSITIVE_INFINITY);
    const gap = Math.max(Math.abs(up - down), rtt);
    return {
      epoch: this.epoch,
      offset_us: offset,
      drift_ppm: drift,
      ref_us: now,
      bound_us: Math.round(gap / 2 + Math.abs(offset - target) + RESOLUTION_US),
      rtt_us: Math.max(0, Math.round(rtt)),
      samples: this.taken,
    };
  }
}

/** The tightest limits on θ at `now`, were the drift `ppm`, give or take `doubt`. */
function envelope(samples: readonly Sample[], ppm: number, now: number, doubt = 0): Envelope {
  let up = Number.POSITIVE_INFINITY;
  let down = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    const moved = ((now - sample.t) * ppm) / 1_000_000;
    const spread = ((now - sample.t) * doubt) / 1_000_000;
    up = Math.min(up, sample.up + moved + spread);
    down = Math.max(down, sample.down + moved - spread);
  }
  return { up, down };
}

interface Drift {
  readonly drift: number;
  readonly doubt: number;
}

/** The drift that opens the gap between the envelopes widest, drawn to 0 by as much as jitter hides it. */
function fitDrift(samples: readonly Sample[], now: number): Drift {
  const first = samples[0];
  if (first === undefined || now - first.t < DRIFT_SPAN_MIN_US) return { drift: 0, doubt: DRIFT_PRIOR_PPM };
  const gap = (ppm: number): number => {
    const { up, down } = envelope(samples, ppm, now);
    return up - down;
  };
  // The gap is concave in the drift: a ternary search finds its top.
  let low = -DRIFT_PPM_MAX;
  let high = DRIFT_PPM_MAX;
  while (high - low > 0.5) {
    const third = (high - low) / 3;
    const left = gap(low + third);
    const right = gap(high - third);
    if (left <= right) low += third;
    if (right <= left) high -= third;
  }
  const fitted = (low + high) / 2;
  const spread = spreadPpm(samples, fitted, now);
  const weight = DRIFT_PRIOR_PPM ** 2 / (DRIFT_PRIOR_PPM ** 2 + spread ** 2);
  return { drift: fitted * weight, doubt: Math.max(DRIFT_DOUBT_MIN_PPM, DRIFT_PRIOR_PPM * Math.sqrt(1 - weight)) };
}

/** How far the fit may be off: the spacing of the samples near the envelopes over the lever. */
function spreadPpm(samples: readonly Sample[], ppm: number, now: number): number {
  const { up, down } = envelope(samples, ppm, now);
  const moved = (sample: Sample): number => ((now - sample.t) * ppm) / 1_000_000;
  const near = Math.max(
    fifth(samples.map((sample) => sample.up + moved(sample) - up)),
    fifth(samples.map((sample) => down - sample.down - moved(sample))),
  );
  const span = now - (samples[0]?.t ?? now);
  return span > 0 ? ((near + RESOLUTION_US) * 1_000_000) / (span / 2) : DRIFT_PPM_MAX;
}

function fifth(excess: number[]): number {
  excess.sort((a, b) => a - b);
  return excess[Math.min(excess.length - 1, 4)] ?? 0;
}
