// Where a film is at a hub time: pure functions of a timeline.

import { RATE_NORMAL_PPM, type Timeline } from "./protocol";

/** The film position in µs at a hub time; before `at_hub_us` it waits at `position_us`. */
export function positionAt(timeline: Timeline, hubUs: number): number {
  const elapsed = Math.max(0, hubUs - timeline.at_hub_us);
  return clampTo(timeline, timeline.position_us + (elapsed * timeline.rate_ppm) / RATE_NORMAL_PPM);
}

/** The position inside the film. */
export function clampTo(timeline: Timeline, position_us: number): number {
  return Math.min(Math.max(0, position_us), timeline.duration_us);
}

/** How many film seconds pass in a second while it runs. */
export function speedOf(timeline: Timeline): number {
  return timeline.rate_ppm > 0 ? timeline.rate_ppm / RATE_NORMAL_PPM : 1;
}

export function isRunning(timeline: Timeline): boolean {
  return timeline.rate_ppm > 0;
}

/**
 * Where a paused film is held: the centre of its frame, so that no rounding of a time stamp shows the neighbour.
 * Without a known frame rate it is the position itself; the same for all viewers either way.
 */
export function frameCentre(position_us: number, fps: number | null, duration_us: number): number {
  if (fps === null || !(fps > 0)) return position_us;
  const frame_us = 1_000_000 / fps;
  const centre = (Math.floor(position_us / frame_us + 0.001) + 0.5) * frame_us;
  return centre < duration_us ? Math.round(centre) : position_us;
}

const RATES = [24_000 / 1_001, 24, 25, 30_000 / 1_001, 30, 48, 50, 60_000 / 1_001, 60, 100, 120_000 / 1_001, 120];

/**
 * A film's frame rate from what a manifest says of its levels; `null` if it says nothing. HLS rounds to thousandths and
 * DASH does not, so both are brought to the same number: viewers of either must hold at the same place.
 */
export function frameRate(told: readonly (number | null)[]): number | null {
  const known = told.filter((rate) => rate !== null && rate > 0 && Number.isFinite(rate)) as number[];
  if (known.length === 0) return null;
  // Slower levels leave frames out, so the finest grid has no frame that another lacks.
  const finest = Math.max(...known);
  return RATES.find((rate) => Math.abs(rate - finest) < 0.002) ?? Math.round(finest * 1_000) / 1_000;
}
