// Sends the missing parts of a file, a few at a time, each tried again by itself. Knows no screen and no API: addresses
// come from `sign`, time and chance from `Environment`.

import { missing, range, type Plan } from "./plan";
import type { PutResult } from "./put";
import { Lanes, pauseMs } from "./retry";

/** Parts whose addresses are asked for at a time: the server signs no more. */
export const SIGNED_MAX = 10;

export interface Address {
  readonly url: string;
  readonly headers: readonly { name: string; value: string }[];
}

export interface Environment {
  /** Addresses of these parts, by number. */
  readonly sign: (numbers: number[]) => Promise<Map<number, Address>>;
  readonly put: (
    address: Address,
    part: Blob,
    signal: AbortSignal,
    progress: (sent: number) => void,
  ) => Promise<PutResult>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly chance: () => number;
}

export interface Sending {
  readonly plan: Plan;
  readonly file: Blob;
  readonly received: readonly number[];
  readonly signal: AbortSignal;
  /** Bytes of part `number` sent so far; `done` when the store has it. */
  readonly progress: (number: number, bytes: number, done: boolean) => void;
}

export type Sent = { ok: true } | { ok: false; why: "broken" | "cancelled" | "gone" | "rejected"; status: number };

const FORBIDDEN = 403;
const NOT_FOUND = 404;

/** Resolves when every part is there, or with why not; rejects only when `sign` does for good. */
export async function sendParts(sending: Sending, environment: Environment): Promise<Sent> {
  return new Sender(sending, environment).run();
}

class Sender {
  readonly #sending: Sending;
  readonly #env: Environment;
  readonly #queue: number[];
  readonly #addresses = new Map<number, Address>();
  readonly #lanes = new Lanes();
  #signing: Promise<void> | null = null;
  #ended: Sent | null = null;
  #thrown: { cause: unknown } | null = null;
  /** Ends the other parts when one has failed for good. */
  readonly #stop = new AbortController();

  constructor(sending: Sending, environment: Environment) {
    this.#sending = sending;
    this.#env = environment;
    this.#queue = missing(sending.plan, sending.received);
  }

  async run(): Promise<Sent> {
    const cancel = (): void => this.#end({ ok: false, why: "cancelled", status: 0 });
    this.#sending.signal.addEventListener("abort", cancel, { once: true });
    if (this.#sending.signal.aborted) cancel();
    const running = new Set<Promise<void>>();
    try {
      while (!this.#ended && (this.#queue.length > 0 || running.size > 0)) {
        while (!this.#ended && running.size < this.#lanes.count) {
          const number = this.#queue.shift();
          if (number === undefined) break;
          const part: Promise<void> = this.#part(number)
            .catch((cause: unknown) => this.#fault(cause))
            .finally(() => running.delete(part));
          running.add(part);
        }
        await Promise.race(running);
      }
      await Promise.all(running);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what `sign` threw is passed on as it is
      if (this.#thrown) throw this.#thrown.cause;
      return this.#ended ?? { ok: true };
    } finally {
      this.#stop.abort();
      this.#sending.signal.removeEventListener("abort", cancel);
    }
  }

  #fault(cause: unknown): void {
    this.#thrown ??= { cause };
    this.#end({ ok: false, why: "cancelled", status: 0 });
  }

  #end(result: Sent): void {
    this.#ended ??= result;
    this.#stop.abort();
  }

  async #part(number: number): Promise<void> {
    const { plan, file, progress } = this.#sending;
    const { start, end } = range(plan, number);
    for (let failures = 0; !this.#ended;) {
      const result = await this.#try(number, file.slice(start, end));
      if (this.#ended) return;
      if (result.ok) {
        this.#lanes.arrived();
        progress(number, end - start, true);
        return;
      }
      progress(number, 0, false);
      if (result.why === "rejected" && result.status === NOT_FOUND) return this.#end({ ...result, why: "gone" });
      // An address may have expired while the upload was held up: another one may be good.
      if (result.status === FORBIDDEN) this.#addresses.delete(number);
      else this.#lanes.troubled();
      failures += 1;
      const pause = pauseMs(failures, this.#env.chance());
      if (pause === null) return this.#end(result);
      await this.#env.sleep(pause, this.#stop.signal);
    }
  }

  async #try(number: number, part: Blob): Promise<PutResult> {
    let address: Address | undefined;
    try {
      address = await this.#address(number);
    } catch (cause) {
      if (isRefusal(cause)) throw cause;
    }
    if (this.#ended) return { ok: false, why: "cancelled", status: 0 };
    if (!address) return { ok: false, why: "broken", status: 0 };
    return this.#env.put(address, part, this.#stop.signal, (sent) => {
      if (!this.#ended) this.#sending.progress(number, sent, false);
    });
  }

  /** Just in time: this part's address and the next ones', for all who wait. */
  async #address(number: number): Promise<Address | undefined> {
    while (!this.#addresses.has(number) && !this.#ended) {
      if (this.#signing) {
        await this.#signing.catch(() => undefined);
        if (this.#addresses.has(number)) break;
      }
      const wanted = [number, ...this.#queue.filter((next) => !this.#addresses.has(next))].slice(0, SIGNED_MAX);
      const signing = this.#env.sign(wanted).then((signed) => {
        for (const [signedNumber, address] of signed) this.#addresses.set(signedNumber, address);
      });
      this.#signing = signing;
      try {
        await signing;
      } finally {
        if (this.#signing === signing) this.#signing = null;
      }
      break;
    }
    return this.#addresses.get(number);
  }
}

/** The server will not sign, whatever is tried: thrown by `sign`, passed on by `sendParts`. */
export class SignRefused extends Error {}

function isRefusal(cause: unknown): boolean {
  return cause instanceof SignRefused;
}
