// A channel's queue as this page knows it: read again whenever the hub says it has changed, asked to change over GraphQL.

import type { TadaDocumentNode } from "gql.tada";
import { problem, refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { answered, request } from "$src/graphql/client";
import {
  type Change,
  ClearQueue,
  DequeueVideo,
  type LoopMode,
  MoveInQueue,
  PlayNext,
  PlayNow,
  type Queue,
  type QueueItem,
  QueueQuery,
  QueueVideo,
  ReleaseHold,
  RestoreQueue,
  SetAutoplay,
  SetLoop,
  VoteSkip,
} from "$src/graphql/queue";
import type { Permission } from "$src/graphql/channels";
import { newId } from "$src/sync/ids";
import { laterPosition } from "$src/sync/positions";

interface Wish {
  readonly operationId: string;
  readonly channel: string;
}

export class QueueStore {
  view: Queue | null = $state.raw(null);
  readonly #channel: string;
  readonly #refused: (why: string) => void;
  readonly #why: (permission: Permission) => string | null;
  #heard: string | null = null;
  #putting = false;
  /** Counts reads: an older answer never replaces a newer one. */
  #reads = 0;

  /** `why` says why something is not permitted now; `null` when it is. */
  constructor(channel: string, refused: (why: string) => void, why: (permission: Permission) => string | null) {
    this.#channel = channel;
    this.#refused = refused;
    this.#why = why;
  }

  may(permission: Permission): boolean {
    return this.#why(permission) === null;
  }
  get items(): readonly QueueItem[] {
    return this.view?.items ?? [];
  }

  /** Reads the queue as of this position, or of a later one that was heard of before. */
  async read(position: string | null): Promise<void> {
    this.#heard = laterPosition(this.#heard, position);
    this.#reads += 1;
    const turn = this.#reads;
    try {
      const answer = await request(QueueQuery, { id: this.#channel, minPosition: this.#heard });
      if (turn === this.#reads) this.view = answer.channel?.queue ?? null;
    } catch (cause) {
      if (turn === this.#reads) this.#refused(problem(cause).text);
    }
  }

  add(video: string): Promise<boolean> {
    return this.#ask("QUEUE_ADD", QueueVideo, { ...this.#wish(), video, before: null });
  }
  remove(item: string): Promise<boolean> {
    // Whoever queued it may take it back: the server decides.
    return this.#ask(null, DequeueVideo, { ...this.#wish(), item });
  }
  move(item: string, before: string | null): Promise<boolean> {
    if (this.may("QUEUE_REORDER")) this.#showMoved(item, before);
    return this.#ask("QUEUE_REORDER", MoveInQueue, { ...this.#wish(), item, before });
  }
  async playNow(item: string): Promise<boolean> {
    // Asked twice in a hurry it would pass over what is put on just now.
    if (this.#putting) return false;
    this.#putting = true;
    const done = await this.#ask("LOAD_VIDEO", PlayNow, { ...this.#wish(), item });
    this.#putting = false;
    return done;
  }
  playNext(item: string): Promise<boolean> {
    return this.#ask("QUEUE_REORDER", PlayNext, { ...this.#wish(), item, video: null });
  }
  vote(withdraw: boolean): Promise<boolean> {
    return this.#ask("VOTE", VoteSkip, { ...this.#wish(), withdraw });
  }
  restore(): Promise<boolean> {
    return this.#ask("QUEUE_ADD", RestoreQueue, this.#wish());
  }
  clear(): Promise<boolean> {
    return this.#ask("QUEUE_REMOVE", ClearQueue, this.#wish());
  }
  setAutoplay(on: boolean): Promise<boolean> {
    return this.#ask("QUEUE_REORDER", SetAutoplay, { ...this.#wish(), on });
  }
  setLoop(mode: LoopMode): Promise<boolean> {
    return this.#ask("QUEUE_REORDER", SetLoop, { ...this.#wish(), mode });
  }
  startNow(): Promise<boolean> {
    return this.#ask("PLAY_PAUSE", ReleaseHold, this.#wish());
  }

  #wish(): Wish {
    return { operationId: newId(), channel: this.#channel };
  }

  /** The item stands where it was put at once; the answer confirms it or puts it back. */
  #showMoved(item: string, before: string | null): void {
    const view = this.view;
    const moved = view?.items.find((held) => held.id === item);
    if (!view || !moved || item === before) return;
    const items = view.items.filter((held) => held.id !== item);
    const place = before === null ? -1 : items.findIndex((held) => held.id === before);
    items.splice(place < 0 ? items.length : place, 0, moved);
    this.view = { ...view, items };
  }

  async #ask<Input>(
    permission: Permission | null,
    document: TadaDocumentNode<{ done: Change | null }, { input: Input }>,
    input: Input,
  ): Promise<boolean> {
    const why = permission && this.#why(permission);
    if (why) {
      this.#refused(why);
      return false;
    }
    try {
      const done = answered((await request(document, { input })).done);
      if (done.__typename === "Refused") {
        this.#refused(refusal(done));
        await this.read(null);
        return false;
      }
      session.wrote(done.position);
      await this.read(done.position);
      return true;
    } catch (cause) {
      this.#refused(problem(cause).text);
      await this.read(null);
      return false;
    }
  }
}
