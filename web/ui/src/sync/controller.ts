// The follower's decisions, pure: (timeline, one sample of the element) → what to do with the element.
//
// It never touches the DOM and never reads a clock: `player/follow.ts` samples, acts and wakes it. All times are hub µs.

import { Latency } from "./latency";
import type { Action, Counters, Phase, Sample } from "./motion";
import { type BrowserClass, median, MedianFilter, PiController, type RateWrite } from "./pi";
import type { Timeline } from "./protocol";
import { clampTo, frameCentre, isRunning, positionAt, speedOf } from "./timeline";

export type { Action, Counters, Phase, Sample } from "./motion";

/** Often enough that a slip of the sound is seen within a tenth of a second. */
export const TICK_US = 50_000;
/** How long after a start the strong gains hold. */
export const SETTLE_US = 2_000_000;
/** Beyond this an error is repaired by a seek. */
export const RESYNC_US = 150_000;
/** A new timeline this near to the old one is followed without a seek. */
export const SAME_US = 80_000;
/** Two errors in a row beyond this: the sound slipped, and the strong gains take over as after a cut. */
export const SLIP_US = 12_000;
/** A start missed by less is made at once. */
export const LATE_START_US = 80_000;
export const SEEKS_MAX = 2;
export const SEEKS_WINDOW_US = 10_000_000;
/** How long a stalled element may wait for data before it is sent ahead. */
export const STALL_US = 2_000_000;
/** A tick that comes this much late says that the machine, not the film, was slow. */
export const LATE_TICK_US = 150_000;
const LEAD_MIN_US = 150_000;
const LEAD_MAX_US = 3_000_000;
const START_TIMEOUT_US = 1_500_000;
const END_US = 50_000;
const HOLD_EXACT_US = 500;
/** A film is held at least this far before its end, where every engine still has a picture. */
const HELD_END_US = 60_000;
/** A start this little behind needs no seek. */
const NEAR_BEHIND_US = 40_000;

/** The timeline's own speed, uncorrected. */
function plain(timeline: Timeline): RateWrite {
  const speed = speedOf(timeline);
  return { rate: speed, preservesPitch: speed !== 1 };
}

interface Aim {
  readonly start_us: number;
  readonly position_us: number;
  readonly issued_us: number;
  readonly tries: number;
}

interface Start {
  readonly called_us: number;
  readonly from_us: number;
  readonly costs: number[];
}

export class Controller {
  readonly counters: Counters = {
    seeks: 0,
    corrective_seeks: 0,
    rate_writes: 0,
    stalls: 0,
    slips: 0,
    late_ticks: 0,
    missed_starts: 0,
    renewals: 0,
  };
  readonly latency = new Latency();
  private readonly kind: BrowserClass;
  private readonly pi: PiController;
  private readonly errors: MedianFilter;
  private timeline: Timeline | null = null;
  /** The timeline that holds until the present one's pause takes effect. */
  private previous: Timeline | null = null;
  private fps: number | null = null;
  private state: Phase = "empty";
  private aim: Aim | null = null;
  private start: Start | null = null;
  private settleUntil = 0;
  private stalledSince = 0;
  private lastTick: number | null = null;
  private filtered: number | null = null;
  private strikes = 0;
  private lastRaw = 0;
  private heldAgain = false;
  private mutedLast = false;
  private rate = 1;
  private pitch = true;
  private corrections: number[] = [];
  private actions: Action[] = [];
  private fresh = false;
  private stale = false;

  constructor(kind: BrowserClass) {
    this.kind = kind;
    this.pi = new PiController(kind);
    this.errors = new MedianFilter(kind.medianOf);
  }

  get phase(): Phase {
    return this.state;
  }

  /** The filtered error (target − position), while it follows. */
  get error_us(): number | null {
    return this.filtered;
  }

  /** More corrections were needed than allowed: it follows by rate only and says so. */
  get behind(): boolean {
    return this.state === "following" && this.filtered !== null && Math.abs(this.filtered) > RESYNC_US;
  }

  setFrameRate(fps: number | null): void {
    this.fps = fps;
  }

  /** The element was emptied or has another film. */
  reset(): void {
    this.state = "empty";
    this.fresh = this.timeline !== null;
    this.previous = null;
    this.clearMotion();
  }

  /** Takes a newer timeline; the next tick acts on it. */
  setTimeline(timeline: Timeline | null): void {
    const running = this.timeline !== null && isRunning(this.timeline) && this.state === "following";
    const sameClock = timeline?.epoch === this.timeline?.epoch && timeline?.video === this.timeline?.video;
    this.previous = running && sameClock ? this.timeline : null;
    if (!sameClock) {
      // Times of another hub's clock mean nothing under this one.
      this.corrections = [];
      this.lastTick = null;
      this.settleUntil = Number.NEGATIVE_INFINITY;
    }
    this.timeline = timeline;
    this.fresh = true;
  }

