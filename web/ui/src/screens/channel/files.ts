// A film's small files beside its stream, fetched with a token that is still good.

import { withToken } from "$src/player/tokens";
import { fetchDelivery } from "./film.svelte";

/** A token that lapsed meanwhile. */
const REFUSED = 403;

/** The text at this address of a film. */
export async function fetchText(film: string, url: string): Promise<string> {
  let answer = await fetch(url);
  if (answer.status === REFUSED) answer = await fetch(withToken(url, (await fetchDelivery(film)).token));
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}
