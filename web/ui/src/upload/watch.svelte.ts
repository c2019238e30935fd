// Live films: one `videoStatus` subscription per film, shared by every card and row that shows it.

import { VideoStatusSubscription, type Video } from "$src/graphql/documents";
import { subscribe } from "$src/graphql/subscribe";
import { apply, emptyLadder, isOver, type Ladder } from "./ladder";

class Watched {
  ladder: Ladder = $state.raw(emptyLadder);
  users = 0;
  stop: () => void = () => undefined;
}

const watched = new Map<string, Watched>();

/** Follows a film until `release` is called; `ladder` is reactive. The subscription ends by itself when the film is done. */
export function watch(id: string, onOver?: (video: Video) => void): { readonly ladder: Ladder; release: () => void } {
  const entry = watched.get(id) ?? open(id);
  entry.users += 1;
  let told = false;
  const untell = $effect.root(() => {
    $effect(() => {
      const { video } = entry.ladder;
      if (video && !isOver(video)) told = false;
      if (!video || !isOver(video) || told) return;
      told = true;
      onOver?.(video);
    });
  });
  return {
    get ladder() {
      return entry.ladder;
    },
    release: () => {
      untell();
      entry.users -= 1;
      if (entry.users > 0) return;
      entry.stop();
      watched.delete(id);
    },
  };
}

function open(id: string): Watched {
  const entry = new Watched();
  watched.set(id, entry);
  entry.stop = subscribe(VideoStatusSubscription, { id }, ({ videoStatus }) => {
    entry.ladder = apply(entry.ladder, videoStatus);
  });
  return entry;
}
