// What a room knows, and how each event changes it: pure, the same for live events and for replayed ones.

import type {
  Account,
  Cause,
  Condition,
  JoinedFrame,
  Member,
  RoomEvent,
  Timeline,
  TimelineEvent,
} from "./protocol";
import { type Ahead, type RoomMessage, withChange, withMessages } from "./messages";

export { mergeMessages, MESSAGES_MAX, type RoomMessage } from "./messages";

export const ACTIVITY_MAX = 50;
/** The hub says when somebody has stopped; should it not, they have after this. */
export const TYPING_US = 6_000_000;

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

/** Who types: some by name, the rest as a number. */
export interface Typists {
  readonly accounts: readonly Account[];
  readonly more: number;
  readonly until_us: number;
}
export const NOBODY_TYPES: Typists = { accounts: [], more: 0, until_us: 0 };

/** The part of the room's state that events make. */
export interface RoomFacts {
  readonly members: readonly Member[];
  readonly messages: readonly RoomMessage[];
  /** What changed of messages since the last join. */
  readonly ahead: ReadonlyMap<string, Ahead>;
  /** Whose reactions are mine; `null` until the hub said so. */
  readonly me: string | null;
  readonly timeline: Timeline | null;
  readonly activity: readonly Activity[];
  readonly people: number;
  readonly typists: Typists;
  readonly banned: readonly string[];
  /** The held timeline's number and the sessions it waits for. */
  readonly waiting: { readonly seq: number; readonly sessions: readonly string[] } | null;
}

export const NO_FACTS: RoomFacts = {
  members: [],
  people: 0,
  messages: [],
  ahead: new Map(),
  me: null,
  timeline: null,
  activity: [],
  typists: NOBODY_TYPES,
  banned: [],
  waiting: null,
};

/** The facts after one event heard at `now_us`. */
export function applyEvent(facts: RoomFacts, event: RoomEvent, now_us: number): RoomFacts {
  switch (event.e) {
    case "timeline":
      return applyTimeline(facts, event, now_us);
    case "retimed":
      return isNewer(event.timeline, facts.timeline) ? { ...facts, timeline: event.timeline } : facts;
    case "message": {
      const message: RoomMessage = { ...event.message, position: event.position, delivery: "sent" };
      const accounts = facts.typists.accounts.filter((account) => account.id !== event.message.author.id);
      const typists = accounts.length < facts.typists.accounts.length ? { ...facts.typists, accounts } : facts.typists;
      return { ...showMessages(facts, [message]), typists };
    }
    case "message_changed": {
      const known = { list: facts.messages, ahead: facts.ahead };
      const { list: messages, ahead } = withChange(known, event.position, event.message, facts.me);
      return { ...facts, messages, ahead };
    }
    case "reactions":
      // Thrown over the film: shown once, kept nowhere.
      return facts;
    case "presence": {
      const left = new Set(event.left);
      const members = changeMembers(putMembers(facts.members, event.joined), event.changed);
      return { ...facts, people: event.people, members: members.filter((member) => !left.has(member.session)) };
    }
    case "typing": {
      const { accounts, more } = event;
      return { ...facts, typists: { accounts, more, until_us: now_us + TYPING_US } };
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

/** The facts with more messages, from wherever they come. */
export function showMessages(facts: RoomFacts, more: readonly RoomMessage[]): RoomFacts {
  const { list: messages, ahead } = withMessages({ list: facts.messages, ahead: facts.ahead }, more);
  return { ...facts, messages, ahead };
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
export function applyJoined(facts: RoomFacts, joined: Pick<JoinedFrame, "members" | "people" | "timeline">): RoomFacts {
  const { members, people, timeline } = joined;
  return { ...facts, members, people, timeline, typists: NOBODY_TYPES, ahead: new Map(), waiting: null };
}

function putMembers(members: readonly Member[], put: readonly Member[]): readonly Member[] {
  const bySession = new Map(members.map((member) => [member.session, member]));
  for (const member of put) bySession.set(member.session, member);
  return [...bySession.values()];
}

/** Changes of members that are listed; of others there is nothing to show. */
function changeMembers(members: readonly Member[], changed: readonly Condition[]): readonly Member[] {
  if (changed.length === 0) return members;
  const bySession = new Map(changed.map((condition) => [condition.session, condition]));
  return members.map((member) => ({ ...member, ...bySession.get(member.session) }));
}
