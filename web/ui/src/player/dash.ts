// dash.js as an engine, loaded only when somebody picks DASH.

import type { MediaInfo, MediaPlayerClass, Representation } from "dashjs";
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
import { isOfFilm, withAccess } from "./tokens";

type DashModule = typeof import("dashjs");

/** Answers that a lapsed token gets. */
const TOKEN_REFUSALS: ReadonlySet<number> = new Set([401, 403, 404, 410]);

export async function createDashEngine(element: HTMLVideoElement): Promise<Engine> {
  const module = await import("dashjs");
  if (!module.supportsMediaSource())
    throw new EngineError("unsupported", "this browser cannot play streams (no Media Source Extensions)");
  return new DashEngine(module, element);
}

/** The parts of dash.js's request objects that are used here. */
interface Request {
  url: string;
  credentials?: RequestCredentials;
}
interface Response {
  readonly status?: number;
  readonly request: Request;
}

class DashEngine extends ElementCalls implements Engine {
  readonly kind = "dash";
  private readonly module: DashModule;
  private player: MediaPlayerClass | null = null;
  private readonly hearers = new Set<(event: EngineEvent) => void>();
  private faults = 0;
  private lastFault: string | null = null;
  private auto = true;

  constructor(module: DashModule, element: HTMLVideoElement) {
    super(element);
    this.module = module;
  }

  load(source: Source): Promise<void> {
    this.destroy();
    const player = this.module.MediaPlayer().create();
    const { events } = this.module.MediaPlayer;
    this.player = player;
    const failed = new Promise<never>((_, reject) => {
      player.on(events.ERROR, (fault: object) => this.fault(fault, reject));
    });
    failed.catch(() => undefined);
    player.updateSettings({
      streaming: {
        buffer: {
          bufferToKeep: BACK_BUFFER_S,
          bufferTimeDefault: BUFFER_S,
          bufferTimeAtTopQuality: BUFFER_S,
          fastSwitchEnabled: true,
        },
        abr: { limitBitrateByPortal: true },
        retryAttempts: { MediaSegment: 6, MPD: 6 },
      },
    });
    this.useTokens(player, source);
    player.on(events.STREAM_INITIALIZED, () => {
      this.tell({ kind: "levels", levels: this.levels() });
      this.tellSounds();
    });
    player.on(events.TRACK_CHANGE_RENDERED, () => this.tellSounds());
    player.on(events.QUALITY_CHANGE_RENDERED, () => this.tell({ kind: "level", index: this.level() }));
    const url = new URL(source.url, location.href).href;
    player.initialize(this.element, url, false, source.start_us / 1_000_000);
    return this.loaded(failed);
  }

  private useTokens(player: MediaPlayerClass, source: Source): void {
    const tokens = source.tokens;
    if (tokens === null) return;
    player.addRequestInterceptor(async (request: Request) => {
      if (!isOfFilm(request.url)) return request;
      const access = await tokens.current();
      // Its request log wants absolute addresses.
      request.url = new URL(withAccess(request.url, access), location.href).href;
      if (access.cookies) request.credentials = "include";
      return request;
    });
    player.addResponseInterceptor(async <R extends Response>(response: R): Promise<R> => {
      if (TOKEN_REFUSALS.has(response.status ?? 0)) tokens.invalidate(response.request.url);
      return response;
    });
  }

  private fault(fault: object, reject: (reason: EngineError) => void): void {
    this.faults += 1;
    const told = (fault as { error?: { code?: number; message?: string } | string }).error;
    const message = typeof told === "object" ? (told.message ?? "dash.js failed") : (told ?? "dash.js failed");
    const error = new EngineError(typeof told === "object" ? String(told.code ?? "dash") : "dash", message);
    this.lastFault = error.code;
    reject(error);
    this.tell({ kind: "failed", code: error.code, message: error.message });
  }

  destroy(): void {
    this.player?.destroy();
    this.player = null;
    this.auto = true;
  }

  levels(): readonly Level[] {
    return this.representations().map(toLevel);
  }

  private representations(): readonly Representation[] {
    // All of them: those larger than the element are left out only where the engine chooses.
    return this.player?.isReady() ? this.player.getRepresentationsByTypeUnfiltered("video") : [];
  }

  private level(): number {
    const id = this.player?.isReady() ? this.player.getCurrentRepresentationForType("video")?.id : undefined;
    return this.representations().findIndex((representation) => representation.id === id);
  }

  setLevel(index: number | "auto", options: { readonly flush: boolean }): void {
    if (this.player === null) return;
    this.auto = index === "auto";
    // A choice by hand may be larger than the element.
    const abr = { autoSwitchBitrate: { video: this.auto }, limitBitrateByPortal: this.auto };
    this.player.updateSettings({ streaming: { abr } });
    const chosen = index === "auto" ? undefined : this.representations()[index];
    if (chosen) this.player.setRepresentationForTypeById("video", chosen.id, options.flush);
  }

  audioTracks(): readonly Sound[] {
    return this.tracks().map((track, index) => ({
      index,
      name: track.labels?.[0]?.text ?? "",
      language: track.lang ?? null,
    }));
  }

  setAudioTrack(index: number): void {
    const track = this.tracks()[index];
    if (track && index !== this.sound()) this.player?.setCurrentTrack(track);
  }

  /** In the manifest's order. */
  private tracks(): readonly MediaInfo[] {
    const found = this.player?.isReady() ? this.player.getTracksFor("audio") : [];
    return [...found].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  }

  private sound(): number {
    const current = this.player?.isReady() ? this.player.getCurrentTrackFor("audio") : null;
    return this.tracks().findIndex((track) => track.index === current?.index);
  }

  private tellSounds(): void {
    this.tell({ kind: "sounds", sounds: this.audioTracks(), index: this.sound() });
  }

  stats(): EngineStats {
    const kbps = this.player?.isReady() ? this.player.getAverageThroughput("video") : Number.NaN;
    return {
      kind: this.kind,
      level: this.level(),
      auto: this.auto,
      bandwidth_bps: Number.isFinite(kbps) ? Math.round(kbps * 1_000) : null,
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

function toLevel(representation: Representation, index: number): Level {
  return {
    index,
    name: `${representation.height}p`,
    width: representation.width,
    height: representation.height,
    bitrate_bps: representation.bandwidth,
    fps: representation.frameRate > 0 ? representation.frameRate : null,
  };
}
