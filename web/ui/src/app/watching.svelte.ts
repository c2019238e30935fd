// The channel this page is in. It lasts while the viewer goes to another page with the film running: small, in a corner.

import type { Channel } from "$src/graphql/documents";
import { router } from "./router.svelte";

/** Why a viewer is out: a code of the hub or of a refusal. */
type Out = (code: string) => void;

class Watching {
  channel: Channel | null = $state.raw(null);
  /** Told by the room: whether a film runs, which then may go on small. */
  runs = false;
  #out: Out | null = null;

  /** Whether the channel's own page is the one that is shown. */
  get atHome(): boolean {
    return router.route.name === "channel" && router.route.slug === this.channel?.slug;
  }

  /** The channel's page lets its viewer in; `out` is asked when the hub does not. */
  enter(channel: Channel, out: Out): void {
    if (this.channel?.id !== channel.id) this.channel = channel;
    this.#out = out;
  }

  /** The channel's page with this `out` is gone, and maybe another one is there: a film that runs goes on. */
  left(out: Out): void {
    if (this.#out === out) this.#out = null;
    if (!this.atHome && !this.runs) this.close();
  }

  /** The hub does not let this viewer in any more; whether a page is there to say so. */
  denied(code: string): boolean {
    const out = this.#out;
    this.close();
    out?.(code);
    return out !== null;
  }

  close(): void {
    this.channel = null;
    this.runs = false;
    this.#out = null;
  }
}

export const watching = new Watching();
