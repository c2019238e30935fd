// What opens a film's files: the newest for every request, fetched anew before the old one lapses.
//
// A film's playlists are never loaded twice, so the addresses in them grow old; each request is made as of now.

import { type Clock, pageClock } from "../sync/clock";

/** How a film's files are reached: an address is `base`, the path in the film's folder, and the query if there is one. */
export interface Access {
  /** Here, with a token in it, or at a CDN; ends in `/`. */
  readonly base: string;
  readonly query: string;
  /** Whether cookies carry the right: they are sent along to another origin then. */
  readonly cookies: boolean;
}

/** Access as the server hands it out. */
export interface Delivery extends Access {
  readonly expiresAtMs: number;
  /** The server's clock when it answered, the latest it can have been, if known: the viewer's own may be wrong. */
  readonly serverNowMs?: number;
}

export interface TokenSource {
  /** Access that is still good; rejects when none can be had. */
  current(): Promise<Access>;
  /** This address was refused. */
  invalidate(url: string): void;
}

/** Share of its life that is left unused. */
export const MARGIN_SHARE = 0.35;
export const MARGIN_MAX_US = 60_000_000;
/** Assumed when the viewer's clock makes nonsense of the expiry. */
export const LIFE_FALLBACK_US = 10_000_000;
export const LIFE_MAX_US = 86_400_000_000;
/** No more than one fetch in this time once the server has failed to answer. */
export const RETRY_US = 1_000_000;

interface Held {
  readonly access: Access;
  readonly fetched_us: number;
  readonly life_us: number;
}

/** Access from a fetcher (a GraphQL query of `Video.delivery`); one fetch at a time. */
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
      const { base, query, cookies } = delivery;
      held = { access: { base, query, cookies }, fetched_us: asked_us, life_us: lifeOf(delivery, wallMs()) };
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
      if (held === null) return (await refresh()).access;
      const age = now - held.fetched_us;
      if (age < held.life_us - Math.min(MARGIN_MAX_US, held.life_us * MARGIN_SHARE)) return held.access;
      if (age >= held.life_us) return (await refresh()).access;
      // In the margin the old one may lapse on its way, so the request waits for a new one; the old one still serves
      // while none can be had.
      const old = held.access;
      if (now - failed_us <= RETRY_US) return old;
      return refresh().then(
        ({ access }) => access,
        () => old,
      );
    },
    invalidate(url) {
      if (held !== null && isOf(url, held.access)) held = null;
    },
  };
}

function lifeOf(delivery: Delivery, wallMs: number): number {
  const life = (delivery.expiresAtMs - (delivery.serverNowMs ?? wallMs)) * 1_000;
  return life > 0 && life <= LIFE_MAX_US ? life : LIFE_FALLBACK_US;
}

/** An address of a film's file, here or at a CDN: the part after the token or the film's id is the path in its folder. */
const FILM_ADDRESS = /^(?:[a-z]+:\/\/[^/]+)?\/v\/[^/?#]+\/(?<path>[^?#]*)/i;

/** The same file, reached as of now; addresses of anything else stay as they are. */
export function withAccess(url: string, access: Access): string {
  const path = FILM_ADDRESS.exec(url)?.groups?.["path"];
  if (path === undefined) return url;
  return access.base + path + (access.query === "" ? "" : `?${access.query}`);
}

/** Whether an address is one of a film's files. */
export function isOfFilm(url: string): boolean {
  return FILM_ADDRESS.test(url);
}

/** Whether an address was reached in this way. */
function isOf(url: string, access: Access): boolean {
  const [address = "", query = ""] = url.split("?");
  const path = FILM_ADDRESS.exec(address)?.groups?.["path"];
  return path !== undefined && address.endsWith(access.base + path) && query === access.query;
}

/** The address of a file that another one names; what opens the one opens the other. */
export function besides(url: string, file: string): string {
  const [address = "", query] = url.split("?");
  return address.replace(/[^/]*$/, "") + file + (query === undefined ? "" : `?${query}`);
}
