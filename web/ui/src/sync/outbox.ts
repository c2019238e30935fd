// What this viewer asked for and the hub has not answered: pure. Same op, same frame at every sending, so that the
// hub can tell a repeat from a second wish.

import type { ChatFrame, IntentFrame } from "./protocol";

/** A transport wish that got no answer in this time is dropped, wherever it is. */
export const INTENT_LIFE_US = 5_000_000;
export const CHAT_LIFE_US = 30_000_000;
export const INTENTS_MAX = 8;
export const CHATS_MAX = 32;

export type OpResult =
  | { readonly ok: true; readonly position: string; readonly changed: boolean }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      /** When to ask again, where waiting helps. */
      readonly retry_after_ms?: number;
    };

export interface Settled {
  readonly op: string;
  readonly result: OpResult;
}

interface Entry {
  readonly frame: IntentFrame | ChatFrame;
  readonly asked_us: number;
}

const gone = (op: string, code: string, message: string): Settled => ({ op, result: { ok: false, code, message } });

export class Outbox {
  private entries: Entry[] = [];

  /** Takes a frame; says what is given up for it. While cut off only the newest intent waits. */
  add(frame: IntentFrame | ChatFrame, now_us: number, online: boolean): Settled[] {
    const same = this.entries.filter((entry) => entry.frame.t === frame.t);
    const limit = frame.t === "chat" ? CHATS_MAX : online ? INTENTS_MAX : 1;
    if (frame.t === "chat" && same.length >= limit)
      return [gone(frame.op, "too_many", "too many messages are waiting")];
    this.entries.push({ frame, asked_us: now_us });
    return same.slice(0, Math.max(0, same.length + 1 - limit)).map((entry) => this.give(entry));
  }

  /** The socket is gone: of the intents only the newest is kept. */
  cutOff(): Settled[] {
    return this.entries
      .filter((entry) => entry.frame.t === "intent")
      .slice(0, -1)
      .map((entry) => this.give(entry));
  }

  private give(entry: Entry): Settled {
    this.entries = this.entries.filter((kept) => kept !== entry);
    return gone(entry.frame.op, "superseded", "a newer wish replaced it");
  }

  /** What to send, in order, on a socket that has just joined. */
  waiting(): readonly (IntentFrame | ChatFrame)[] {
    return this.entries.map((entry) => entry.frame);
  }

  /** Forgets what the hub has answered; false if it was unknown. */
  settle(op: string): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.frame.op !== op);
    return this.entries.length < before;
  }

  expire(now_us: number): Settled[] {
    const old = this.entries.filter(
      (entry) => now_us - entry.asked_us > (entry.frame.t === "chat" ? CHAT_LIFE_US : INTENT_LIFE_US),
    );
    this.entries = this.entries.filter((entry) => !old.includes(entry));
    return old.map((entry) => gone(entry.frame.op, "offline", "the hub did not answer in time"));
  }

  /** Gives everything up. */
  close(): Settled[] {
    const all = this.entries;
    this.entries = [];
    return all.map((entry) => gone(entry.frame.op, "closed", "the room was left"));
  }
}
