// How requests wait when the server says "not now" (429, 503): as long as it says, all of them together, and not for ever.
// Time and chance are arguments.

/** How often one request is sent at most. */
export const TRIES_MAX = 4;
/** Nobody is kept waiting for longer, seconds: they are told instead. */
export const WAIT_S_MAX = 120;
/** A wait is lengthened by up to this share of it, so that many browsers do not come back at once. */
const JITTER = 0.3;
/** Requests of one page that waited together go within this time. */
const SPREAD_MS = 250;

export type Hindrance = "tooMany" | "away";

const HINDRANCES: Record<number, Hindrance> = { 429: "tooMany", 503: "away" };

export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** From 0 to 1. */
  chance(): number;
  /** Rejects when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export class Patience {
  #until = 0;

  /** `tell` hears of every wait and when it ends. */
  constructor(
    private readonly clock: Clock,
    private readonly tell: (why: Hindrance, untilMs: number) => void,
  ) {}

  /** Returns when a request may be sent. */
  async ready(signal?: AbortSignal): Promise<void> {
    for (;;) {
      const left = this.#until - this.clock.now();
      if (left <= 0) return;
      await this.clock.sleep(left + SPREAD_MS * this.clock.chance(), signal);
    }
  }

  /** Notes how a request was answered; whether it may be sent again once `ready` returns. `tries`: how often it was sent. */
  refused(status: number, retryAfter: string | null, tries: number): boolean {
    const why = HINDRANCES[status];
    if (!why) return false;
    // Seconds, the only form our server sends (RFC 9110, 10.2.3). One in trouble again and again is asked less and less.
    const waitS = Math.max(Number(retryAfter) || 0, 2 ** (tries - 1));
    if (waitS > WAIT_S_MAX) return false;
    const until = this.clock.now() + waitS * 1_000 * (1 + JITTER * this.clock.chance());
    this.#until = Math.max(this.#until, until);
    this.tell(why, this.#until);
    return tries < TRIES_MAX;
  }
}
