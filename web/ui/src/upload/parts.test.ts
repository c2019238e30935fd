import { describe, expect, it } from "vitest";
import { SIGNED_MAX, SignRefused, sendParts, type Address, type Environment } from "./parts";
import type { Plan } from "./plan";
import type { PutResult } from "./put";
import { LANES_MAX } from "./retry";

const plan: Plan = { sizeBytes: 245, partBytes: 10, parts: 25 };
const sent: PutResult = { ok: true };
const broken: PutResult = { ok: false, why: "broken", status: 0 };
const rejected = (status: number): PutResult => ({ ok: false, why: "rejected", status });

/** A store that answers part `number` at its `n`th try. */
class Store {
  readonly puts: number[] = [];
  readonly signed: number[][] = [];
  readonly pauses: number[] = [];
  readonly done: number[] = [];
  readonly abort = new AbortController();
  together = 0;
  most = 0;

  constructor(readonly answer: (number: number, attempt: number) => PutResult = () => sent) {}

  readonly environment: Environment = {
    sign: (numbers) => {
      this.signed.push(numbers);
      return Promise.resolve(new Map(numbers.map((number) => [number, { url: String(number), headers: [] }])));
    },
    put: async ({ url }: Address, _part, signal) => {
      const number = Number(url);
      this.puts.push(number);
      this.together += 1;
      this.most = Math.max(this.most, this.together);
      await Promise.resolve();
      this.together -= 1;
      if (signal.aborted) return { ok: false, why: "cancelled", status: 0 };
      return this.answer(number, this.puts.filter((put) => put === number).length);
    },
    sleep: (ms) => {
      this.pauses.push(ms);
      return Promise.resolve();
    },
    chance: () => 0,
  };

  send(received: number[] = [], environment: Partial<Environment> = {}): ReturnType<typeof sendParts> {
    const progress = (number: number, _bytes: number, done: boolean): void => void (done && this.done.push(number));
    const file = new Blob([new Uint8Array(plan.sizeBytes)]);
    const sending = { plan, file, received, signal: this.abort.signal, progress };
    return sendParts(sending, { ...this.environment, ...environment });
  }
}

const all = Array.from({ length: plan.parts }, (_, index) => index + 1);

describe("sending parts", () => {
  it("sends each once, a few at a time, with addresses just in time", async () => {
    const store = new Store();
    expect(await store.send()).toEqual({ ok: true });
    expect(store.puts.toSorted((a, b) => a - b)).toEqual(all);
    expect(store.done).toHaveLength(25);
    expect(store.most).toBe(LANES_MAX);
    expect(Math.max(...store.signed.map((numbers) => numbers.length))).toBe(SIGNED_MAX);
    expect(store.signed).toHaveLength(3);
  });

  it("sends only what is missing", async () => {
    const store = new Store();
    await store.send(all.filter((number) => number !== 4 && number !== 17));
    expect(store.puts).toEqual([4, 17]);
  });

  it("tries a broken part again after a while, and only that one", async () => {
    const store = new Store((number, attempt) => (number === 3 && attempt <= 3 ? broken : sent));
    expect(await store.send()).toEqual({ ok: true });
    expect(store.puts.filter((number) => number === 3)).toHaveLength(4);
    expect(store.puts).toHaveLength(28);
    expect(store.pauses).toEqual([0, 1_000, 3_000]);
  });

  it("gives up when a part has failed often enough, and stops the others", async () => {
    const store = new Store((number) => (number === 1 ? broken : sent));
    expect(await store.send()).toEqual(broken);
    expect(store.puts.filter((number) => number === 1)).toHaveLength(6);
  });

  it("asks for a new address when one has expired, at once", async () => {
    const store = new Store((number, attempt) => (number === 2 && attempt === 1 ? rejected(403) : sent));
    expect(await store.send()).toEqual({ ok: true });
    expect(store.signed.filter((numbers) => numbers.includes(2))).toHaveLength(2);
    expect(store.pauses).toEqual([0]);
  });

  it("stops when the upload is gone", async () => {
    const store = new Store((number) => (number === 5 ? rejected(404) : sent));
    expect(await store.send()).toEqual({ ok: false, why: "gone", status: 404 });
    expect(store.puts.length).toBeLessThan(25);
  });

  it("stops when it is cancelled, and before it began", async () => {
    const store = new Store((number) => {
      if (number === 6) store.abort.abort();
      return sent;
    });
    expect(await store.send()).toMatchObject({ ok: false, why: "cancelled" });
    expect(store.puts.length).toBeLessThan(15);
    const before = store.puts.length;
    expect(await store.send()).toMatchObject({ ok: false, why: "cancelled" });
    expect(store.puts).toHaveLength(before);
  });

  it("takes an API out of reach for a broken line, and a refusal for what it is", async () => {
    const store = new Store();
    let asked = 0;
    const flaky: Environment["sign"] = (numbers) =>
      (asked += 1) <= 2 ? Promise.reject(new Error("offline")) : store.environment.sign(numbers);
    expect(await store.send([], { sign: flaky })).toEqual({ ok: true });
    const refused = store.send([], { sign: () => Promise.reject(new SignRefused("given up")) });
    await expect(refused).rejects.toThrow("given up");
  });
});
