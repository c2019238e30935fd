// A room as the screens see it: one watchable state and a few wishes. Everything shared comes back from the hub.

import { type Ask, CatchUp } from "./catchup";
import { pageClock, type Clock } from "./clock";
import type { FromLink, LinkStatus } from "./connection";
import { thisDevice } from "./device";
import { type Estimate, hubAt } from "./estimate";
import { newId } from "./ids";
import { type Link, openLink } from "./link";
import type { OpResult } from "./outbox";
import type {
  Account,
  ChangedEvent,
  ChatFrame,
  IntentFrame,
  JoinedFrame,
  ReactionsEvent,
} from "./protocol";
import {
  applyEvent,
  applyJoined,
  NO_FACTS,
  NOBODY_TYPES,
  type RoomFacts,
  type RoomMessage,
  showMessages,
} from "./reducer";
import { comparePositions } from "./positions";
import type { RoomState, SyncView, VideoController, RoomOptions, ChatExtras, Room } from "./stage";
import { createStore, type Readable } from "./store";
import { positionAt } from "./timeline";
import { realTimers, type Timers } from "./timers";

export type { Activity, RoomMessage } from "./reducer";
export type { Reaction } from "./messages";
export type { Ask } from "./catchup";
export type { OpResult } from "./outbox";
export type {
  ClockView,
  RoomState,
  SyncView,
  VideoController,
  RoomOptions,
  History,
  ChatExtras,
  Stage,
  Room,
} from "./stage";
export type { LinkStatus } from "./connection";

/** Samples after which the hub's clock is good enough to start a film by. */
export const CLOCK_SAMPLES_MIN = 6;
export const REPORT_MS = 1_000;
/** While a film waits for viewers, readiness is told this soon. */
export const READY_MS = 100;
export const TYPING_EVERY_US = 2_000_000;
export const CHAT_CHARS_MAX = 2_000;
/** Catching up that failed is tried again after this. */
export const CATCH_UP_AGAIN_MS = 2_000;

