// The actions of one channel as they are read: pages back in time, and what is new as it happens.

import { problem, type Problem } from "$src/app/problems";
import { request } from "$src/graphql/client";
import { ActivityQuery, type Action } from "$src/graphql/record";
import { comparePositions as compare, laterPosition } from "$src/sync/positions";

const PAGE = 30;
/** Rows kept; older ones are read again when they are asked for. */
const KEPT_MAX = 600;
/** What happens at once is read at once. */
const SETTLE_MS = 250;

export class Activities {
  list: Action[] = $state.raw([]);
  hasOlder = $state(false);
  busy = $state(false);
  trouble: Problem | null = $state.raw(null);
  kind: string | null = $state(null);
  /** Whether somebody looks at the list: else nothing is read only because something happened. */
  watched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #announce = false;
  #turn = 0;
  #position: string | null = null;

  constructor(
    readonly channel: string,
    /** Told of each action that is new since this list was first read. */
    readonly onnew: (action: Action) => void,
  ) {}

  /** Reads the newest page; rows may have lost or gained their undo. */
  async refresh(announce = false): Promise<void> {
    const newest = this.list[0]?.position;
    const page = await this.#read({ minPosition: this.#position });
    if (!page) return;
    const fresh = page.nodes.filter(({ position }) => newest === undefined || compare(position, newest) > 0);
    const last = page.nodes.at(-1)?.position;
    const older = last === undefined ? [] : this.list.filter(({ position }) => compare(position, last) < 0);
    // A gap of more than a page: what is older is read again.
    const joins = newest === undefined || fresh.length < page.nodes.length;
    this.list = [...page.nodes, ...(joins ? older : [])].slice(0, KEPT_MAX);
    if (!joins || older.length === 0) this.hasOlder = page.hasMore;
    if (announce && newest !== undefined) fresh.reverse().forEach((action) => this.onnew(action));
  }

  async older(): Promise<void> {
    const last = this.list.at(-1)?.position ?? null;
    const page = await this.#read({ before: last });
    if (!page || this.list.at(-1)?.position !== last) return;
    this.list = [...this.list, ...page.nodes];
    this.hasOlder = page.hasMore && this.list.length < KEPT_MAX;
  }

  async only(kind: string | null): Promise<void> {
    this.kind = kind;
    this.list = [];
    await this.refresh();
  }

  /** Follows what happens until the returned function is called. */
  watch(): () => void {
    this.watched = true;
    void this.refresh();
    return () => {
      this.watched = false;
    };
  }

  /** Something happened, at or before this position: read it soon if it is looked at, or to be announced. */
  heard(position: string | null, announce = false): void {
    this.#position = laterPosition(this.#position, position);
    this.#announce ||= announce;
    if (!this.watched && !this.#announce) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const told = this.#announce;
      this.#announce = false;
      void this.refresh(told);
    }, SETTLE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #read(more: { before?: string | null; minPosition?: string | null }) {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const variables = { channel: this.channel, first: PAGE, kind: this.kind, ...more };
      const page = (await request(ActivityQuery, variables)).channel?.activity ?? null;
      // Asked again meanwhile: the later answer counts.
      if (turn !== this.#turn) return null;
      this.trouble = null;
      return page;
    } catch (cause) {
      if (turn === this.#turn) this.trouble = problem(cause);
      return null;
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }
}
