// What a follower sees of an element and what it may do with it: the words between `controller.ts` and `player/follow.ts`.

import type { RateWrite } from "./pi";

/** One look at the element. */
export interface Sample {
  readonly hub_us: number;
  readonly position_us: number;
  readonly paused: boolean;
  readonly seeking: boolean;
  /** It knows the film's length and can be sought. */
  readonly loaded: boolean;
  /** It could play on from here now. */
  readonly ready: boolean;
  readonly ended: boolean;
  readonly hidden: boolean;
  readonly muted: boolean;
  /** Test seam: moves a running target. */
  readonly offset_us: number;
}

export type Action =
  | { readonly do: "play" }
  | { readonly do: "pause" }
  | { readonly do: "seek"; readonly position_us: number }
  | ({ readonly do: "rate" } & RateWrite);

export type Phase =
  | "empty"
  | "loading"
  | "holding"
  | "held"
  | "aiming"
  | "armed"
  | "starting"
  | "following"
  | "stalled"
  | "blocked"
  | "ended";

export interface Counters {
  seeks: number;
  corrective_seeks: number;
  rate_writes: number;
  stalls: number;
  slips: number;
  late_ticks: number;
  missed_starts: number;
  /** Times the picture was taken anew because another size of it was wanted at once. */
  renewals: number;
}
