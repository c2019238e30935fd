// The captions a film has now: somebody may have added some while it is on.

import { CaptionsQuery } from "$src/graphql/captions";
import { request } from "$src/graphql/client";
import type { Film } from "./film.svelte";

/** Null when they cannot be read now: what is known stays. */
export async function readCaptions(film: string, minPosition: string | null): Promise<Film["captions"] | null> {
  try {
    return (await request(CaptionsQuery, { id: film, minPosition })).video?.captions ?? null;
  } catch {
    return null;
  }
}