  /** The browser refused to play, even muted; `unblock` follows a gesture. */
  block(): void {
    this.state = "blocked";
    this.clearMotion();
  }

  unblock(): void {
    if (this.state !== "blocked") return;
    this.state = "empty";
    this.fresh = true;
  }

  /**
   * What is buffered has changed under the picture: an element paints it from its next key frame on unless it is
   * sought. The viewer asked for this, so it costs nothing of the budget for corrections.
   */
  renew(): void {
    this.stale = true;
  }

  /** The hub time at which the next tick is worth while. */
  wake(hub_us: number): number {
    const regular = hub_us + TICK_US;
    const precise = this.preciseWake();
    return precise !== null && precise > hub_us ? Math.min(regular, precise) : regular;
  }

  private preciseWake(): number | null {
    if (this.state === "armed" && this.aim !== null) return this.aim.start_us - this.latency.start(this.mutedLast);
    if (this.previous !== null && this.timeline !== null) return this.timeline.at_hub_us;
    return null;
  }

  /** Looks once and says what to do with the element now. */
  tick(sample: Sample): readonly Action[] {
    this.actions = [];
    this.mutedLast = sample.muted;
    this.noteTick(sample);
    if (this.timeline === null) {
      if (!sample.paused) this.act({ do: "pause" });
      this.state = "empty";
    } else if (!sample.loaded) {
      this.state = this.state === "blocked" ? "blocked" : "loading";
      this.fresh = true;
    } else if (this.state !== "blocked") {
      if (this.fresh) this.enter(this.timeline, sample);
      else if (!this.renewed(this.timeline, sample)) this.advance(this.timeline, sample);
    }
    this.lastTick = sample.hub_us;
    return this.actions;
  }

  private noteTick(sample: Sample): void {
    if (this.lastTick === null) return;
    const gap = sample.hub_us - this.lastTick;
    if (gap > TICK_US + LATE_TICK_US && !sample.hidden) {
      this.counters.late_ticks += 1;
      this.errors.clear();
    }
  }

  /** Acts on a timeline seen for the first time. */
  private enter(timeline: Timeline, sample: Sample): void {
    if (!isRunning(timeline)) {
      const waits = this.previous !== null && !sample.paused && timeline.at_hub_us > sample.hub_us;
      this.fresh = false;
      if (waits) return this.advance(timeline, sample);
      return this.hold(timeline, sample);
    }
    this.fresh = false;
    if (this.state === "following" && !sample.paused && !sample.seeking) {
      const from = Math.max(timeline.at_hub_us, sample.hub_us);
      const there = sample.position_us + (from - sample.hub_us) * speedOf(this.previous ?? timeline);
      if (Math.abs(this.target(timeline, from, sample) - there) <= SAME_US) return this.advance(timeline, sample);
    }
    this.previous = null;
    this.takeAim(timeline, sample, 0);
  }

  /** Takes the picture anew where it is, if that was asked for; a film on its way to a place does so by itself. */
  private renewed(timeline: Timeline, sample: Sample): boolean {
    const asked = this.stale;
    this.stale = false;
    if (!asked || sample.seeking) return false;
    if (this.state === "held") {
      this.counters.renewals += 1;
      this.seek(this.heldPlace(timeline));
      this.state = "holding";
      return true;
    }
    const runs = (this.state === "following" || this.state === "stalled") && this.previous === null;
    if (!runs || !isRunning(timeline)) return false;
    this.counters.renewals += 1;
    this.takeAim(timeline, sample, 0);
    return true;
  }

  private advance(timeline: Timeline, sample: Sample): void {
    if (this.previous !== null) {
      // What was commanded lies ahead: all viewers run to it together.
      if (sample.hub_us < timeline.at_hub_us) return this.follow(this.previous, sample);
      this.previous = null;
      if (!isRunning(timeline)) return this.hold(timeline, sample);
    }
    switch (this.state) {
      case "holding":
      case "held":
        return this.keepHeld(timeline, sample);
      case "aiming":
        return this.awaitSeek(timeline, sample);
      case "armed":
        return this.awaitStart(timeline, sample);
      case "starting":
        return this.awaitMotion(timeline, sample);
      case "following":
        return this.follow(timeline, sample);
      case "stalled":
        return this.awaitData(timeline, sample);
      case "ended":
        return;
      default:
        return isRunning(timeline) ? this.takeAim(timeline, sample, 0) : this.hold(timeline, sample);
    }
  }

