// The film a channel plays: its addresses and what opens its files, asked from the server.

import { Fault, request, send } from "$src/graphql/client";
import { DeliveryQuery, FilmQuery } from "$src/graphql/documents";
import type { ResultOf } from "gql.tada";
import { createTokens, type Delivery } from "$src/player/tokens";
import type { Media } from "$src/player/player";

export type Film = NonNullable<ResultOf<typeof FilmQuery>["video"]>;

/** A read model may be a moment behind the socket: a film not found yet is asked for again. */
const TRIES_MAX = 6;
const AGAIN_MS = 500;

/** The film, or null when this viewer may not see it. */
export async function fetchFilm(id: string): Promise<Film | null> {
  for (let tries = 1; ; tries += 1) {
    const { video } = await request(FilmQuery, { id });
    if (video?.hlsUrl || tries === TRIES_MAX) return video;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** What the player needs of it. */
export function mediaOf(film: Film, engine: Media["engine"]): Media | null {
  if (!film.hlsUrl) return null;
  const tokens = createTokens(() => fetchDelivery(film.id, true));
  return { videoId: film.id, hlsUrl: film.hlsUrl, dashUrl: film.dashUrl, tokens, ...(engine ? { engine } : {}) };
}

/** What opens its files from now on; `cookies`: by cookies, where the site has them, for whoever sends them along. */
export async function fetchDelivery(id: string, cookies = false): Promise<Delivery> {
  const { data, headers } = await send(DeliveryQuery, { id, cookies });
  const delivery = data.video?.delivery;
  if (!delivery) throw new Fault("missing");
  const told = Date.parse(headers.get("date") ?? "");
  return {
    base: delivery.base,
    query: delivery.query,
    cookies: delivery.cookies,
    expiresAtMs: Date.parse(delivery.expiresAt),
    // The header tells whole seconds, rounded down: the latest it can have been.
    ...(Number.isNaN(told) ? {} : { serverNowMs: told + 999 }),
  };
}
