// The frames of the /sync WebSocket: their TypeScript shapes and nothing else.
//
// Names are those on the wire. `_us` are integer microseconds; hub times count from the hub's start (`epoch`).

/** Normal speed; `rate_ppm` is the shared speed, or 0 while paused. */
export const RATE_NORMAL_PPM = 1_000_000;

export interface Account {
  readonly id: string;
  readonly name: string;
}
export type PlatformRole = "administrator" | "member" | "guest";
export type ChannelRole = "viewer" | "moderator" | "admin" | "owner";
/** What a viewer's player does; `away` is said by the hub alone: the socket is gone, the visit not yet. */
export type ViewerState = "playing" | "paused" | "buffering" | "hidden" | "blocked" | "away";
export type Device = "phone" | "tablet" | "desktop" | "tv";
export type IntentVerb = "play" | "pause" | "seek" | "load" | "rate";
export type CauseVerb = IntentVerb | "end" | "hold" | "release";

/** The shared clock of a film: at hub time `at_hub_us` it is at `position_us` and runs at `rate_ppm`. */
export interface Timeline {
  readonly video: string;
  readonly duration_us: number;
  readonly position_us: number;
  readonly rate_ppm: number;
  readonly at_hub_us: number;
  /** The shared speed, also while paused; hubs before it was shared did not tell. */
  readonly speed_ppm?: number;
  /** Present while the film waits for viewers: it starts then at the latest. */
  readonly hold_until_us?: number;
  readonly seq: number;
  readonly epoch: string;
}

/** A viewer; `session` names the seat, which outlives a broken socket. */
export interface Member {
  readonly session: string;
  readonly account: Account;
  readonly role: ChannelRole;
  readonly device: Device;
  readonly state: ViewerState;
  readonly error_us: number | null;
  /** When the seat was taken, hub time. */
  readonly since_us: number;
}

/** What changed about a viewer. */
export type Condition = Pick<Member, "session" | "role" | "state" | "error_us">;

export interface Message {
  readonly id: string;
  readonly author: Account;
  readonly text: string;
  readonly sent_at: string;
  readonly playback_us: number | null;
  /** The message it answers. */
  readonly reply_to?: { readonly id: string; readonly author: Account | null };
  /** The accounts it speaks to. */
  readonly mentions?: readonly string[];
}

/** One message as it is now; whether a reaction is one's own follows from `reacted`. */
export interface MessageView {
  readonly id: string;
  /** `null` once it was taken back or its author erased. */
  readonly text: string | null;
  readonly edited: boolean;
  readonly redacted: { readonly by: Account; readonly reason: string | null } | null;
  readonly reactions: readonly { readonly emoji: string; readonly count: number }[];
  readonly pinned: boolean;
  readonly reacted: { readonly account: string; readonly emoji: string; readonly on: boolean } | null;
}

export interface Cause {
  readonly verb: CauseVerb;
  readonly actor: Account | null;
  readonly op: string | null;
}

export interface TimelineEvent {
  readonly e: "timeline";
  readonly position: string;
  readonly timeline: Timeline;
  readonly cause: Cause;
}
/** The last change takes effect at another moment than was told: the hubs of a channel have agreed on one. */
export interface RetimedEvent {
  readonly e: "retimed";
  readonly timeline: Timeline;
}
export interface ChatEvent {
  readonly e: "message";
  readonly position: string;
  readonly message: Message;
}
export interface MessageChangedEvent {
  readonly e: "message_changed";
  readonly position: string;
  readonly message: MessageView;
}
/** Emoji thrown over the film since the last of these; they are told once and never stored. */
export interface ReactionsEvent {
  readonly e: "reactions";
  readonly counts: readonly { readonly emoji: string; readonly count: number }[];
}
export interface PresenceEvent {
  readonly e: "presence";
  readonly joined: readonly Member[];
  readonly left: readonly string[];
  readonly changed: readonly Condition[];
  /** How many people are here, also those not listed. */
  readonly people: number;
}
export interface TypingEvent {
  readonly e: "typing";
  /** Everybody who types: some by name, the rest as a number. */
  readonly accounts: readonly Account[];
  readonly more: number;
}
export interface BannedEvent {
  readonly e: "banned";
  readonly position: string;
  readonly account: string;
}
/** Something read over GraphQL is not as it was: read it again with this position as `minPosition`. */
export interface ChangedEvent {
  readonly e: "changed";
  readonly position: string;
  readonly noun: "channel" | "member" | "queue" | "report";
  /** Whom it is about, if one person. */
  readonly account: string | null;
}
/** Whom a held film waits for. */
export interface WaitingEvent {
  readonly e: "waiting";
  readonly seq: number;
  readonly sessions: readonly string[];
}
export type RoomEvent =
  | TimelineEvent
  | RetimedEvent
  | WaitingEvent
  | ChatEvent
  | MessageChangedEvent
  | ReactionsEvent
  | PresenceEvent
  | TypingEvent
  | BannedEvent
  | ChangedEvent;