/** The hub's address for this page. */
export function syncUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/sync`;
}

/** What is known before anything was heard. */
export const NO_ROOM: RoomState = {
  status: "connecting",
  denied: null,
  controls: false,
  me: null,
  members: [],
  people: 0,
  messages: [],
  typing: [],
  typingMore: 0,
  timeline: null,
  activity: [],
  waiting: null,
  clock: null,
  pending: null,
  fault: null,
};

export function createRoom(options: RoomOptions): Room {
  return new LiveRoom(options);
}

class LiveRoom implements Room {
  readonly state: Readable<RoomState>;
  private readonly store = createStore<RoomState>(NO_ROOM);
  private readonly options: RoomOptions;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly link: Link;
  private facts: RoomFacts = NO_FACTS;
  private estimates = new Map<string, Estimate>();
  private view: SyncView | null = null;
  private players = new Set<VideoController>();
  private readonly changeHearers = new Set<(event: ChangedEvent) => void>();
  private readonly burstHearers = new Set<(event: ReactionsEvent) => void>();
  private readonly catching = new CatchUp();
  private cancelCatchUp: () => void = () => undefined;
  private waiting = new Map<string, (result: OpResult) => void>();
  private written = new Map<string, ChatFrame>();
  private toldTyping_us = Number.NEGATIVE_INFINITY;
  private reported_us = Number.NEGATIVE_INFINITY;
  private readyTold: number | null = null;
  private cancelBeat: () => void = () => undefined;
  private readonly stopListening: () => void;

  constructor(options: RoomOptions) {
    this.options = options;
    this.clock = options.clock ?? pageClock;
    this.timers = options.timers ?? realTimers;
    this.state = this.store;
    const target = {
      url: options.url ?? syncUrl(),
      channel: options.channelId,
      visit: options.visitId,
      device: thisDevice(),
    };
    this.link = (options.open ?? openLink)(target, (told) => this.hear(told));
    this.stopListening = listenForReturn(() => this.link.post({ kind: "hurry" }));
    this.beat();
  }

  subscribe(run: (value: RoomState) => void): () => void {
    return this.store.subscribe(run);
  }

  play(): Promise<OpResult> {
    return this.wish({ verb: "play" });
  }
  pause(): Promise<OpResult> {
    return this.wish({ verb: "pause" });
  }
  seek(position_us: number): Promise<OpResult> {
    return this.wish({ verb: "seek", position_us: Math.max(0, Math.round(position_us)) });
  }
  load(video: string): Promise<OpResult> {
    return this.wish({ verb: "load", video });
  }
  rate(rate_ppm: number): Promise<OpResult> {
    return this.wish({ verb: "rate", rate_ppm });
  }

  async chat(text: string, extras: ChatExtras = {}): Promise<OpResult> {
    const trimmed = text.trim().slice(0, CHAT_CHARS_MAX);
    if (trimmed === "") return { ok: false, code: "empty", message: "the message is empty" };
    const playback = this.positionUs();
    const frame: ChatFrame = {
      t: "chat",
      op: newId(),
      id: newId(),
      text: trimmed,
      playback_us: playback === null ? null : Math.round(playback),
      ...(extras.reply_to ? { reply_to: extras.reply_to.id } : {}),
      ...(extras.mentions?.length ? { mentions: extras.mentions } : {}),
    };
    return this.sendChat(frame, extras);
  }

  show(messages: readonly RoomMessage[]): void {
    this.keep(showMessages(this.facts, messages));
  }

  burst(emoji: string): void {
    if (this.store.get().controls) this.link.post({ kind: "tell", frame: { t: "react", emoji } });
  }

  onBurst(hear: (event: ReactionsEvent) => void): () => void {
    this.burstHearers.add(hear);
    return () => {
      this.burstHearers.delete(hear);
    };
  }

  retry(messageId: string): Promise<OpResult> {
    const frame = this.written.get(messageId);
    if (frame === undefined)
      return Promise.resolve({ ok: false, code: "unknown", message: "no such message of yours" });
    return this.sendChat(frame);
  }

  typingNow(): void {
    if (this.clock.now() - this.toldTyping_us < TYPING_EVERY_US) return;
    this.toldTyping_us = this.clock.now();
    this.link.post({ kind: "tell", frame: { t: "typing" } });
  }

  onChanged(hear: (event: ChangedEvent) => void): () => void {
    this.changeHearers.add(hear);
    return () => {
      this.changeHearers.delete(hear);
    };
  }

  positionUs(): number | null {
    return this.view === null ? null : positionAt(this.view.timeline, hubAt(this.view.estimate, this.clock.now()));
  }

  holdLeftUs(): number | null {
    const until = this.view?.timeline.hold_until_us;
    if (this.view === null || until === undefined) return null;
    return Math.max(0, until - hubAt(this.view.estimate, this.clock.now()));
  }

  attach(player: VideoController): () => void {
    this.players.add(player);
    player.follow(this.view);
    return () => {
      if (this.players.delete(player)) player.follow(null);
    };
  }

  close(): void {
    this.cancelBeat();
    this.cancelCatchUp();
    this.stopListening();
    this.link.end();
    for (const player of this.players) player.follow(null);
    this.players.clear();
    for (const op of [...this.waiting.keys()])
      this.settle(op, { ok: false, code: "closed", message: "the room was left" });
    this.store.patch({ status: "closed", controls: false });
  }

  private wish(wish: Omit<IntentFrame, "t" | "op">): Promise<OpResult> {
    const frame: IntentFrame = { t: "intent", op: newId(), ...wish };
    this.store.patch({ pending: { op: frame.op, verb: frame.verb } });
    return this.post(frame);
  }

  private async sendChat(frame: ChatFrame, extras: ChatExtras = {}): Promise<OpResult> {
    const author = this.store.get().me?.account ?? { id: "", name: "" };
    this.written.set(frame.id, frame);
    const shown: RoomMessage = {
      id: frame.id,
      author: { id: author.id, name: author.name },
      text: frame.text,
      sent_at: new Date(this.clock.now() / 1_000).toISOString(),
      playback_us: frame.playback_us,
      position: null,
      delivery: "sending",
      ...extras,
    };
    this.show([shown]);
    const result = await this.post(frame);
    if (result.ok) this.written.delete(frame.id);
    this.show([
      result.ok ? { ...shown, position: result.position, delivery: "sent" } : { ...shown, delivery: "failed" },
    ]);
    return result;
  }

  private post(frame: IntentFrame | ChatFrame): Promise<OpResult> {
    return new Promise((resolve) => {
      this.waiting.set(frame.op, resolve);
      this.link.post({ kind: "send", frame });
    });
  }

  private settle(op: string, result: OpResult): void {
    this.waiting.get(op)?.(result);
    this.waiting.delete(op);
    if (this.store.get().pending?.op === op) this.store.patch({ pending: null });
  }

  private hear(told: FromLink): void {
    switch (told.kind) {
      case "status":
        return this.hearStatus(told.status, told.code, told.message);
      case "hello":
        this.facts = { ...this.facts, me: told.frame.account.id };
        return this.store.patch({ me: { session: told.frame.session, account: told.frame.account } });
      case "joined":
        return this.hearJoined(told.frame);
      case "events": {
        const now = this.clock.now();
        this.keep(told.events.reduce((facts, event) => applyEvent(facts, event, now), this.facts));
        for (const event of told.events) {
          if ("position" in event) this.catching.heard(event.position);
          if (event.e === "reactions") for (const hear of [...this.burstHearers]) hear(event);
          if (event.e === "changed") this.tellChanged(event);
        }
        return;
      }
      case "clock":
        return this.hearClock(told.estimate);
      case "settled":
        return this.settle(told.op, told.result);
      case "fault":
        return this.store.patch({ fault: { code: told.code, message: told.message } });
    }
  }

  private hearJoined(frame: JoinedFrame): void {
    this.keep(applyJoined(this.facts, frame));
    // The hub sends what was missed, if it still has it; else it is read where it lies.
    const ask = this.catching.joined(frame.position, frame.resumed);
    if (ask !== null) void this.catchUp(ask);
    // Nobody told what changed since it was read: before the first join, or beyond what the hub still has.
    if (!frame.resumed) {
      for (const noun of ["channel", "member", "queue", "report"] as const)
        this.tellChanged({ e: "changed", position: frame.position, noun, account: null });
    }
  }

  private tellChanged(event: ChangedEvent): void {
    for (const hear of [...this.changeHearers]) hear(event);
  }

  private hearStatus(status: LinkStatus, code: string | null, message: string | null): void {
    const denied = status === "denied" ? { code: code ?? "denied", message: message ?? "" } : null;
    this.store.patch({
      status,
      denied,
      controls: status === "online",
      ...(status === "online" ? { fault: null } : {}),
    });
    if (status === "denied") for (const player of this.players) player.follow(null);
  }

  private hearClock(estimate: Estimate): void {
    this.estimates.set(estimate.epoch, estimate);
    // The clock before this one is kept: by it the film runs on until the new one is known well.
    while (this.estimates.size > 2) this.estimates.delete(this.estimates.keys().next().value ?? "");
    const { bound_us, rtt_us, samples, drift_ppm, offset_us } = estimate;
    this.store.patch({ clock: { bound_us, rtt_us, samples, drift_ppm, offset_us } });
    this.lead();
  }

  private keep(facts: RoomFacts): void {
    const waited = this.facts.timeline?.hold_until_us !== undefined;
    this.facts = facts;
    if (!waited && facts.timeline?.hold_until_us !== undefined) {
      // Readiness is told sooner from now on.
      this.cancelBeat();
      this.beat();
    }
    this.showFacts();
    this.lead();
  }

  private showFacts(): void {
    const { members, people, messages, timeline, activity, typists } = this.facts;
    const { accounts: typing, more: typingMore } = typists;
    const same = sameAccounts(typing, this.store.get().typing);
    const held = timeline?.hold_until_us !== undefined;
    const sessions = held && this.facts.waiting?.seq === timeline.seq ? this.facts.waiting.sessions : [];
    const waiting = held ? keepSame(this.store.get().waiting, sessions) : null;
    const shown = { members, people, messages, timeline, activity, typingMore, waiting };
    this.store.patch({ ...shown, ...(same ? {} : { typing }) });
  }

  /** Hands the players the newest timeline whose clock is known; until then they run on by the last. */
  private lead(): void {
    const timeline = this.facts.timeline;
    const estimate = this.estimates.get(timeline?.epoch ?? "");
    if (timeline === null) this.view = null;
    else if (estimate !== undefined && estimate.samples >= CLOCK_SAMPLES_MIN) this.view = { timeline, estimate };
    for (const player of this.players) player.follow(this.view);
  }

  /** After a join: what was said and changed while this viewer was away. */
  private async catchUp(ask: Ask): Promise<void> {
    this.cancelCatchUp();
    if (this.options.history === undefined) return;
    try {
      const { messages, anew } = await this.options.history(ask);
      // A later join asks for the same gap and more.
      if (!this.catching.isOpen(ask)) return;
      if (anew) this.facts = { ...this.facts, messages: this.facts.messages.filter((own) => isNewer(own, ask)) };
      this.show(messages);
      this.catching.answered(ask);
    } catch {
      if (!this.catching.isOpen(ask)) return;
      this.cancelCatchUp = this.timers.after(CATCH_UP_AGAIN_MS, () => void this.catchUp(ask));
    }
  }

  private beat(): void {
    const held = this.facts.timeline?.hold_until_us !== undefined;
    this.cancelBeat = this.timers.after(held ? READY_MS : REPORT_MS, () => {
      const now = this.clock.now();
      const { typists } = this.facts;
      if (typists.accounts.length > 0 && typists.until_us <= now) this.keep({ ...this.facts, typists: NOBODY_TYPES });
      for (const player of this.players) this.report(player, now);
      this.beat();
    });
  }

  /** Once a second, and at once when a player has become ready for what waits for it. */
  private report(player: VideoController, now: number): void {
    const told = player.telemetry();
    if (told === null) return;
    const due = now - this.reported_us >= REPORT_MS * 1_000 - READY_MS * 500;
    if (!due && told.ready === this.readyTold) return;
    this.reported_us = now;
    this.readyTold = told.ready;
    this.link.post({ kind: "tell", frame: { t: "report", ...told } });
  }
}

function keepSame(known: readonly string[] | null, next: readonly string[]): readonly string[] {
  return known?.join() === next.join() ? known : next;
}

/** What a fresh history does not have: what is on its way, and what was said after it was read. */
function isNewer(message: RoomMessage, ask: Ask): boolean {
  return message.position === null || comparePositions(message.position, ask.through) > 0;
}

function sameAccounts(a: readonly Account[], b: readonly Account[]): boolean {
  return a.length === b.length && a.every((account, index) => account.id === b[index]?.id);
}

/** Tells when the network or the tab is back. */
function listenForReturn(back: () => void): () => void {
  if (typeof window === "undefined") return () => undefined;
  const seen = (): void => {
    if (document.visibilityState === "visible") back();
  };
  window.addEventListener("online", back);
  document.addEventListener("visibilitychange", seen);
  return () => {
    window.removeEventListener("online", back);
    document.removeEventListener("visibilitychange", seen);
  };
}
