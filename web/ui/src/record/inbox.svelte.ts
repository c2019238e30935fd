// The signed-in person's notifications: the unread count everywhere, the list where it is opened, both live.

import { problem, type Problem } from "$src/app/problems";
import { answered, request } from "$src/graphql/client";
import { MarkRead, NotificationsQuery, NotificationsSubscription, UnreadQuery, type Note } from "$src/graphql/record";
import { subscribe } from "$src/graphql/subscribe";
import { newId } from "$src/sync/ids";
import { laterPosition } from "$src/sync/positions";

const PAGE = 20;
/** As many as the server keeps. */
const KEPT_MAX = 500;

class Inbox {
  unread = $state(0);
  list: Note[] = $state.raw([]);
  hasOlder = $state(false);
  busy = $state(false);
  read = $state(false);
  unreadOnly = $state(false);
  trouble: Problem | null = $state.raw(null);
  #position: string | null = null;
  #end: string | null = null;
  #turn = 0;

  /** Follows the notifications of whoever is signed in, until the returned function is called. */
  follow(): () => void {
    this.list = [];
    this.read = false;
    this.unread = 0;
    let told = false;
    void request(UnreadQuery, {}).then(
      ({ unreadCount }) => {
        // What was told since is newer.
        if (!told) this.unread = unreadCount;
      },
      () => undefined,
    );
    return subscribe(NotificationsSubscription, {}, ({ notifications: { notification, unreadCount } }) => {
      told = true;
      const elsewhere = notification === null && unreadCount !== this.unread;
      this.unread = unreadCount;
      // Some were read on another device: which, only the list tells.
      if (elsewhere && this.read) void this.refresh();
      if (notification !== null) {
        this.#position = laterPosition(this.#position, notification.position);
        // What is under way may be from before.
        if (this.busy) void this.refresh();
      }
      if (notification !== null && this.list.every(({ id }) => id !== notification.id))
        this.list = [notification, ...this.list].slice(0, KEPT_MAX);
    });
  }

  async refresh(): Promise<void> {
    await this.#page(null);
  }

  async older(): Promise<void> {
    await this.#page(this.#end);
  }

  async markAll(): Promise<void> {
    const newest = this.list[0]?.position;
    if (newest !== undefined) await this.#mark({ through: newest });
  }

  async mark(note: Note): Promise<void> {
    if (!note.read) await this.#mark({ ids: [note.id] });
  }

  async #mark(what: { ids: string[] } | { through: string }): Promise<void> {
    try {
      const done = answered((await request(MarkRead, { input: { operationId: newId(), ...what } })).markRead);
      if (done.__typename === "Changed") this.#position = laterPosition(this.#position, done.position);
      await this.refresh();
    } catch (cause) {
      this.trouble = problem(cause);
    }
  }

  async #page(after: string | null): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const variables = { first: PAGE, after, unreadOnly: this.unreadOnly, minPosition: this.#position };
      const answer = await request(NotificationsQuery, variables);
      // Asked again meanwhile: the later answer counts.
      if (turn !== this.#turn) return;
      this.unread = answer.unreadCount;
      const page = answer.notifications;
      this.list = [...(after === null ? [] : this.list), ...(page?.nodes ?? [])];
      this.hasOlder = page?.hasMore ?? false;
      this.#end = page?.endCursor ?? null;
      this.read = true;
      this.trouble = null;
    } catch (cause) {
      if (turn === this.#turn) this.trouble = problem(cause);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}

export const inbox = new Inbox();
