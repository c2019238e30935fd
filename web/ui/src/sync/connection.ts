// The socket's life: connect, join, probe, answer, reconnect. Runs in the worker; without one in the window.
//
// It owns the estimator, so that probes are stamped where no screen work can delay them. What it learns it emits.

import type { Clock } from "./clock";
import type { Estimate } from "./estimate";
import { Estimator, QUICK_SAMPLES } from "./estimator";
import { Outbox, type OpResult, type Settled } from "./outbox";
import {
  type ChatFrame,
  CLOSE,
  type ClientFrame,
  type Device,
  type HelloFrame,
  type HubFrame,
  type IntentFrame,
  type JoinedFrame,
  parseFrame,
  type ProbeReply,
  type ReactFrame,
  type ReportFrame,
  type RoomEvent,
} from "./protocol";
import { comparePositions } from "./positions";
import type { Timers } from "./timers";

export const BACKOFF_MIN_MS = 250;
export const BACKOFF_MAX_MS = 5_000;
export const CONNECT_TIMEOUT_MS = 10_000;
export const PROBE_MS = 500;
export const PROBE_QUICK_MS = 25;
/** A hub that says nothing for so long, probes included, is taken for gone. */
export const SILENCE_US = 6_000_000;
const BAD_FRAMES_MAX = 3;
const PROBES_OPEN_MAX = 64;

export type LinkStatus = "connecting" | "online" | "reconnecting" | "denied" | "closed";

/** What the window asks of the connection. */
export type ToLink =
  | { readonly kind: "send"; readonly frame: IntentFrame | ChatFrame }
  | { readonly kind: "tell"; readonly frame: ReportFrame | ReactFrame | { readonly t: "typing" } }
  | { readonly kind: "hurry" }
  | { readonly kind: "close" };

/** What the connection tells the window. */
export type FromLink =
  | {
      readonly kind: "status";
      readonly status: LinkStatus;
      readonly code: string | null;
      readonly message: string | null;
    }
  | { readonly kind: "hello"; readonly frame: HelloFrame }
  | { readonly kind: "joined"; readonly frame: JoinedFrame }
  | { readonly kind: "events"; readonly events: readonly RoomEvent[] }
  | { readonly kind: "clock"; readonly estimate: Estimate }
  | { readonly kind: "settled"; readonly op: string; readonly result: OpResult }
  | { readonly kind: "fault"; readonly code: string; readonly message: string };

export interface Socket {
  send(text: string): void;
  close(): void;
}
export interface SocketEvents {
  message(text: string): void;
  closed(code: number, reason: string): void;
}

export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  random(): number;
  open(url: string, events: SocketEvents): Socket;
  emit(told: FromLink): void;
}

export interface Target {
  readonly url: string;
  readonly channel: string;
  readonly visit: string;
  readonly device: Device;
}

export class Connection {
  private readonly target: Target;
  private readonly ports: Ports;
  private readonly outbox = new Outbox();
  private status: LinkStatus = "connecting";
  private socket: Socket | null = null;
  /** Counts sockets: what an older one still says is not heard. */
  private generation = 0;
  private estimator: Estimator | null = null;
  private probes = new Map<number, number>();
  private probeCount = 0;
  private quickLeft = 0;
  private failures = 0;
  private badFrames = 0;
  private heard_us = 0;
  /** The last log position heard: where the next join goes on. */
  private seen: string | null = null;
  private cancelProbe: () => void = () => undefined;
  private cancelWait: () => void = () => undefined;
  private cancelExpiry: () => void = () => undefined;

  constructor(target: Target, ports: Ports) {
    this.target = target;
    this.ports = ports;
  }

  start(): void {
    this.tellStatus("connecting");
    this.connect();
    this.watchExpiry();
  }

  handle(asked: ToLink): void {
    if (this.status === "closed") return;
    switch (asked.kind) {
      case "send":
        this.settleAll(this.outbox.add(asked.frame, this.ports.clock.now(), this.status === "online"));
        if (this.status === "online") this.send(asked.frame);
        if (this.status === "denied") this.settleAll(this.outbox.close());
        return;
      case "tell":
        if (this.status === "online") this.send(asked.frame);
        return;
      case "hurry":
        return this.hurry();
      case "close":
        return this.close();
    }
  }

  private connect(): void {
    this.generation += 1;
    const generation = this.generation;
    const current = (): boolean => this.generation === generation;
    this.cancelWait = this.ports.timers.after(CONNECT_TIMEOUT_MS, () => this.lost(0, "no answer"));
    this.socket = this.ports.open(this.target.url, {
      message: (text) => {
        const received_us = this.ports.clock.now();
        if (current()) this.receive(text, received_us);
      },
      closed: (code, reason) => {
        if (current()) this.lost(code, reason);
      },
    });
  }

  private receive(text: string, received_us: number): void {
    this.heard_us = received_us;
    const frame = parseFrame(text);
    if (frame !== null) this.take(frame, received_us);
  }

  private take(frame: HubFrame, received_us: number): void {
    switch (frame.t) {
      case "probe":
        return this.takeProbe(frame, received_us);
      case "hello":
        return this.takeHello(frame);
      case "joined":
        return this.takeJoined(frame);
      case "batch":
        this.noteSeen(frame.events);
        return this.ports.emit({ kind: "events", events: frame.events });
      case "ack":
        return this.answer(frame.op, { ok: true, position: frame.position, changed: frame.changed });
      case "refused":
        return this.answer(frame.op, {
          ok: false,
          code: frame.code,
          message: frame.message,
          ...(frame.retry_after_ms === undefined ? {} : { retry_after_ms: frame.retry_after_ms }),
        });
      case "error":
        return this.ports.emit({ kind: "fault", code: frame.code, message: frame.message });
    }
  }

