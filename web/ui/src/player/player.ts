// The player of a page: an engine, the follower, and one watchable state for the screens.

import { pageClock } from "../sync/clock";
import type { Counters } from "../sync/controller";
import { hubAt } from "../sync/estimate";
import { classOf } from "../sync/pi";
import type { ViewerState } from "../sync/protocol";
import type { SyncView, VideoController } from "../sync/room";
import { createStore, type Readable } from "../sync/store";
import { frameRate, positionAt } from "../sync/timeline";
import { realTimers } from "../sync/timers";
import { type Engine, EngineError, type EngineEvent, type EngineKind, type EngineStats, type Level, type Sound } from "./engine";
import { type FollowState, Follower } from "./follow";
import { SizeSwitch } from "./size";
import type { TokenSource } from "./tokens";

/** Loading takes about this long: a late viewer's first segment is the one it will need then. */
export const LOAD_AHEAD_US = 1_000_000;

export interface Media {
  readonly videoId: string;
  readonly hlsUrl: string;
  readonly dashUrl: string | null;
  readonly tokens: TokenSource | null;
  readonly engine?: EngineKind;
}

export type PlayerPhase =
  "empty" | "loading" | "held" | "aiming" | "following" | "buffering" | "behind" | "blocked" | "ended" | "failed";

export interface PlayerState {
  readonly phase: PlayerPhase;
  readonly videoId: string | null;
  readonly engine: EngineKind;
  readonly errorUs: number | null;
  readonly boundUs: number | null;
  readonly rate: number;
  readonly soundBlocked: boolean;
  readonly gestureNeeded: boolean;
  readonly levels: readonly Level[];
  readonly level: number;
  readonly auto: boolean;
  /** The level that was chosen by hand, which may not be on screen yet; -1 while the engine chooses. */
  readonly chosen: number;
  readonly sounds: readonly Sound[];
  /** The sound track that is heard, -1 before it is known. */
  readonly sound: number;
  /** Frames per second, if the film says. */
  readonly fps: number | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

export interface PlayerStats {
  readonly engine: EngineStats | null;
  readonly follower: Counters;
}

export interface Player extends Readable<PlayerState>, VideoController {
  load(media: Media): Promise<void>;
  setEngine(kind: EngineKind): Promise<void>;
  setLevel(index: number | "auto", options?: { readonly flush: boolean }): void;
  setSound(index: number): void;
  /** Shows the film this much earlier than everybody does, for speakers and screens that are late, µs. */
  setShift(us: number): void;
  unlock(): void;
  stats(): PlayerStats;
  destroy(): void;
}

const FIRST: PlayerState = {
  phase: "empty",
  videoId: null,
  engine: "hls",
  errorUs: null,
  boundUs: null,
  rate: 1,
  soundBlocked: false,
  gestureNeeded: false,
  levels: [],
  level: -1,
  auto: true,
  chosen: -1,
  sounds: [],
  sound: -1,
  fps: null,
  failure: null,
};

export function createPlayer(element: HTMLVideoElement): Player {
  return new ElementPlayer(element);
}

class ElementPlayer implements Player {
  private readonly element: HTMLVideoElement;
  private readonly store = createStore<PlayerState>(FIRST);
  private readonly follower: Follower;
  private readonly size: SizeSwitch;
  private engine: Engine | null = null;
  private media: Media | null = null;
  private view: SyncView | null = null;
  /** Counts loads: an older one that ends late changes nothing. */
  private generation = 0;

  constructor(element: HTMLVideoElement) {
    this.element = element;
    this.follower = new Follower({
      element,
      clock: pageClock,
      timers: realTimers,
      kind: classOf(navigator.userAgent),
      changed: (state) => this.show(state),
    });
    this.size = new SizeSwitch(element, realTimers, () => this.follower.renew());
  }

  subscribe(run: (value: PlayerState) => void): () => void {
    return this.store.subscribe(run);
  }

  follow(view: SyncView | null): void {
    this.view = view;
    // Another film than the loaded one: stand still until the screens have brought it.
    this.follower.follow(view !== null && view.timeline.video === this.media?.videoId ? view : null);
  }

  async load(media: Media): Promise<void> {
    const kind = media.engine ?? this.store.get().engine;
    this.generation += 1;
    const generation = this.generation;
    this.unload();
    this.media = media;
    this.store.patch({
      phase: "loading",
      videoId: media.videoId,
      engine: kind,
      failure: null,
      levels: [],
      level: -1,
      auto: true,
      chosen: -1,
      sounds: [],
      sound: -1,
    });
    try {
      const engine = await this.open(kind);
      if (generation !== this.generation) return engine.destroy();
      this.engine = engine;
      engine.on((event) => this.hear(event));
      const url = kind === "dash" ? (media.dashUrl ?? media.hlsUrl) : media.hlsUrl;
      await engine.load({ url, start_us: this.startPosition(), tokens: media.tokens });
      if (generation !== this.generation) return;
      const fps = frameRate(engine.levels().map((level) => level.fps));
      this.follower.setFrameRate(fps);
      this.store.patch({ fps });
      this.follow(this.view);
      this.follower.setDrive(engine);
    } catch (error) {
      if (generation !== this.generation) return;
      const code = error instanceof EngineError ? error.code : "engine";
      this.fail(code, error instanceof Error ? error.message : String(error));
    }
  }

