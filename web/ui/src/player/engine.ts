// What a streaming engine must do for us: eleven calls. hls.ts and dash.ts do it, the follower and the screens use it.

import type { TokenSource } from "./tokens";

export interface Source {
  /** Manifest address; how the film's files are reached is replaced at every request. */
  readonly url: string;
  readonly start_us: number;
  readonly tokens: TokenSource | null;
}

export interface Level {
  readonly index: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bitrate_bps: number;
  readonly fps: number | null;
}

/** One of a film's sound tracks; each viewer hears the one chosen here. */
export interface Sound {
  readonly index: number;
  /** As the manifest calls it. */
  readonly name: string;
  readonly language: string | null;
}

export interface EngineStats {
  readonly kind: EngineKind;
  /** The level on screen, -1 before the first. */
  readonly level: number;
  readonly auto: boolean;
  readonly bandwidth_bps: number | null;
  readonly buffered_ahead_us: number;
  readonly frames: number;
  readonly frames_dropped: number;
  /** Errors the engine told, most of them repaired by itself. */
  readonly faults: number;
  readonly last_fault: string | null;
}

export type EngineKind = "hls" | "dash";

export type EngineEvent =
  /** The manifest is read: levels are known. */
  | { readonly kind: "levels"; readonly levels: readonly Level[] }
  | { readonly kind: "level"; readonly index: number }
  /** The sound tracks, and the one that is heard, -1 before it is known. */
  | { readonly kind: "sounds"; readonly sounds: readonly Sound[]; readonly index: number }
  /** The engine gave up. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export interface Engine {
  readonly kind: EngineKind;
  /** Resolves when the manifest is read and the element knows its length; rejects with `EngineError`. */
  load(source: Source): Promise<void>;
  destroy(): void;
  play(): Promise<void>;
  pause(): void;
  seek(position_us: number): void;
  rate(rate: number, preservesPitch: boolean): void;
  levels(): readonly Level[];
  /** `flush`: what is buffered of another level is thrown away, so the change shows at once. */
  setLevel(index: number | "auto", options: { readonly flush: boolean }): void;
  audioTracks(): readonly Sound[];
  /** For this viewer alone; the picture goes on. */
  setAudioTrack(index: number): void;
  stats(): EngineStats;
  on(hear: (event: EngineEvent) => void): () => void;
}

export class EngineError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "EngineError";
    this.code = code;
  }
}

/** What is kept behind the picture and fetched ahead of it: little, so that another size shows soon. */
export const BACK_BUFFER_S = 30;
export const BUFFER_S = 20;
/** How long a manifest may take. */
export const LOAD_TIMEOUT_MS = 20_000;

/** The element's calls that are the same in every engine. */
export class ElementCalls {
  readonly element: HTMLVideoElement;

  constructor(element: HTMLVideoElement) {
    this.element = element;
  }

  play(): Promise<void> {
    return this.element.play();
  }
  pause(): void {
    this.element.pause();
  }
  seek(position_us: number): void {
    this.element.currentTime = position_us / 1_000_000;
  }
  rate(rate: number, preservesPitch: boolean): void {
    if (this.element.preservesPitch !== preservesPitch) this.element.preservesPitch = preservesPitch;
    this.element.playbackRate = rate;
  }

  /** Frames and buffer, as the element tells them. */
  picture(): Pick<EngineStats, "buffered_ahead_us" | "frames" | "frames_dropped"> {
    const quality = this.element.getVideoPlaybackQuality();
    return {
      buffered_ahead_us: bufferedAhead(this.element) * 1_000_000,
      frames: quality.totalVideoFrames,
      frames_dropped: quality.droppedVideoFrames,
    };
  }

  /** Resolves at the element's metadata, rejects when `failed` does or when it takes too long. */
  loaded(failed: Promise<never>): Promise<void> {
    if (this.element.readyState >= HTMLMediaElement.HAVE_METADATA) return Promise.resolve();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ready = new Promise<void>((resolve) => {
      this.element.addEventListener("loadedmetadata", () => resolve(), { once: true });
    });
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new EngineError("timeout", "the film did not load in time")), LOAD_TIMEOUT_MS);
    });
    return Promise.race([ready, failed, late]).finally(() => clearTimeout(timer));
  }
}

function bufferedAhead(element: HTMLVideoElement): number {
  const now = element.currentTime;
  for (let index = 0; index < element.buffered.length; index += 1) {
    if (element.buffered.start(index) <= now + 0.1 && element.buffered.end(index) >= now)
      return element.buffered.end(index) - now;
  }
  return 0;
}
