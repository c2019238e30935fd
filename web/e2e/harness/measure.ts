// The measures of the sync journeys: record two pages, wait for a window, judge it. A window in which a stall or a late
// timer fell may be measured once more; both attempts are reported.
import { readFrame } from './frame.ts';
import { type PageLike, readRecording, startRecording } from './sampler.ts';
import { type Skew, skewIn, WINDOW_MS } from './skew.ts';

/** Windows start this long after play, a seek or a join. */
export const SETTLE_MS = 2_000;

export interface Measured {
  readonly skew: Skew;
  /** The first attempt, when a disturbance made a second one necessary. */
  readonly disturbed: Skew | null;
}

export interface MeasureOptions {
  readonly settle_ms?: number;
  readonly window_ms?: number;
  /** What counts as good; a disturbed window that fails it is measured again. */
  readonly p95_ms?: number;
}

/** Wall time in ms on the harness's clock. */
export async function wallNow(page: PageLike): Promise<number> {
  return page.evaluate((_: null) => performance.timeOrigin + performance.now(), null);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function window(a: PageLike, b: PageLike, from: number, length: number): Promise<Skew> {
  await sleep(Math.max(0, from + length + 100 - (await wallNow(a))));
  return skewIn(await readRecording(a), await readRecording(b), from, length);
}

/** The skew of two playing pages, in a window that starts `settle_ms` from now. */
export async function measureSkew(a: PageLike, b: PageLike, options: MeasureOptions = {}): Promise<Measured> {
  const { settle_ms = SETTLE_MS, window_ms = WINDOW_MS, p95_ms = 20 } = options;
  await Promise.all([startRecording(a), startRecording(b)]);
  const skew = await window(a, b, (await wallNow(a)) + settle_ms, window_ms);
  if (skew.disturbances.length === 0 || skew.p95 <= p95_ms) return { skew, disturbed: null };
  const again = await window(a, b, (await wallNow(a)) + SETTLE_MS, window_ms);
  return { skew: again, disturbed: skew };
}

/** Moves one viewer's target by this much: the negative control reads it back. A test seam of sync/clock.ts. */
export async function offsetTarget(page: PageLike, ms: number): Promise<void> {
  await page.evaluate((by: number) => {
    (globalThis as { __lockstepTargetOffsetMs?: number }).__lockstepTargetOffsetMs = by;
  }, ms);
}

/** Gives a viewer a wrong clock; for `context.addInitScript(wrongClock, …)`, before any page script runs. */
export function wrongClock(shim: { offset_ms: number; drift_ppm: number }): void {
  (globalThis as { __lockstepClock?: unknown }).__lockstepClock = shim;
}

export interface Still {
  readonly frame: number | null;
  readonly currentTime: number;
}

/** The frame a paused page shows, once it stands still. */
export async function readStill(page: PageLike, patience_ms = 5_000): Promise<Still> {
  const until = Date.now() + patience_ms;
  for (;;) {
    const look = await page.evaluate((_: null) => {
      const video = document.querySelector('video');
      return { time: video?.currentTime ?? -1, still: video !== null && video.paused && !video.seeking && video.readyState >= 2 };
    }, null);
    const frame = look.still ? await readFrame(page) : null;
    await sleep(150);
    const again = await page.evaluate((_: null) => document.querySelector('video')?.currentTime ?? -2, null);
    if (frame !== null && again === look.time && (await readFrame(page)) === frame) return { frame, currentTime: look.time };
    if (Date.now() > until) return { frame, currentTime: look.time };
  }
}