  private takeHello(frame: HelloFrame): void {
    if (this.estimator?.epoch !== frame.epoch) this.estimator = new Estimator(frame.epoch);
    this.ports.emit({ kind: "hello", frame });
    const { channel, visit, device } = this.target;
    this.send({ t: "join", channel, visit, device, ...(this.seen === null ? {} : { after: this.seen }) });
    this.probes.clear();
    this.quickLeft = QUICK_SAMPLES;
    this.probe();
  }

  private takeJoined(frame: JoinedFrame): void {
    this.cancelWait();
    this.failures = 0;
    this.badFrames = 0;
    // What is resumed is still on its way; else everything up to here is read elsewhere.
    if (!frame.resumed) this.seen = frame.position;
    this.tellStatus("online");
    this.ports.emit({ kind: "joined", frame });
    for (const waiting of this.outbox.waiting()) this.send(waiting);
  }

  private noteSeen(events: readonly RoomEvent[]): void {
    for (const event of events) {
      if (!("position" in event)) continue;
      if (this.seen === null || comparePositions(event.position, this.seen) > 0) this.seen = event.position;
    }
  }

  private probe(): void {
    this.cancelProbe();
    if (this.ports.clock.now() - this.heard_us > SILENCE_US) return this.lost(0, "silence");
    this.probeCount += 1;
    const c0 = Math.round(this.ports.clock.now());
    this.probes.set(this.probeCount, c0);
    if (this.probes.size > PROBES_OPEN_MAX) this.probes.delete(this.probes.keys().next().value ?? 0);
    this.send({ t: "probe", n: this.probeCount, c0 });
    this.quickLeft = Math.max(0, this.quickLeft - 1);
    // A little jitter, so that no probe keeps step with anything periodic on the way.
    const pause = this.quickLeft > 0 ? PROBE_QUICK_MS : PROBE_MS * (0.9 + 0.2 * this.ports.random());
    this.cancelProbe = this.ports.timers.after(pause, () => this.probe());
  }

  private takeProbe(frame: ProbeReply, received_us: number): void {
    const c0 = this.probes.get(frame.n);
    if (c0 === undefined || this.estimator === null) return;
    this.probes.delete(frame.n);
    const estimate = this.estimator.add({ c0, s1: frame.s1, s2: frame.s2, c3: received_us });
    if (estimate !== null) this.ports.emit({ kind: "clock", estimate });
  }

  private answer(op: string, result: OpResult): void {
    if (this.outbox.settle(op)) this.ports.emit({ kind: "settled", op, result });
  }

  private lost(code: number, reason: string): void {
    if (this.status === "closed" || this.status === "denied") return;
    this.dropSocket();
    this.settleAll(this.outbox.cutOff());
    if (code === CLOSE.badFrame) this.badFrames += 1;
    const denial = denialOf(code, this.badFrames);
    if (denial !== null) {
      this.settleAll(this.outbox.close());
      return this.tellStatus("denied", denial, reason);
    }
    this.tellStatus("reconnecting", code === 0 ? null : String(code), reason);
    this.cancelWait = this.ports.timers.after(this.backOff(), () => this.connect());
    this.failures += 1;
  }

  private backOff(): number {
    const ceiling = Math.min(BACKOFF_MAX_MS, 2 * BACKOFF_MIN_MS * 2 ** Math.min(this.failures, 10));
    return BACKOFF_MIN_MS + this.ports.random() * (ceiling - BACKOFF_MIN_MS);
  }

  /** The network or the tab is back: do not wait for the timer. */
  private hurry(): void {
    if (this.status === "online") {
      this.quickLeft = QUICK_SAMPLES;
      return this.probe();
    }
    if (this.status !== "reconnecting" || this.socket !== null) return;
    this.cancelWait();
    this.connect();
  }

  private watchExpiry(): void {
    this.cancelExpiry = this.ports.timers.after(500, () => {
      this.settleAll(this.outbox.expire(this.ports.clock.now()));
      this.watchExpiry();
    });
  }

  private close(): void {
    this.settleAll(this.outbox.close());
    this.dropSocket();
    this.cancelExpiry();
    this.tellStatus("closed");
  }

  private dropSocket(): void {
    this.generation += 1;
    this.cancelProbe();
    this.cancelWait();
    this.probes.clear();
    this.socket?.close();
    this.socket = null;
  }

  private settleAll(settled: readonly Settled[]): void {
    for (const one of settled) this.ports.emit({ kind: "settled", ...one });
  }

  private send(frame: ClientFrame): void {
    this.socket?.send(JSON.stringify(frame));
  }

  private tellStatus(status: LinkStatus, code: string | null = null, message: string | null = null): void {
    this.status = status;
    this.ports.emit({ kind: "status", status, code, message });
  }
}

/** Why no further attempt makes sense; `null` when one does. */
function denialOf(code: number, badFrames: number): string | null {
  if (code === CLOSE.notSignedIn) return "not_signed_in";
  if (code === CLOSE.notPermitted) return "not_permitted";
  if (code === CLOSE.tooMany) return "too_many";
  return badFrames >= BAD_FRAMES_MAX ? "bad_frame" : null;
}
