// Where this viewer stands in the channel: what the server says they may do, read again whenever that changes.

import { refusal, problem } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { answered, request } from "$src/graphql/client";
import { RightsQuery, type Permission, type Rights } from "$src/graphql/channels";
import { dateTime } from "$src/format";
import { t } from "$src/i18n";
import { laterPosition } from "$src/sync/positions";
import type { Room } from "$src/sync/room";

/** Changes that come together are read once. */
const GATHER_MS = 150;
/** A read that failed is tried again after this. */
const AGAIN_MS = 5_000;
/** `setTimeout` counts no further than this. */
const TIMER_MS_MAX = 2_147_483_647;

type Payload = { __typename: "Changed"; position: string } | { __typename: "Refused"; code: string; message: string };

export class Standing {
  rights: Rights | null = $state.raw(null);
  /** Counts up when anybody's standing changed. */
  peopleChanged = $state(0);
  readonly #channel: string;
  readonly #stop: () => void;
  #heard: string | null = null;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #unmuting: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(channel: string, room: Room) {
    this.#channel = channel;
    this.#stop = room.onChanged((event) => {
      this.#heard = laterPosition(this.#heard, event.position);
      if (event.noun === "member") this.peopleChanged += 1;
      const about = event.noun === "channel" || (event.noun === "member" && event.account === session.me?.id);
      if (!about) return;
      clearTimeout(this.#gathering);
      this.#gathering = setTimeout(() => void this.read(), GATHER_MS);
    });
    void this.read();
  }

  close(): void {
    this.#stop();
    // What is under way comes too late.
    this.#asked += 1;
    clearTimeout(this.#gathering);
    clearTimeout(this.#unmuting);
  }

  async read(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const { channel } = await request(RightsQuery, { id: this.#channel, minPosition: this.position });
      if (mine !== this.#asked || !channel) return;
      this.rights = channel;
      this.#awaitUnmute();
    } catch {
      // Kept as it was for now: every command is checked by the server anyway.
      if (mine !== this.#asked) return;
      clearTimeout(this.#gathering);
      this.#gathering = setTimeout(() => void this.read(), AGAIN_MS);
    }
  }

  /** From when on reads show every change that was heard of or made here. */
  get position(): string | null {
    return laterPosition(this.#heard, session.position);
  }

  /** Before the first answer everything is offered; the server decides in any case. */
  may(permission: Permission): boolean {
    return this.rights?.me?.permissions.includes(permission) ?? true;
  }

  /** Why not, and what to do about it; `null` when it is permitted. */
  why(permission: Permission): string | null {
    const denial = this.rights?.me?.denials.find((denied) => denied.permission === permission);
    if (!denial) return null;
    const { remoteHolder, me } = this.rights ?? {};
    if (denial.code === "not_the_remote")
      return remoteHolder?.name ? t.channels.why.ask(remoteHolder.name) : t.channels.why.somebody;
    if (denial.code === "muted")
      return me?.mutedUntil ? t.channels.why.mutedUntil(dateTime(me.mutedUntil)) : t.channels.why.muted;
    if (denial.code === "not_permitted") return t.channels.why.role(t.channels.permissions[permission]);
    return refusal(denial);
  }

  /** Runs a command; says what went wrong, reads the standing again. `true`: done. */
  async done(asked: Promise<Payload | null | undefined>): Promise<boolean> {
    try {
      const answer = answered(await asked);
      if (answer.__typename === "Refused") {
        toasts.show(refusal(answer), "bad");
        return false;
      }
      session.wrote(answer.position);
      await this.read();
      return true;
    } catch (cause) {
      toasts.show(problem(cause).text, "bad");
      return false;
    }
  }

  #awaitUnmute(): void {
    clearTimeout(this.#unmuting);
    const until = this.rights?.me?.mutedUntil;
    if (!until) return;
    const left = Math.min(TIMER_MS_MAX, Math.max(0, Date.parse(until) - Date.now()) + 500);
    this.#unmuting = setTimeout(() => void this.read(), left);
  }
}