  private async open(kind: EngineKind): Promise<Engine> {
    // Few pick DASH: its engine is fetched when somebody does.
    if (kind === "dash") return (await import("./dash")).createDashEngine(this.element);
    return (await import("./hls")).createHlsEngine(this.element);
  }

  private startPosition(): number {
    const view = this.view;
    if (view === null || view.timeline.video !== this.media?.videoId) return 0;
    const position = positionAt(view.timeline, hubAt(view.estimate, pageClock.now()) + LOAD_AHEAD_US);
    return Math.max(0, Math.min(position, view.timeline.duration_us - LOAD_AHEAD_US));
  }

  async setEngine(kind: EngineKind): Promise<void> {
    if (this.media === null) return this.store.patch({ engine: kind });
    if (kind !== this.store.get().engine) await this.load({ ...this.media, engine: kind });
  }

  setLevel(index: number | "auto", options: { readonly flush: boolean } = { flush: true }): void {
    this.engine?.setLevel(index, options);
    const chosen = index === "auto" ? -1 : index;
    this.store.patch({ auto: index === "auto", chosen });
    const height = this.store.get().levels.find((level) => level.index === chosen)?.height;
    if (options.flush && height !== undefined) this.size.want(height);
    else this.size.stop();
  }

  setSound(index: number): void {
    this.engine?.setAudioTrack(index);
    this.store.patch({ sound: index });
  }

  setShift(us: number): void {
    this.follower.setShift(us);
  }

  unlock(): void {
    this.follower.unlock();
  }

  telemetry(): ReturnType<VideoController["telemetry"]> {
    const { phase, errorUs, boundUs } = this.store.get();
    if (this.view === null) return null;
    // Held at its place, with data to play on from there.
    const ready = phase === "held" && this.element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    return {
      state: viewerState(phase),
      error_us: errorUs === null ? null : Math.round(errorUs),
      bound_us: boundUs,
      ready: ready ? this.view.timeline.seq : null,
    };
  }

  standing(): ReturnType<VideoController["standing"]> {
    if (this.media === null) return null;
    const { phase } = this.store.get();
    const lacks = this.element.seeking || this.element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const stuck = STUCK.has(phase) || (phase === "aiming" && lacks);
    return { at_us: Math.round(this.element.currentTime * 1_000_000), stuck };
  }

  stats(): PlayerStats {
    return { engine: this.engine?.stats() ?? null, follower: this.follower.counters };
  }

  destroy(): void {
    this.generation += 1;
    this.size.stop();
    this.follower.destroy();
    this.engine?.destroy();
    this.engine = null;
    this.media = null;
  }

  private unload(): void {
    this.size.stop();
    this.follower.setDrive(null);
    this.follower.follow(null);
    this.engine?.destroy();
    this.engine = null;
  }

  private hear(event: EngineEvent): void {
    switch (event.kind) {
      case "levels":
        return this.store.patch({ levels: event.levels });
      case "level":
        return this.store.patch({ level: event.index });
      case "sounds":
        return this.store.patch({ sounds: event.sounds, sound: event.index });
      case "failed":
        return this.fail(event.code, event.message);
    }
  }

  private fail(code: string, message: string): void {
    this.follower.setDrive(null);
    this.store.patch({ phase: "failed", failure: { code, message } });
  }

  private show(state: FollowState): void {
    const { error_us, bound_us, rate, soundBlocked, gestureNeeded } = state;
    const { failure, phase } = this.store.get();
    const shown = failure !== null ? "failed" : this.engine === null ? phase : playerPhase(state);
    this.store.patch({ phase: shown, errorUs: error_us, boundUs: bound_us, rate, soundBlocked, gestureNeeded });
  }
}

function playerPhase(state: FollowState): PlayerPhase {
  if (state.behind) return "behind";
  switch (state.phase) {
    case "holding":
    case "held":
      return "held";
    case "aiming":
    case "armed":
    case "starting":
      return "aiming";
    case "stalled":
      return "buffering";
    default:
      return state.phase;
  }
}

/** Phases in which the picture does not get on. */
const STUCK: ReadonlySet<PlayerPhase> = new Set(["loading", "buffering", "blocked", "failed"]);

function viewerState(phase: PlayerPhase): ViewerState {
  if (typeof document !== "undefined" && document.visibilityState === "hidden") return "hidden";
  switch (phase) {
    case "following":
    case "behind":
      return "playing";
    case "held":
    case "ended":
      return "paused";
    case "blocked":
      return "blocked";
    default:
      return "buffering";
  }
}
