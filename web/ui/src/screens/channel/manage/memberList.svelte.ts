// One list of a channel's people, page by page, read again when somebody's standing changes.

import { problem, type Problem } from "$src/app/problems";
import { Fault, request } from "$src/graphql/client";
import { MemberPageQuery, type MemberFilter, type MemberRow } from "$src/graphql/channels";

const PAGE_ROWS = 50;

export class MemberList {
  rows: MemberRow[] = $state.raw([]);
  loaded = $state(false);
  more = $state(false);
  /** Why the last read failed. */
  trouble: Problem | null = $state.raw(null);
  filter: MemberFilter = "EVERYBODY";
  search = "";
  readonly #channel: string;
  readonly #position: () => string | null;
  #after: string | null = null;
  #asked = 0;

  /** `position`: from when on the rows must be shown. */
  constructor(channel: string, filter: MemberFilter, position: () => string | null) {
    this.#channel = channel;
    this.#position = position;
    this.filter = filter;
  }

  /** The first page, or the next one. An answer that was overtaken is dropped. */
  async read(next = false): Promise<void> {
    const mine = ++this.#asked;
    this.trouble = null;
    try {
      const { filter, search } = this;
      const after = next ? this.#after : null;
      const variables = { id: this.#channel, filter, search: search.trim() || null, after, first: PAGE_ROWS };
      const answer = await request(MemberPageQuery, { ...variables, minPosition: this.#position() });
      const page = answer.channel?.memberPage;
      if (mine !== this.#asked) return;
      if (!page) throw new Fault("missing");
      this.rows = next ? [...this.rows, ...page.nodes] : page.nodes;
      this.more = page.hasMore;
      this.#after = page.endCursor;
      this.loaded = true;
    } catch (cause) {
      if (mine === this.#asked) this.trouble = problem(cause);
    }
  }
}
