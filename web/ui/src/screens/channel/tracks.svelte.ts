// What this viewer reads and hears of the film that is on: chosen here, followed by nobody else.

import { recall, remember } from "$src/app/settings";
import { remembered, tagOf } from "$src/player/choice";
import type { Player, PlayerState } from "$src/player/player";
import type { Film } from "./film.svelte";

export interface Caption {
  readonly id: string;
  readonly language: string | null;
  /** As its file or its uploader names it; may be empty. */
  readonly name: string;
  readonly url: string;
}

export class Tracks {
  captions: readonly Caption[] = $state.raw([]);
  /** The captions that are shown. */
  caption: Caption | null = $state.raw(null);

  /** Another film is on, or its captions are others now. */
  show(captions: Film["captions"]): void {
    this.captions = captions.flatMap(({ id, language, label, url }) =>
      url === null ? [] : [{ id, language, name: label, url }],
    );
    this.caption =
      this.captions.find((one) => one.id === this.caption?.id) ?? remembered(this.captions, recall("captions"));
  }

  choose(caption: Caption | null): void {
    this.caption = caption;
    remember("captions", caption ? tagOf(caption) : "off");
    if (caption) remember("captions.last", tagOf(caption));
  }

  /** Off, or the ones shown last; whether there are any. */
  toggle(): boolean {
    const last = remembered(this.captions, recall("captions.last")) ?? this.captions[0] ?? null;
    if (last) this.choose(this.caption ? null : last);
    return last !== null;
  }

  hear(player: Player, index: number, sounds: PlayerState["sounds"]): void {
    player.setSound(index);
    const chosen = sounds.find((sound) => sound.index === index);
    if (chosen) remember("sound", tagOf(chosen));
  }

  /** The language chosen for an earlier film, where this one has it. */
  begin(player: Player, state: PlayerState): void {
    const meant = remembered(state.sounds, recall("sound"));
    if (meant && meant.index !== state.sound) player.setSound(meant.index);
  }
}
