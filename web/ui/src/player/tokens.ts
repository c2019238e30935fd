// Delivery tokens: the newest one for every request, fetched anew before the old one lapses.
//
// A film's playlists are never loaded twice, so the addresses in them grow old; each request gets the token of now.

import { type Clock, pageClock } from "../sync/clock";

/** A token as the server hands it out. */
export interface Delivery {
  readonly token: string;
  readonly expiresAtMs: number;
  /** The server's clock when it answered, the latest it can have been, if known: the viewer's own may be wrong. */
  readonly serverNowMs?: number;
}

export interface TokenSource {
  /** A token that is still good; rejects when none can be had. */
  current(): Promise<string>;
  /** The server refused this one. */
  invalidate(token: string): void;
}

/** Share of a token's life that is left unused. */
export const MARGIN_SHARE = 0.35;
export const MARGIN_MAX_US = 60_000_000;
/** Assumed when the viewer's clock makes nonsense of the expiry. */
export const LIFE_FALLBACK_US = 10_000_000;
export const LIFE_MAX_US = 86_400_000_000;
/** No more than one fetch in this time once the server has failed to answer. */
export const RETRY_US = 1_000_000;

interface Held {
  readonly token: string;
  readonly fetched_us: number;
  readonly life_us: number;
}

/** Tokens from a fetcher (a GraphQL query of `Video.delivery`); one fetch at a time. */
export function createTokens(
  fetcher: () => Promise<Delivery>,
  clock: Clock = pageClock,
  wallMs: () => number = Date.now,
): TokenSource {
  let held: Held | null = null;
  let fetching: Promise<Held> | null = null;
  let failed_us = Number.NEGATIVE_INFINITY;

  const fetchOne = async (): Promise<Held> => {
    const asked_us = clock.now();
    try {
      const delivery = await fetcher();
      held = { token: delivery.token, fetched_us: asked_us, life_us: lifeOf(delivery, wallMs()) };
      return held;
    } catch (error) {
      failed_us = clock.now();
      throw error;
    } finally {
      fetching = null;
    }
  };
  const refresh = (): Promise<Held> => (fetching ??= fetchOne());

  return {
    async current() {
      const now = clock.now();
      if (held === null) return (await refresh()).token;
      const age = now - held.fetched_us;
      if (age < held.life_us - Math.min(MARGIN_MAX_US, held.life_us * MARGIN_SHARE)) return held.token;
      if (age >= held.life_us) return (await refresh()).token;
      // In the margin the old one may lapse on its way, so the request waits for a new one; the old one still serves
      // while none can be had.
      const old = held.token;
      if (now - failed_us <= RETRY_US) return old;
      return refresh().then(
        ({ token }) => token,
        () => old,
      );
    },
    invalidate(token) {
      if (held?.token === token) held = null;
    },
  };
}

function lifeOf(delivery: Delivery, wallMs: number): number {
  const life = (delivery.expiresAtMs - (delivery.serverNowMs ?? wallMs)) * 1_000;
  return life > 0 && life <= LIFE_MAX_US ? life : LIFE_FALLBACK_US;
}

const TOKEN_PART = /^(?<before>(?:[a-z]+:\/\/[^/]+)?\/v\/)[^/?#]+(?=\/)/i;

/** The same address under another token; addresses without one stay as they are. */
export function withToken(url: string, token: string): string {
  return url.replace(TOKEN_PART, (_match, before: string) => before + token);
}

/** The token in an address. */
export function tokenOf(url: string): string | null {
  const found = TOKEN_PART.exec(url);
  return found === null ? null : found[0].slice(found.groups?.["before"]?.length ?? 0);
}
