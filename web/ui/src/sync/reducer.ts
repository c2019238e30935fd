// What a room knows, and how each event changes it: pure, the same for live events and for replayed ones.

import type { Account, Cause, Member, Message, RoomEvent, Timeline, TimelineEvent } from "./protocol";

export const MESSAGES_MAX = 500;
export const ACTIVITY_MAX = 50;
/** How long somebody counts as typing after the last word of it. */
export const TYPING_US = 4_000_000;

export interface RoomMessage extends Message {
  /** Position in the log; `null` until the hub has answered. */
  readonly position: string | null;
  readonly delivery: "sent" | "sending" | "failed";
}

/** A shared action, as the activity list shows it. */
export interface Activity {
  readonly position: string;
  readonly verb: Cause["verb"];
  readonly actor: Account | null;
  readonly op: string | null;
  /** Where the film was sent or stopped. */
  readonly at_us: number;
  readonly heard_us: number;
}

/** The part of the room's state that events make. */
export interface RoomFacts {
  readonly members: readonly Member[];
  readonly messages: readonly RoomMessage[];
  readonly timeline: Timeline | null;
  readonly activity: readonly Activity[];
  readonly typists: readonly { readonly account: Account; readonly until_us: number }[];
  readonly banned: readonly string[];
  /** The held timeline's number and the sessions it waits for. */
  readonly waiting: { readonly seq: number; readonly sessions: readonly string[] } | null;
}

export const NO_FACTS: RoomFacts = {
  members: [],
  messages: [],
  timeline: null,
  activity: [],
  typists: [],
  banned: [],
  waiting: null,
};

/** The facts after one event heard at `now_us`. */
export function applyEvent(facts: RoomFacts, event: RoomEvent, now_us: number): RoomFacts {
  switch (event.e) {
    case "timeline":
      return applyTimeline(facts, event, now_us);
    case "message": {
      const message: RoomMessage = { ...event.message, position: event.position, delivery: "sent" };
      const typists = facts.typists.filter((typist) => typist.account.id !== event.message.author.id);
      return { ...facts, messages: mergeMessages(facts.messages, [message]), typists };
    }
    case "presence": {
      const left = new Set(event.left);
      const members = putMembers(facts.members, [...event.joined, ...event.changed]);
      return { ...facts, members: members.filter((member) => !left.has(member.session)) };
    }
    case "typing": {
      const others = facts.typists.filter((typist) => typist.account.id !== event.account.id);
      return { ...facts, typists: [...others, { account: event.account, until_us: now_us + TYPING_US }] };
    }
    case "banned":
      return {
        ...facts,
        banned: facts.banned.includes(event.account) ? facts.banned : [...facts.banned, event.account],
        members: facts.members.filter((member) => member.account.id !== event.account),
      };
    case "waiting":
      return { ...facts, waiting: { seq: event.seq, sessions: event.sessions } };
    case "changed":
      // Nothing the hub tells itself: who shows it reads it again.
      return facts;
    default:
      // A newer hub may say more than we know.
      return facts;
  }
}

function applyTimeline(facts: RoomFacts, event: TimelineEvent, now_us: number): RoomFacts {
  if (!isNewer(event.timeline, facts.timeline)) return facts;
  const { cause, position, timeline } = event;
  const done: Activity = {
    position,
    verb: cause.verb,
    actor: cause.actor,
    op: cause.op,
    at_us: timeline.position_us,
    heard_us: now_us,
  };
  // That everybody was ready is nobody's act.
  const activity = cause.verb === "release" ? facts.activity : [...facts.activity, done].slice(-ACTIVITY_MAX);
  return { ...facts, timeline, activity };
}

/** Whether a timeline replaces the known one: another epoch always does, within one epoch the higher number. */
export function isNewer(next: Timeline, known: Timeline | null): boolean {
  return known === null || next.epoch !== known.epoch || next.seq > known.seq;
}

/** The facts after a (re)join: members and timeline are the hub's, messages and activity stay. */
export function applyJoined(facts: RoomFacts, members: readonly Member[], timeline: Timeline | null): RoomFacts {
  return { ...facts, members, timeline, typists: [], waiting: null };
}

function putMembers(members: readonly Member[], put: readonly Member[]): readonly Member[] {
  const bySession = new Map(members.map((member) => [member.session, member]));
  for (const member of put) bySession.set(member.session, member);
  return [...bySession.values()];
}

/** Messages by position, each id once; what the hub confirmed wins over what is still on its way. */
export function mergeMessages(known: readonly RoomMessage[], more: readonly RoomMessage[]): readonly RoomMessage[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  for (const message of more) {
    const before = byId.get(message.id);
    if (before === undefined || before.position === null || message.position !== null) byId.set(message.id, message);
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

/** Log positions are opaque except for their order: shorter first, then as text, which orders decimal numbers. */
export function comparePositions(a: string, b: string): number {
  return a.length - b.length || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
