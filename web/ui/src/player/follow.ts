// Binds the controller to a video element: samples it, does what the controller says, wakes it in time.
//
// Nothing is decided here. Media events only bring the next look forward.

import type { Clock } from "../sync/clock";
import { targetOffsetUs } from "../sync/clock";
import { type Action, Controller, type Counters, type Phase, type Sample } from "../sync/controller";
import { clientAt, hubAt } from "../sync/estimate";
import { type BrowserClass, CHROMIUM } from "../sync/pi";
import type { SyncView } from "../sync/room";
import type { Timers } from "../sync/timers";

/** The engine calls the follower needs. */
export interface Drive {
  play(): Promise<void>;
  pause(): void;
  seek(position_us: number): void;
  rate(rate: number, preservesPitch: boolean): void;
}

export interface FollowState {
  readonly phase: Phase;
  readonly error_us: number | null;
  readonly bound_us: number | null;
  readonly rate: number;
  readonly behind: boolean;
  readonly soundBlocked: boolean;
  readonly gestureNeeded: boolean;
}

export interface FollowPorts {
  readonly element: HTMLVideoElement;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly kind?: BrowserClass;
  changed(state: FollowState): void;
}

/** Events after which the element is worth another look at once. */
const LOOK_EVENTS = ["loadedmetadata", "seeked", "canplay", "playing", "waiting", "pause", "ended", "emptied"] as const;

export class Follower {
  private readonly ports: FollowPorts;
  private readonly controller: Controller;
  private drive: Drive | null = null;
  private view: SyncView | null = null;
  private soundBlocked = false;
  private gestureNeeded = false;
  private shiftUs = 0;
  private playing = false;
  private cancel: () => void = () => undefined;
  private readonly look = (): void => this.tick();

  constructor(ports: FollowPorts) {
    this.ports = ports;
    this.controller = new Controller(ports.kind ?? CHROMIUM);
    for (const name of LOOK_EVENTS) ports.element.addEventListener(name, this.look);
    document.addEventListener("visibilitychange", this.look);
  }

  get counters(): Counters {
    return this.controller.counters;
  }

  /** Takes the engine to act through; `null` while there is none. */
  setDrive(drive: Drive | null): void {
    this.drive = drive;
    this.controller.reset();
    this.tick();
  }

  setFrameRate(fps: number | null): void {
    this.controller.setFrameRate(fps);
  }

  /** Moves this device's film against everybody's, for screens and speakers that are late; positive is earlier. */
  setShift(us: number): void {
    this.shiftUs = us;
    this.tick();
  }

  /** Takes the picture anew from what is buffered now. */
  renew(): void {
    this.controller.renew();
    this.tick();
  }

  /** Follows this view; `null` holds the element. */
  follow(view: SyncView | null): void {
    const before = this.view?.timeline;
    this.view = view;
    const timeline = view?.timeline ?? null;
    if (timeline === before || (timeline === null && before === undefined)) return;
    this.controller.setTimeline(timeline);
    this.tick();
  }

  /** From a user's gesture: sound on, and play if that was refused. */
  unlock(): void {
    if (!this.soundBlocked && !this.gestureNeeded) return;
    if (this.soundBlocked) this.ports.element.muted = false;
    this.soundBlocked = false;
    this.gestureNeeded = false;
    this.controller.unblock();
    this.tick();
  }

  destroy(): void {
    this.cancel();
    for (const name of LOOK_EVENTS) this.ports.element.removeEventListener(name, this.look);
    document.removeEventListener("visibilitychange", this.look);
    this.view = null;
    this.drive = null;
  }

  private sample(view: SyncView): Sample {
    const { element, clock } = this.ports;
    const position_us = element.currentTime * 1_000_000;
    return {
      hub_us: hubAt(view.estimate, clock.now()),
      position_us,
      paused: element.paused,
      seeking: element.seeking,
      loaded: element.readyState >= 1,
      ready: element.readyState >= 3,
      ended: element.ended,
      hidden: document.visibilityState === "hidden",
      muted: element.muted,
      offset_us: targetOffsetUs() + this.shiftUs,
    };
  }

  private tick(): void {
    this.cancel();
    const { clock, timers, element } = this.ports;
    if (this.drive === null) return this.tell();
    if (this.view === null) {
      if (!element.paused) this.drive.pause();
      return this.tell();
    }
    const sample = this.sample(this.view);
    for (const action of this.controller.tick(sample)) this.perform(action);
    const wake = clientAt(this.view.estimate, this.controller.wake(sample.hub_us));
    this.cancel();
    this.cancel = timers.after((wake - clock.now()) / 1_000, this.look);
    this.tell();
  }

  private perform(action: Action): void {
    switch (action.do) {
      case "play":
        void this.play();
        return;
      case "pause":
        return this.drive?.pause();
      case "seek":
        return this.drive?.seek(action.position_us);
      case "rate":
        return this.drive?.rate(action.rate, action.preservesPitch);
    }
  }

  /** Plays; where sound needs a gesture it plays muted, in sync all the same. */
  private async play(): Promise<void> {
    if (this.playing || this.drive === null) return;
    this.playing = true;
    try {
      await this.drive.play();
    } catch (error) {
      if (isRefusal(error)) await this.playMuted();
    } finally {
      this.playing = false;
      this.tell();
    }
  }

  private async playMuted(): Promise<void> {
    const { element } = this.ports;
    const wasMuted = element.muted;
    if (!wasMuted) {
      // Said before it is done: whoever hears of the change must not take it for the viewer's wish.
      this.soundBlocked = true;
      this.tell();
      element.muted = true;
      try {
        await this.drive?.play();
        return;
      } catch (error) {
        if (!isRefusal(error)) return;
      }
    }
    this.gestureNeeded = true;
    this.controller.block();
  }

  private tell(): void {
    const { phase, error_us, behind } = this.controller;
    const bound_us = this.view?.estimate.bound_us ?? null;
    const { soundBlocked, gestureNeeded } = this;
    this.ports.changed({
      phase,
      error_us,
      behind,
      bound_us,
      rate: this.ports.element.playbackRate,
      soundBlocked,
      gestureNeeded,
    });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotAllowedError";
}