  /** Stops on the exact frame: one pause, one seek. */
  private hold(timeline: Timeline, sample: Sample): void {
    this.clearMotion();
    this.heldAgain = false;
    if (!sample.paused) this.act({ do: "pause" });
    this.setRate({ rate: 1, preservesPitch: true });
    const place = this.heldPlace(timeline);
    // A film that ran shows the frame it last painted, whatever its time says: only the seek shows the one meant.
    const there = sample.paused && !sample.seeking && Math.abs(sample.position_us - place) <= HOLD_EXACT_US;
    if (!there) this.seek(place);
    this.state = "holding";
  }

  private heldPlace(timeline: Timeline): number {
    const last = Math.max(0, timeline.duration_us - HELD_END_US);
    return frameCentre(Math.min(clampTo(timeline, timeline.position_us), last), this.fps, timeline.duration_us);
  }

  private keepHeld(timeline: Timeline, sample: Sample): void {
    if (!sample.paused) this.act({ do: "pause" });
    this.state = sample.seeking ? "holding" : "held";
    const place = this.heldPlace(timeline);
    if (this.state === "held" && !this.heldAgain && Math.abs(sample.position_us - place) > HOLD_EXACT_US) {
      // The element overran the pause; once more, and no more than that.
      this.heldAgain = true;
      this.seek(place);
    }
  }

  /** Chooses a moment ahead, goes to where the film will be then, and waits there. */
  private takeAim(timeline: Timeline, sample: Sample, tries: number): void {
    this.clearMotion();
    const lead = this.lead(sample.muted, tries);
    const cost = this.latency.start(sample.muted);
    const soon = Math.max(timeline.at_hub_us, sample.hub_us + cost);
    const near = sample.position_us - this.target(timeline, soon, sample);
    if (sample.paused && !sample.seeking && sample.ready && near >= -NEAR_BEHIND_US && near <= SAME_US) {
      // Held at this place already: no seek, only the right moment.
      this.aim = {
        start_us: soon + Math.max(0, near) / speedOf(timeline),
        position_us: sample.position_us,
        issued_us: sample.hub_us,
        tries,
      };
      this.state = "armed";
      if (speedOf(timeline) !== 1) this.setRate(plain(timeline));
      return this.awaitStart(timeline, sample);
    }
    const start = Math.max(timeline.at_hub_us, sample.hub_us + lead);
    const place = this.target(timeline, start, sample);
    if (place >= timeline.duration_us - END_US) return this.finish(timeline, sample);
    if (!sample.paused) this.act({ do: "pause" });
    this.setRate(plain(timeline));
    this.seek(place);
    this.aim = { start_us: start, position_us: place, issued_us: sample.hub_us, tries };
    this.state = "aiming";
  }

  private lead(muted: boolean, tries: number): number {
    const lead = 1.25 * this.latency.seek() + this.latency.start(muted) + 40_000;
    return Math.min(LEAD_MAX_US, Math.max(LEAD_MIN_US, lead) * 2 ** tries);
  }

  private awaitSeek(timeline: Timeline, sample: Sample): void {
    if (sample.seeking || !sample.ready || this.aim === null) return;
    this.latency.sought(sample.hub_us - this.aim.issued_us);
    const off = sample.position_us - this.aim.position_us;
    this.aim = { ...this.aim, start_us: this.aim.start_us + off / speedOf(timeline) };
    this.state = "armed";
    this.awaitStart(timeline, sample);
  }

  private awaitStart(timeline: Timeline, sample: Sample): void {
    if (this.aim === null) return this.takeAim(timeline, sample, 0);
    const late = sample.hub_us - (this.aim.start_us - this.latency.start(sample.muted));
    if (late < -1_000) return;
    if (late > LATE_START_US && this.aim.tries < 3) {
      this.counters.missed_starts += 1;
      return this.takeAim(timeline, sample, this.aim.tries + 1);
    }
    this.start = { called_us: sample.hub_us, from_us: sample.position_us, costs: [] };
    this.aim = null;
    this.settleUntil = sample.hub_us + SETTLE_US;
    this.state = "starting";
    this.act({ do: "play" });
  }

  /** Learns from the start how long this browser takes to set a film in motion. */
  private awaitMotion(timeline: Timeline, sample: Sample): void {
    if (this.start === null) return this.takeAim(timeline, sample, 0);
    const moved = sample.position_us - this.start.from_us;
    const since = sample.hub_us - this.start.called_us;
    if (moved < 50_000) {
      if (since > START_TIMEOUT_US) this.stall(sample);
      return;
    }
    this.start.costs.push(since - moved / speedOf(timeline));
    this.errors.push(this.target(timeline, sample.hub_us, sample) - sample.position_us);
    if (this.start.costs.length < 3) return;
    this.latency.started(sample.muted, median(this.start.costs));
    this.start = null;
    this.state = "following";
    this.settleUntil = sample.hub_us + SETTLE_US;
    this.follow(timeline, sample);
  }

