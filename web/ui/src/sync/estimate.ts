// What is known of the hub's clock at a moment, and times of the one clock as times of the other. Pure.

/** A published reading: hub time = client time + `offset_us` + drift since `ref_us`, within `bound_us`. */
export interface Estimate {
  readonly epoch: string;
  readonly offset_us: number;
  readonly drift_ppm: number;
  readonly ref_us: number;
  readonly bound_us: number;
  readonly rtt_us: number;
  readonly samples: number;
}

/** The hub's time at a client time. */
export function hubAt(estimate: Estimate, clientUs: number): number {
  return clientUs + estimate.offset_us + ((clientUs - estimate.ref_us) * estimate.drift_ppm) / 1_000_000;
}

/** The client time of a hub time. */
export function clientAt(estimate: Estimate, hubUs: number): number {
  const rate = 1 + estimate.drift_ppm / 1_000_000;
  return estimate.ref_us + (hubUs - estimate.ref_us - estimate.offset_us) / rate;
}
