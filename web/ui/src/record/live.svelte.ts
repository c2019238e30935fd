// What happens in a channel while somebody is in it: the list of actions, and the short offers to take one back. Loaded
// after the player: nobody waits for it.

import { untrack } from "svelte";
import type { Permission } from "$src/graphql/channels";
import { lineOf } from "$src/screens/channel/lines";
import type { Standing } from "$src/screens/channel/standing.svelte";
import type { Activity, Room } from "$src/sync/room";
import { Activities } from "./activity.svelte";
import { lineOf as sentence } from "./said";
import { offer } from "./undo";

/** Rights that let their holder take back what is changed of a channel and its people. */
const EDITING: readonly Permission[] = ["EDIT_CHANNEL", "MANAGE_ROLES", "BAN", "MUTE", "SLOW_MODE", "APPROVE"];
/** What can be taken back of a film's course, and the right it takes. */
const MOVES: Partial<Record<Activity["verb"], Permission>> = { seek: "SEEK", load: "LOAD_VIDEO", rate: "CHANGE_RATE" };

export class Live {
  readonly activities: Activities;
  readonly #editing = $derived.by(
    () => this.standing.rights !== null && EDITING.some((right) => this.standing.may(right)),
  );
  readonly #stops: (() => void)[];
  #last: string | null = null;
  #members = 0;

  constructor(
    readonly channel: string,
    room: Room,
    readonly standing: Standing,
  ) {
    this.activities = new Activities(channel, (action) => {
      // Jumps and films are offered as the room tells them, without reading anything.
      if (action.kind !== "playback" && action.undoable && action.undoes === null)
        this.#offer(action.position, sentence(action));
    });
    let begun = false;
    this.#stops = [
      room.subscribe(({ activity, members }) => {
        this.#moved(activity.at(-1), members.length, begun);
        begun = true;
      }),
      // Read only by the few who may take something of it back: not by a whole audience at once.
      room.onChanged(({ noun, position }) =>
        this.activities.heard(position, this.#editing && ["channel", "member"].includes(noun)),
      ),
      $effect.root(() => {
        $effect(() => {
          // What is there already is not new.
          if (this.#editing) untrack(() => void this.activities.refresh());
        });
      }),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.activities.stop();
  }

  /** The film was moved, or somebody came or went: the list follows. */
  #moved(latest: Activity | undefined, members: number, begun: boolean): void {
    const position = latest?.position ?? null;
    if (position === this.#last && members === this.#members) return;
    const moved = position !== this.#last;
    this.#last = position;
    this.#members = members;
    if (!begun) return;
    this.activities.heard(position);
    const right = moved && latest ? MOVES[latest.verb] : undefined;
    if (latest && right && this.standing.may(right)) this.#offer(latest.position, lineOf(latest));
  }

  #offer(position: string, line: string): void {
    offer(this.channel, position, line, () => void this.activities.refresh());
  }
}
