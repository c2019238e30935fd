// hls.js as an engine, loaded on demand. Asked first: Chromium also claims to play HLS by itself, and does it worse.

import type Hls from "hls.js";
import type { ErrorData, HlsConfig, LoadPolicy, Level as HlsLevel } from "hls.js";
import {
  BACK_BUFFER_S,
  BUFFER_S,
  ElementCalls,
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineStats,
  type Level,
  type Sound,
  type Source,
} from "./engine";
import { isOfFilm, type TokenSource, withAccess } from "./tokens";

type HlsModule = typeof Hls;

const RETRIES_MAX = 6;
const MEDIA_RECOVERIES_MAX = 2;
/** Answers that a lapsed token gets. */
const TOKEN_REFUSALS: ReadonlySet<number> = new Set([401, 403, 404, 410]);

export async function createHlsEngine(element: HTMLVideoElement): Promise<Engine> {
  const { default: Module } = await import("hls.js");
  if (!Module.isSupported())
    throw new EngineError("unsupported", "this browser cannot play streams (no Media Source Extensions)");
  return new HlsEngine(Module, element);
}

/** Every request is made as of now; what was refused is given back. */
function tokenSetup(tokens: TokenSource | null): HlsConfig["xhrSetup"] {
  if (tokens === null) return undefined;
  return async (xhr, url) => {
    if (!isOfFilm(url)) return;
    const access = await tokens.current();
    const address = withAccess(url, access);
    xhr.addEventListener("load", () => {
      if (TOKEN_REFUSALS.has(xhr.status)) tokens.invalidate(address);
    });
    xhr.open("GET", address, true);
    xhr.withCredentials = access.cookies;
  };
}

function policy(timeToFirstByte_ms: number, load_ms: number): LoadPolicy {
  const retry = { maxNumRetry: RETRIES_MAX, retryDelayMs: 300, maxRetryDelayMs: 4_000 };
  const shouldRetry: NonNullable<LoadPolicy["default"]["errorRetry"]>["shouldRetry"] = (
    config,
    count,
    _late,
    response,
    retries,
  ) => retries || (count < (config?.maxNumRetry ?? 0) && TOKEN_REFUSALS.has(response?.code ?? 0));
  return {
    default: {
      maxTimeToFirstByteMs: timeToFirstByte_ms,
      maxLoadTimeMs: load_ms,
      timeoutRetry: retry,
      errorRetry: { ...retry, shouldRetry },
    },
  };
}

function configOf(source: Source): Partial<HlsConfig> {
  return {
    startPosition: source.start_us / 1_000_000,
    backBufferLength: BACK_BUFFER_S,
    maxBufferLength: BUFFER_S,
    maxMaxBufferLength: BUFFER_S,
    capLevelToPlayerSize: true,
    lowLatencyMode: false,
    preserveManualLevelOnError: true,
    // fMP4 needs no transmuxing, and the page's policy allows no blob workers.
    enableWorker: false,
    // The follower decides where the film is: no silent jumps of 0.1 s.
    nudgeOffset: 0,
    nudgeMaxRetry: 10,
    manifestLoadPolicy: policy(10_000, 20_000),
    playlistLoadPolicy: policy(10_000, 20_000),
    fragLoadPolicy: policy(10_000, 60_000),
    xhrSetup: tokenSetup(source.tokens),
  };
}

class HlsEngine extends ElementCalls implements Engine {
  readonly kind = "hls";
  private readonly module: HlsModule;
  private hls: Hls | null = null;
  private readonly hearers = new Set<(event: EngineEvent) => void>();
  private faults = 0;
  private lastFault: string | null = null;
  private recoveries = 0;

  constructor(module: HlsModule, element: HTMLVideoElement) {
    super(element);
    this.module = module;
  }

  load(source: Source): Promise<void> {
    this.destroy();
    const hls = new this.module(configOf(source));
    const { Events } = this.module;
    this.hls = hls;
    const failed = new Promise<never>((_, reject) => {
      hls.on(Events.ERROR, (_name, data) => this.fault(data, reject));
    });
    // A failure after the start is told as an event; the promise is settled by then.
    failed.catch(() => undefined);
    hls.on(Events.MANIFEST_PARSED, () => this.tell({ kind: "levels", levels: this.levels() }));
    hls.on(Events.LEVEL_SWITCHED, (_name, data) => this.tell({ kind: "level", index: data.level }));
    const sounds = (): void =>
      this.tell({ kind: "sounds", sounds: this.audioTracks(), index: hls.audioTrack });
    hls.on(Events.AUDIO_TRACKS_UPDATED, sounds);
    hls.on(Events.AUDIO_TRACK_SWITCHED, sounds);
    hls.attachMedia(this.element);
    hls.loadSource(source.url);
    return this.loaded(failed);
  }

  private fault(data: ErrorData, reject: (reason: EngineError) => void): void {
    this.faults += 1;
    this.lastFault = data.details;
    if (!data.fatal) return;
    if (data.type === this.module.ErrorTypes.MEDIA_ERROR && this.recoveries < MEDIA_RECOVERIES_MAX) {
      this.recoveries += 1;
      this.hls?.recoverMediaError();
      return;
    }
    const error = new EngineError(data.details, data.error.message);
    reject(error);
    this.tell({ kind: "failed", code: error.code, message: error.message });
  }

  destroy(): void {
    this.hls?.destroy();
    this.hls = null;
    this.recoveries = 0;
  }

  levels(): readonly Level[] {
    return (this.hls?.levels ?? []).map(toLevel);
  }

  setLevel(index: number | "auto", options: { readonly flush: boolean }): void {
    if (this.hls === null) return;
    const level = index === "auto" ? -1 : index;
    // A choice by hand may be larger than the element.
    this.hls.capLevelToPlayerSize = index === "auto";
    if (options.flush && index !== "auto") this.hls.currentLevel = level;
    else this.hls.nextLevel = level;
  }

  audioTracks(): readonly Sound[] {
    return (this.hls?.audioTracks ?? []).map(({ name, lang }, index) => ({ index, name, language: lang ?? null }));
  }

  setAudioTrack(index: number): void {
    if (this.hls !== null && index !== this.hls.audioTrack) this.hls.audioTrack = index;
  }

  stats(): EngineStats {
    const estimate = this.hls?.bandwidthEstimate ?? Number.NaN;
    return {
      kind: this.kind,
      level: this.hls?.currentLevel ?? -1,
      auto: this.hls?.autoLevelEnabled ?? true,
      bandwidth_bps: Number.isFinite(estimate) ? Math.round(estimate) : null,
      faults: this.faults,
      last_fault: this.lastFault,
      ...this.picture(),
    };
  }

  on(hear: (event: EngineEvent) => void): () => void {
    this.hearers.add(hear);
    return () => {
      this.hearers.delete(hear);
    };
  }

  private tell(event: EngineEvent): void {
    for (const hear of [...this.hearers]) hear(event);
  }
}

function toLevel(level: HlsLevel, index: number): Level {
  const rate = level.frameRate;
  return {
    index,
    name: `${level.height}p`,
    width: level.width,
    height: level.height,
    bitrate_bps: level.bitrate,
    fps: rate > 0 ? rate : null,
  };
}