export interface HelloFrame {
  readonly t: "hello";
  readonly epoch: string;
  readonly session: string;
  readonly now_us: number;
  readonly account: Account & { readonly role: PlatformRole };
}
export interface JoinedFrame {
  readonly t: "joined";
  readonly channel: string;
  readonly position: string;
  readonly timeline: Timeline | null;
  /** The seat of this viewer. */
  readonly seat: string;
  /** Whether everything after the position asked for follows this frame. */
  readonly resumed: boolean;
  /** Some of those who are here; all, when they are few. */
  readonly members: readonly Member[];
  readonly people: number;
}
export interface BatchFrame {
  readonly t: "batch";
  readonly events: readonly RoomEvent[];
}
export interface ProbeReply {
  readonly t: "probe";
  readonly n: number;
  readonly c0: number;
  readonly s1: number;
  readonly s2: number;
}
export interface AckFrame {
  readonly t: "ack";
  readonly op: string;
  readonly position: string;
  readonly changed: boolean;
}
export interface RefusedFrame {
  readonly t: "refused";
  readonly op: string;
  readonly code: string;
  readonly message: string;
  /** When to ask again, where waiting helps. */
  readonly retry_after_ms?: number;
}
export interface ErrorFrame {
  readonly t: "error";
  readonly code: string;
  readonly message: string;
}
export type HubFrame = HelloFrame | JoinedFrame | BatchFrame | ProbeReply | AckFrame | RefusedFrame | ErrorFrame;

export interface JoinFrame {
  readonly t: "join";
  readonly channel: string;
  readonly visit: string;
  readonly device: Device;
  /** The last position this viewer has seen. */
  readonly after?: string;
}
export interface ProbeFrame {
  readonly t: "probe";
  readonly n: number;
  readonly c0: number;
}
export interface IntentFrame {
  readonly t: "intent";
  readonly op: string;
  readonly verb: IntentVerb;
  readonly position_us?: number;
  readonly video?: string;
  readonly rate_ppm?: number;
}
export interface ChatFrame {
  readonly t: "chat";
  readonly op: string;
  readonly id: string;
  readonly text: string;
  readonly playback_us: number | null;
  readonly reply_to?: string;
  readonly mentions?: readonly string[];
}
export interface ReactFrame {
  readonly t: "react";
  readonly emoji: string;
}
export interface ReportFrame {
  readonly t: "report";
  readonly state: ViewerState;
  readonly error_us: number | null;
  readonly bound_us: number | null;
  /** The number of the timeline whose film is buffered at its place. */
  readonly ready: number | null;
}
export interface TypingFrame {
  readonly t: "typing";
}
export type ClientFrame = JoinFrame | ProbeFrame | IntentFrame | ChatFrame | ReactFrame | ReportFrame | TypingFrame;

/** Close codes of the hub, as sent in the close frame. */
export const CLOSE = {
  badFrame: 4400,
  notSignedIn: 4401,
  notPermitted: 4403,
  slowConsumer: 4408,
  noJoin: 4410,
  tooMany: 4429,
  draining: 1012,
} as const;

const FRAME_KINDS: ReadonlySet<string> = new Set(["hello", "joined", "batch", "probe", "ack", "refused", "error"]);

/** Reads one text frame; `null` for anything that is not a known frame of the hub, which newer hubs may send. */
export function parseFrame(text: string): HubFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const kind = (value as { t?: unknown }).t;
  return typeof kind === "string" && FRAME_KINDS.has(kind) ? (value as HubFrame) : null;
}
