// Pairwise skew of two recordings: pure. Both are interpolated to common wall times; what cannot be is counted.
import type { Reading, Recording } from './sampler.ts';

export const WINDOW_MS = 10_000;
export const GRID_MS = 20;
/** A playing film that stands still for so long has stalled, whether or not the browser said `waiting`. */
export const FREEZE_MS = 100;
/** Between readings further apart than this nothing is interpolated. */
const GAP_MS_MAX = 120;

export interface Skew {
  /** |a − b| in ms. */
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Signed a − b, median. */
  readonly bias: number;
  readonly points: number;
  /** Share of the window that could be measured. */
  readonly covered: number;
  /** Stalls and late timers in the window, both pages: a window with any may be measured once more, and says so. */
  readonly disturbances: readonly string[];
  /** Slope of the media clocks against the wall clock. */
  readonly rateA: number;
  readonly rateB: number;
}

/** The media time of a recording at a wall time, or `null` where there is none. */
export function mediaAt(readings: readonly Reading[], at: number): number | null {
  let low = 0;
  let high = readings.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((readings[middle]?.at ?? 0) <= at) low = middle;
    else high = middle;
  }
  const before = readings[low];
  const after = readings[high];
  if (before === undefined || after === undefined || before === after) return null;
  if (before.at > at || after.at < at || after.at - before.at > GAP_MS_MAX) return null;
  return before.media + ((after.media - before.media) * (at - before.at)) / (after.at - before.at);
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The skew of two viewers in the window that starts at a wall time. */
export function skewIn(a: Recording, b: Recording, from: number, length = WINDOW_MS): Skew {
  const signed: number[] = [];
  let asked = 0;
  for (let at = from; at <= from + length; at += GRID_MS) {
    asked += 1;
    const left = mediaAt(a.readings, at);
    const right = mediaAt(b.readings, at);
    if (left !== null && right !== null) signed.push(left - right);
  }
  const sizes = signed.map(Math.abs).sort((x, y) => x - y);
  return {
    p50: round(quantile(sizes, 0.5)),
    p95: round(quantile(sizes, 0.95)),
    max: round(sizes.at(-1) ?? Number.NaN),
    bias: round(quantile([...signed].sort((x, y) => x - y), 0.5)),
    points: signed.length,
    covered: signed.length / asked,
    disturbances: [...disturbancesIn('a', a, from, length), ...disturbancesIn('b', b, from, length)],
    rateA: slope(a.readings, from, from + length),
    rateB: slope(b.readings, from, from + length),
  };
}

function disturbancesIn(name: string, recording: Recording, from: number, length: number): string[] {
  const inside = (at: number): boolean => at >= from && at <= from + length;
  return [
    ...recording.stalls.filter(inside).map((at) => `${name}: stall at +${Math.round(at - from)} ms`),
    ...freezes(recording, from, from + length).map(({ at, ms }) => `${name}: froze ${Math.round(ms)} ms at +${Math.round(at - from)} ms`),
    ...recording.late.filter((late) => inside(late.at)).map(({ at, by }) => `${name}: timer ${Math.round(by)} ms late at +${Math.round(at - from)} ms`),
  ];
}

/** Stretches in which a playing film's time went on at less than a quarter of the wall's. */
function freezes(recording: Recording, from: number, to: number): { at: number; ms: number }[] {
  const found: { at: number; ms: number }[] = [];
  let since: Reading | null = null;
  let before: Reading | null = null;
  for (const reading of recording.readings) {
    const still = before !== null && !before.paused && !reading.paused && Math.abs(reading.media - before.media) < 0.25 * (reading.at - before.at);
    if (still) since ??= before;
    else {
      if (since !== null && before !== null && before.at - since.at >= FREEZE_MS) found.push({ at: since.at, ms: before.at - since.at });
      since = null;
    }
    before = reading;
  }
  return found.filter(({ at }) => at >= from && at <= to);
}

function slope(readings: readonly Reading[], from: number, to: number): number {
  const first = readings.find((reading) => reading.at >= from);
  const last = readings.findLast((reading) => reading.at <= to);
  if (first === undefined || last === undefined || last.at <= first.at) return Number.NaN;
  return Math.round(((last.media - first.media) / (last.at - first.at)) * 1e6) / 1e6;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
