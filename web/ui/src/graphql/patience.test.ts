import { describe, expect, it } from "vitest";
import { Patience, TRIES_MAX, WAIT_S_MAX, type Hindrance } from "./patience";

/** A clock that stands still until somebody sleeps. */
function bench(chance = 0) {
  const slept: number[] = [];
  const told: [Hindrance, number][] = [];
  let now = 1_000;
  const clock = {
    now: () => now,
    chance: () => chance,
    sleep: async (ms: number) => {
      slept.push(ms);
      const end = now + ms;
      await Promise.resolve();
      now = Math.max(now, end);
    },
  };
  const patience = new Patience(clock, (why, until) => told.push([why, until]));
  return { patience, slept, told, pass: (ms: number) => (now += ms) };
}

describe("a request that was refused for now", () => {
  it("waits as long as the server says", async () => {
    const { patience, slept, told } = bench();
    await patience.ready();
    expect(slept).toEqual([]);
    expect(patience.refused(429, "12", 1)).toBe(true);
    expect(told).toEqual([["tooMany", 13_000]]);
    await patience.ready();
    expect(slept).toEqual([12_000]);
  });

  it("holds the others back too, also those that were not sent yet", async () => {
    const { patience, slept, pass } = bench();
    patience.refused(503, "5", 1);
    pass(2_000);
    await Promise.all([patience.ready(), patience.ready()]);
    expect(slept).toEqual([3_000, 3_000]);
  });

  it("waits longer each time, and not for ever", () => {
    const { patience, told, pass } = bench();
    const goesOn = Array.from({ length: TRIES_MAX }, (_, n) => {
      pass(60_000);
      return patience.refused(503, "1", n + 1);
    });
    expect(goesOn).toEqual([true, true, true, false]);
    expect(told.map(([, until], n) => until - 1_000 - 60_000 * (n + 1))).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it("is spread by chance, and never shortened", async () => {
    const { patience, slept } = bench(1);
    patience.refused(429, "10", 1);
    await patience.ready();
    expect(slept).toEqual([13_250]);
  });

  it("is not waited for when it takes too long", async () => {
    const { patience, slept, told } = bench();
    expect(patience.refused(429, String(WAIT_S_MAX + 1), 1)).toBe(false);
    await patience.ready();
    expect([slept, told]).toEqual([[], []]);
  });

  it.each([null, "", "soon", "-3"])("waits a second when the server says %s", async (said) => {
    const { patience, slept } = bench();
    patience.refused(503, said, 1);
    await patience.ready();
    expect(slept).toEqual([1_000]);
  });

  it.each([200, 400, 403, 500, 502])("is one with 429 or 503 only, not %i", async (status) => {
    const { patience, slept } = bench();
    expect(patience.refused(status, "9", 1)).toBe(false);
    await patience.ready();
    expect(slept).toEqual([]);
  });
});
