// A film's small files beside its stream, fetched in a way that is still good.

import { withAccess } from "$src/player/tokens";
import { fetchDelivery } from "./film.svelte";

/** What opened it lapsed meanwhile. */
const REFUSED = 403;

/** The text at this address of a film. */
export async function fetchText(film: string, url: string): Promise<string> {
  let answer = await fetch(url);
  if (answer.status === REFUSED) answer = await fetch(withAccess(url, await fetchDelivery(film)));
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}