  private follow(timeline: Timeline, sample: Sample): void {
    const target = this.target(timeline, sample.hub_us, sample);
    if (sample.ended || target >= timeline.duration_us) return this.finish(timeline, sample);
    if (sample.paused) {
      if (this.allowCorrection(sample.hub_us)) this.takeAim(timeline, sample, 0);
      return;
    }
    if (!sample.ready || sample.seeking) return this.stall(sample);
    if (sample.hidden) {
      // A hidden tab's timers are slow: it runs on by itself and is looked at when it is seen again.
      this.errors.clear();
      return this.setRate(plain(timeline));
    }
    const raw = target - sample.position_us;
    if (Math.abs(raw) > SLIP_US && Math.abs(this.lastRaw) > SLIP_US && !this.settling(sample.hub_us)) {
      this.counters.slips += 1;
      this.settleUntil = sample.hub_us + SETTLE_US;
      this.errors.clear();
      this.errors.push(this.lastRaw);
      this.errors.push(raw);
    }
    this.lastRaw = raw;
    const error = this.errors.push(raw);
    if (error === null) return;
    this.filtered = error;
    const dt = Math.min(4 * TICK_US, Math.max(0, sample.hub_us - (this.lastTick ?? sample.hub_us)));
    this.strikes = Math.abs(error) > RESYNC_US ? this.strikes + 1 : 0;
    if (this.strikes >= 2 && this.allowCorrection(sample.hub_us)) return this.takeAim(timeline, sample, 0);
    const write = this.pi.step(error, dt, this.settling(sample.hub_us), sample.muted);
    const speed = speedOf(timeline);
    // At another speed than the film's own the pitch is kept, whatever the correction.
    this.setRate({ rate: speed * write.rate, preservesPitch: speed !== 1 || write.preservesPitch });
  }

  private stall(sample: Sample): void {
    this.clearMotion();
    this.counters.stalls += 1;
    this.stalledSince = sample.hub_us;
    this.state = "stalled";
  }

  private awaitData(timeline: Timeline, sample: Sample): void {
    const behind = this.target(timeline, sample.hub_us, sample) - sample.position_us;
    if (sample.ready && !sample.seeking) {
      if (sample.paused || Math.abs(behind) > RESYNC_US) {
        if (this.allowCorrection(sample.hub_us)) return this.takeAim(timeline, sample, 0);
      }
      if (sample.paused) return;
      this.state = "following";
      this.settleUntil = sample.hub_us + SETTLE_US;
      return this.follow(timeline, sample);
    }
    // What it waits for is in the past by now: fetch where the film is going to be.
    if (
      sample.hub_us - this.stalledSince > STALL_US &&
      Math.abs(behind) > RESYNC_US &&
      this.allowCorrection(sample.hub_us)
    ) {
      this.takeAim(timeline, sample, 1);
    }
  }

  private finish(timeline: Timeline, sample: Sample): void {
    this.clearMotion();
    if (!sample.paused && !sample.ended) this.act({ do: "pause" });
    if (sample.paused && !sample.ended && Math.abs(timeline.duration_us - sample.position_us) > 500_000)
      this.seek(timeline.duration_us);
    this.state = "ended";
  }

  /** Where this viewer ought to be at a hub time. */
  private target(timeline: Timeline, hub_us: number, sample: Sample): number {
    return clampTo(timeline, positionAt(timeline, hub_us) + sample.offset_us);
  }

  /** Whether one more seek of our own is within the budget; it is spent by asking. */
  private allowCorrection(hub_us: number): boolean {
    this.corrections = this.corrections.filter((at) => hub_us - at < Math.max(SEEKS_WINDOW_US, this.kind.coolDown_us));
    const last = this.corrections.at(-1);
    const coolDown = Math.max(this.kind.coolDown_us, 3 * this.latency.seek());
    if (last !== undefined && hub_us - last < coolDown) return false;
    if (this.corrections.length >= SEEKS_MAX) return false;
    this.corrections.push(hub_us);
    this.counters.corrective_seeks += 1;
    return true;
  }

  private settling(hub_us: number): boolean {
    return this.state === "starting" || (this.state === "following" && hub_us < this.settleUntil);
  }

  private seek(position_us: number): void {
    this.counters.seeks += 1;
    this.act({ do: "seek", position_us });
  }

  private setRate(write: RateWrite): void {
    if (write.rate === this.rate && write.preservesPitch === this.pitch) return;
    this.rate = write.rate;
    this.pitch = write.preservesPitch;
    this.counters.rate_writes += 1;
    this.act({ do: "rate", ...write });
  }

  private clearMotion(): void {
    this.aim = null;
    this.start = null;
    this.strikes = 0;
    this.lastRaw = 0;
    this.filtered = null;
    this.errors.clear();
    this.pi.reset();
  }

  private act(action: Action): void {
    this.actions.push(action);
  }
}
