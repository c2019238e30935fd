// Chat messages as a room holds them: each once, in the order of the log, as it is now. Pure.
//
// Messages come from the hub (said now, changed now) and from the read side (history, catching up), in any order. Each
// knows the last position it shows, so that what is older never takes the place of what is newer.

import { comparePositions } from "./positions";
import type { Account, Message, MessageView } from "./protocol";

/** Messages held; the oldest go first. */
export const MESSAGES_MAX = 2_000;
/** Messages whose changes since the last join are kept. */
export const CHANGES_AHEAD_MAX = 200;

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  readonly mine: boolean;
}

export interface RoomMessage extends Message {
  /** Position in the log; `null` until the hub has answered. */
  readonly position: string | null;
  readonly delivery: "sent" | "sending" | "failed";
  /** The last position it shows, when that is not where it was said. */
  readonly changed?: string;
  readonly edited?: boolean;
  readonly redacted?: { readonly by: Account | null; readonly reason: string | null } | null;
  readonly reactions?: readonly Reaction[];
  readonly pinned?: boolean;
  /** What the answered message said when this was read. */
  readonly quote?: { readonly text: string; readonly redacted: boolean };
}

/**
 * What was heard of a message since the last join: its newest view, and which emoji I put there or took away. What is
 * read for that join may be older than this: it tells what was missed before, this what came after.
 */
export interface Ahead {
  readonly position: string;
  readonly view: MessageView;
  readonly mine: ReadonlyMap<string, boolean>;
}

/** The messages, and what is known ahead of them. */
export interface Messages {
  readonly list: readonly RoomMessage[];
  readonly ahead: ReadonlyMap<string, Ahead>;
}

export const NO_MESSAGES: Messages = { list: [], ahead: new Map() };

/** With more messages, from wherever they come. */
export function withMessages(known: Messages, more: readonly RoomMessage[]): Messages {
  const ready = more.map((message) => {
    const held = known.ahead.get(message.id);
    return held === undefined || message.position === null ? message : applied(message, held);
  });
  return { ...known, list: mergeMessages(known.list, ready) };
}

/** With one message changed at a position of the log. `me`: whose reactions are mine. */
export function withChange(known: Messages, position: string, view: MessageView, me: string | null): Messages {
  const toggled = view.reacted !== null && view.reacted.account === me ? view.reacted : null;
  const mine = new Map(known.ahead.get(view.id)?.mine);
  if (toggled !== null) mine.set(toggled.emoji, toggled.on);
  const change: Ahead = { position, view, mine };
  const index = known.list.findIndex((message) => message.id === view.id && message.position !== null);
  const message = known.list[index];
  const ahead = new Map(known.ahead);
  ahead.delete(view.id);
  ahead.set(view.id, change);
  while (ahead.size > CHANGES_AHEAD_MAX) ahead.delete(ahead.keys().next().value ?? "");
  return { list: message === undefined ? known.list : known.list.with(index, applied(message, change)), ahead };
}

function applied(message: RoomMessage, { position, view, mine }: Ahead): RoomMessage {
  if (comparePositions(shown(message), position) >= 0) return message;
  const before = new Map((message.reactions ?? []).map((reaction) => [reaction.emoji, reaction.mine]));
  return {
    ...message,
    text: view.text ?? "",
    edited: view.edited,
    redacted: view.redacted,
    pinned: view.pinned,
    reactions: view.reactions.map(({ emoji, count }) => ({
      emoji,
      count,
      mine: mine.get(emoji) ?? before.get(emoji) ?? false,
    })),
    changed: position,
  };
}

/** The last position a message shows; before every position while the hub has not answered. */
function shown(message: RoomMessage): string {
  return message.changed ?? message.position ?? "";
}

/** Messages by position, each id once; the newest view of each wins, and any confirmed one over one on its way. */
export function mergeMessages(known: readonly RoomMessage[], more: readonly RoomMessage[]): readonly RoomMessage[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of more) {
    const before = byId.get(message.id);
    if (before === undefined || comparePositions(shown(before), shown(message)) <= 0) byId.set(message.id, message);
  }
  return [...byId.values()].sort(byPosition).slice(-MESSAGES_MAX);
}

function byPosition(a: RoomMessage, b: RoomMessage): number {
  if (a.position === null || b.position === null) {
    // Unconfirmed ones stand last, in the order they were written.
    if (a.position === b.position) return compareText(a.sent_at, b.sent_at);
    return a.position === null ? 1 : -1;
  }
  return comparePositions(a.position, b.position);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
