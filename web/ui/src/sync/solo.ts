// Watching alone: the same player follows a timeline that only this page moves. No hub, no socket, no clock but its own.

import { type Clock, pageClock } from "./clock";
import type { Estimate } from "./estimate";
import type { OpResult } from "./outbox";
import { RATE_NORMAL_PPM, type Timeline } from "./protocol";
import { NO_ROOM, type RoomState, type Stage, type VideoController } from "./room";
import { createStore } from "./store";
import { positionAt } from "./timeline";

/** Time for the player to take aim before a start or after a jump. */
export const LEAD_US = 250_000;
const EPOCH = "solo";
const OWN_CLOCK: Estimate = {
  epoch: EPOCH,
  offset_us: 0,
  drift_ppm: 0,
  ref_us: 0,
  bound_us: 0,
  rtt_us: 0,
  samples: Number.MAX_SAFE_INTEGER,
};

export interface SoloOptions {
  readonly video: string;
  readonly duration_us: number;
  readonly start_us: number;
  /** For tests. */
  readonly clock?: Clock;
}

/** A stage for one. */
export function createSolo(options: SoloOptions): Stage & { look(): void; close(): void } {
  return new Solo(options);
}

class Solo implements Stage {
  private readonly clock: Clock;
  private readonly store = createStore<RoomState>({ ...NO_ROOM, status: "online", controls: true });
  private readonly players = new Set<VideoController>();
  private timeline: Timeline;

  constructor(options: SoloOptions) {
    this.clock = options.clock ?? pageClock;
    const { video, duration_us, start_us } = options;
    const position_us = start_us < duration_us ? start_us : 0;
    this.timeline = {
      video,
      duration_us,
      position_us,
      at_hub_us: this.clock.now(),
      rate_ppm: 0,
      speed_ppm: RATE_NORMAL_PPM,
      seq: 1,
      epoch: EPOCH,
    };
    this.store.patch({ timeline: this.timeline });
  }

  subscribe(run: (value: RoomState) => void): () => void {
    return this.store.subscribe(run);
  }
  play(): Promise<OpResult> {
    const at = this.positionUs();
    const over = at >= this.timeline.duration_us;
    return this.put({ rate_ppm: this.speed, position_us: over ? 0 : at, at_hub_us: this.clock.now() + LEAD_US });
  }
  pause(): Promise<OpResult> {
    return this.put({ rate_ppm: 0, position_us: this.positionUs(), at_hub_us: this.clock.now() });
  }
  seek(position_us: number): Promise<OpResult> {
    return this.put({ ...this.held(), position_us: Math.round(position_us), at_hub_us: this.clock.now() + LEAD_US });
  }
  rate(speed_ppm: number): Promise<OpResult> {
    const rate_ppm = this.timeline.rate_ppm === 0 ? 0 : speed_ppm;
    return this.put({ ...this.held(), speed_ppm, rate_ppm, position_us: this.positionUs(), at_hub_us: this.clock.now() });
  }
  positionUs(): number {
    return positionAt(this.timeline, this.clock.now());
  }
  attach(player: VideoController): () => void {
    this.players.add(player);
    player.follow({ timeline: this.timeline, estimate: OWN_CLOCK });
    return () => {
      this.players.delete(player);
      player.follow(null);
    };
  }
  /** Nobody is there to throw any. */
  onBurst(): () => void {
    return () => undefined;
  }
  /**
   * Waits for the player where its picture is stuck, and goes on from there once it can: alone nobody is missed. Call it a
   * few times a second.
   */
  look(): void {
    const now = this.clock.now();
    for (const player of this.players) {
      if (this.timeline.hold_until_us !== undefined) {
        if (player.telemetry()?.ready === this.timeline.seq) void this.put({ rate_ppm: this.speed, at_hub_us: now + LEAD_US });
        continue;
      }
      const picture = player.standing();
      if (!picture?.stuck || this.timeline.rate_ppm === 0 || now <= this.timeline.at_hub_us) continue;
      void this.put({ rate_ppm: 0, position_us: picture.at_us, at_hub_us: now, hold_until_us: Number.MAX_SAFE_INTEGER });
    }
  }
  close(): void {
    for (const player of this.players) player.follow(null);
    this.players.clear();
  }

  private get speed(): number {
    return this.timeline.speed_ppm ?? RATE_NORMAL_PPM;
  }
  /** What keeps a waiting film waiting. */
  private held(): Pick<Timeline, "hold_until_us"> {
    const { hold_until_us } = this.timeline;
    return hold_until_us === undefined ? {} : { hold_until_us };
  }
  private put(change: Partial<Timeline>): Promise<OpResult> {
    const { hold_until_us: _, ...before } = this.timeline;
    this.timeline = { ...before, ...change, seq: this.timeline.seq + 1 };
    this.store.patch({ timeline: this.timeline });
    for (const player of this.players) player.follow({ timeline: this.timeline, estimate: OWN_CLOCK });
    return Promise.resolve({ ok: true, position: String(this.timeline.seq), changed: true });
  }
}
