// What the screens see of a room and ask of it; no code but these words.

import type { Ask } from "./catchup";
import type { Clock } from "./clock";
import type { LinkStatus } from "./connection";
import type { Estimate } from "./estimate";
import type { OpenLink } from "./link";
import type { OpResult } from "./outbox";
import type { Account, ChangedEvent, IntentVerb, Member, PlatformRole, ReactionsEvent, Timeline, ViewerState } from "./protocol";
import type { Activity, RoomMessage } from "./reducer";
import type { Readable } from "./store";
import type { Timers } from "./timers";

export interface ClockView {
  readonly bound_us: number;
  readonly rtt_us: number;
  readonly samples: number;
  readonly drift_ppm: number;
  readonly offset_us: number;
}

export interface RoomState {
  readonly status: LinkStatus;
  readonly denied: { readonly code: string; readonly message: string } | null;
  /** Whether wishes can be sent now. */
  readonly controls: boolean;
  readonly me: { readonly session: string; readonly account: Account & { readonly role: PlatformRole } } | null;
  /** Those who are listed; `people` counts also the others. */
  readonly members: readonly Member[];
  readonly people: number;
  readonly messages: readonly RoomMessage[];
  readonly typing: readonly Account[];
  readonly typingMore: number;
  readonly timeline: Timeline | null;
  readonly activity: readonly Activity[];
  /** Sessions that a held film waits for; `null` when nothing waits. */
  readonly waiting: readonly string[] | null;
  readonly clock: ClockView | null;
  readonly pending: { readonly op: string; readonly verb: IntentVerb } | null;
  /** The last refusal the hub gave that belongs to no wish. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}

/** What a player follows: a timeline, and the hub's clock it is told in. */
export interface SyncView {
  readonly timeline: Timeline;
  readonly estimate: Estimate;
}

/** A player as the room sees it. */
export interface VideoController {
  /** The newest view; `null` when there is nothing to follow. */
  follow(view: SyncView | null): void;
  telemetry(): {
    readonly state: ViewerState;
    readonly error_us: number | null;
    readonly bound_us: number | null;
    readonly ready: number | null;
  } | null;
  /** Where its picture is, and whether it lacks what it needs to go on from there; `null` without a film. */
  standing(): { readonly at_us: number; readonly stuck: boolean } | null;
}

export interface RoomOptions {
  readonly channelId: string;
  readonly visitId: string;
  readonly url?: string;
  /** Asked after every join for what was said or changed since; without a place to start from, for the last messages. */
  readonly history?: (ask: Ask) => Promise<History>;
  /** For tests. */
  readonly open?: OpenLink;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

/** An answer from the read side. */
export interface History {
  readonly messages: readonly RoomMessage[];
  /** Whether these take the place of what was known: too much has changed to be told one by one. */
  readonly anew: boolean;
}

/** What goes with the words of a message. */
export interface ChatExtras {
  readonly reply_to?: { readonly id: string; readonly author: Account | null };
  readonly mentions?: readonly string[];
}

/** What a player stands on: a timeline to follow, and whom to ask to move it. A channel's room, or a viewer alone. */
export interface Stage extends Readable<RoomState> {
  play(): Promise<OpResult>;
  pause(): Promise<OpResult>;
  seek(position_us: number): Promise<OpResult>;
  /** Sets the speed for everybody. */
  rate(rate_ppm: number): Promise<OpResult>;
  /** Calls back when emoji were thrown; returns how to stop that. */
  onBurst(hear: (event: ReactionsEvent) => void): () => void;
  /** Where the film is now by the stage's clock, in µs; `null` without one. */
  positionUs(): number | null;
  attach(player: VideoController): () => void;
}

export interface Room extends Stage {
  readonly state: Readable<RoomState>;
  load(videoId: string): Promise<OpResult>;
  chat(text: string, extras?: ChatExtras): Promise<OpResult>;
  /** Adds messages that were read elsewhere: older pages, the answer to an own change. */
  show(messages: readonly RoomMessage[]): void;
  /** Throws an emoji over the film, for everybody. */
  burst(emoji: string): void;
  /** Sends a message again that failed. */
  retry(messageId: string): Promise<OpResult>;
  typingNow(): void;
  /** Calls back when something that is read over GraphQL has changed; returns how to stop that. */
  onChanged(hear: (event: ChangedEvent) => void): () => void;
  /** How long a film that waits for viewers waits at most, in µs; `null` when none does. */
  holdLeftUs(): number | null;
  close(): void;
}
