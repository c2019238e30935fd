// The one place where sync and player code reads a clock, in the window and in the worker alike.
//
// Test seam: `globalThis.__lockstepClock = { offset_ms, drift_ppm }`, set before the page's scripts run, gives this
// viewer a wrong clock. The window reads it once and hands the same shim to its worker.

/** A viewer's clock error; zero outside tests. The drift counts from `base_us`. */
export interface ClockShim {
  readonly offset_us: number;
  readonly drift_ppm: number;
  readonly base_us: number;
}

export interface Clock {
  /** Microseconds since the Unix epoch, monotonic: `performance`'s clock, never the wall clock's steps. */
  now(): number;
}

declare global {
  var __lockstepClock: { readonly offset_ms?: number; readonly drift_ppm?: number } | undefined;
  var __lockstepTargetOffsetMs: number | undefined;
}

function realNow(): number {
  return (performance.timeOrigin + performance.now()) * 1_000;
}

/** The shim this page was given, or none. */
export function readShim(): ClockShim {
  const given = globalThis.__lockstepClock;
  return { offset_us: (given?.offset_ms ?? 0) * 1_000, drift_ppm: given?.drift_ppm ?? 0, base_us: realNow() };
}

/** The clock under a shim: the same shim gives the same readings in every thread of the page. */
export function createClock(shim: ClockShim): Clock {
  const rate = 1 + shim.drift_ppm / 1_000_000;
  return { now: () => shim.base_us + (realNow() - shim.base_us) * rate + shim.offset_us };
}

const pageShim = readShim();

/** The shim of this page, for its worker. */
export function shimOfPage(): ClockShim {
  return pageShim;
}

/** The clock of this page. */
export const pageClock: Clock = createClock(pageShim);

/** How far a test moves this viewer's target on purpose, in µs; 0 outside tests. */
export function targetOffsetUs(): number {
  return (globalThis.__lockstepTargetOffsetMs ?? 0) * 1_000;
}
