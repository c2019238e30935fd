// Play, pause and seek as this viewer asks for them: the wish shows at once and settles on the channel's answer.

import { fromStore } from "svelte/store";
import { refusal } from "$src/app/problems";
import { t } from "$src/i18n";
import { RATE_NORMAL_PPM } from "$src/sync/protocol";
import type { OpResult, RoomState, Stage } from "$src/sync/room";

/** Quick presses of an arrow key become one seek. */
const GATHER_MS = 150;
/** A seek without an answer shows the channel's own position again after this long. */
const TARGET_MS_MAX = 3_000;
/** Seeking to the very end would end the film at once. */
const END_GAP_US = 500_000;
/** How near the end counts as ended. */
const ENDED_US = 100_000;

/** Shared speeds, as the channel permits them. */
export const SPEED_PPM_MIN = 500_000;
export const SPEED_PPM_MAX = 2_000_000;
export const SPEED_PPM_STEP = 250_000;

interface Target {
  readonly us: number;
  readonly seq: number;
  readonly untilMs: number;
}

export class Transport {
  /** The film position by the channel's clock. */
  positionUs = $state(0);
  #target: Target | null = $state.raw(null);
  #gathering: ReturnType<typeof setTimeout> | undefined;
  readonly #room: Stage;
  readonly #state: { readonly current: RoomState };
  readonly #refused: (why: string) => void;
  readonly #why: (permission: "PLAY_PAUSE" | "SEEK") => string | null;

  /** `why`: why something is not permitted, `null` when it is. */
  constructor(
    room: Stage,
    refused: (why: string) => void,
    why: (permission: "PLAY_PAUSE" | "SEEK") => string | null = () => null,
  ) {
    this.#why = why;
    this.#room = room;
    this.#state = fromStore(room);
    this.#refused = refused;
  }

  get durationUs(): number {
    return this.#state.current.timeline?.duration_us ?? 0;
  }
  /** Where the knob is: the wish while it is on its way, else the film. */
  get shownUs(): number {
    return this.#target?.us ?? this.positionUs;
  }
  get enabled(): boolean {
    return this.#state.current.controls && this.#state.current.timeline !== null;
  }
  /** Why this viewer may not play and pause, or jump; shown when pressed, and dims the controls. */
  get whyNotPlay(): string | null {
    return this.#why("PLAY_PAUSE");
  }
  get whyNotSeek(): string | null {
    return this.#why("SEEK");
  }
  get ended(): boolean {
    return this.durationUs > 0 && this.#target === null && this.positionUs >= this.durationUs - ENDED_US;
  }
  get running(): boolean {
    const { pending, timeline } = this.#state.current;
    if (pending?.verb === "play") return true;
    if (pending?.verb === "pause") return false;
    // What waits for viewers has been started: the button pauses.
    if (timeline?.hold_until_us !== undefined) return true;
    return (timeline?.rate_ppm ?? 0) > 0 && !this.ended;
  }

  toggle(): void {
    if (!this.enabled) return this.#refused(t.room.offline);
    if (this.whyNotPlay) return this.#refused(this.whyNotPlay);
    void this.#answer(this.running ? this.#room.pause() : this.#room.play());
  }

  seek(us: number): void {
    if (!this.enabled) return this.#refused(t.room.offline);
    if (this.whyNotSeek) return this.#refused(this.whyNotSeek);
    this.#gathered();
    const target = this.#aim(us);
    void this.#answer(this.#room.seek(target.us)).then((done) => {
      if (!done && this.#target === target) this.#target = null;
    });
  }

  /** Some seconds on or back from where the knob is. */
  skip(seconds: number): void {
    if (!this.enabled) return this.#refused(t.room.offline);
    if (this.whyNotSeek) return this.#refused(this.whyNotSeek);
    this.#gathered();
    const { us } = this.#aim(this.shownUs + seconds * 1_000_000);
    this.#gathering = setTimeout(() => this.seek(us), GATHER_MS);
  }

  /** The shared speed, also while paused. */
  get speedPpm(): number {
    return this.#state.current.timeline?.speed_ppm ?? RATE_NORMAL_PPM;
  }
  setSpeed(ppm: number): void {
    if (!this.enabled) return this.#refused(t.room.offline);
    void this.#answer(this.#room.rate(Math.min(SPEED_PPM_MAX, Math.max(SPEED_PPM_MIN, ppm))));
  }

  /** Looks at the clock; call it a few times a second. */
  tick(nowMs: number): void {
    this.positionUs = this.#room.positionUs() ?? this.#state.current.timeline?.position_us ?? 0;
    const target = this.#target;
    // The answer to an earlier seek does not undo presses that are still gathered.
    if (this.#gathering !== undefined) return;
    if (target && (nowMs > target.untilMs || this.#state.current.timeline?.seq !== target.seq)) this.#target = null;
  }

  #gathered(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }

  #aim(us: number): Target {
    const seq = this.#state.current.timeline?.seq ?? 0;
    const target = Math.min(Math.max(0, Math.round(us)), Math.max(0, this.durationUs - END_GAP_US));
    const aimed = { us: target, seq, untilMs: performance.now() + TARGET_MS_MAX };
    this.#target = aimed;
    return aimed;
  }

  async #answer(asked: Promise<OpResult>): Promise<boolean> {
    const result = await asked;
    if (!result.ok && result.code !== "superseded" && result.code !== "closed") this.#refused(refusal(result));
    return result.ok;
  }
}
