import { writable } from "svelte/store";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NO_ROOM, type OpResult, type RoomState, type Stage } from "$src/sync/room";
import { Transport } from "./transport.svelte";

const DONE: OpResult = { ok: true, position: "1", changed: true };

/** A stage whose answers to seeks are given by hand. */
function bench() {
  const timeline = {
    video: "f",
    duration_us: 600_000_000,
    position_us: 100_000_000,
    at_hub_us: 0,
    rate_ppm: 0,
    seq: 1,
    epoch: "e",
  };
  const state = writable<RoomState>({ ...NO_ROOM, controls: true, timeline });
  const sought: number[] = [];
  const stage = {
    subscribe: state.subscribe,
    positionUs: () => timeline.position_us,
    seek: (us: number) => {
      sought.push(us);
      return Promise.resolve(DONE);
    },
  } as unknown as Stage;
  const refused: string[] = [];
  const transport = new Transport(stage, (why) => refused.push(why));
  /** The channel has moved. */
  const moved = (position_us: number): void => {
    timeline.position_us = position_us;
    timeline.seq += 1;
    state.update((held) => ({ ...held, timeline: { ...timeline } }));
    transport.tick(performance.now());
  };
  transport.tick(performance.now());
  return { transport, sought, moved, refused };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("quick presses become one seek, from where the knob is", async () => {
  const { transport, sought } = bench();
  transport.skip(5);
  transport.skip(5);
  expect(transport.shownUs).toBe(110_000_000);
  await vi.advanceTimersByTimeAsync(200);
  expect(sought).toEqual([110_000_000]);
});

test("a press while the answer to an earlier one comes in is not lost", async () => {
  const { transport, sought, moved, refused } = bench();
  transport.skip(5);
  await vi.advanceTimersByTimeAsync(200);
  transport.skip(5);
  expect(transport.shownUs).toBe(110_000_000);
  moved(105_000_000);
  expect(transport.shownUs).toBe(110_000_000);
  await vi.advanceTimersByTimeAsync(200);
  expect(sought).toEqual([105_000_000, 110_000_000]);
  moved(110_000_000);
  expect(transport.shownUs).toBe(110_000_000);
  expect(refused).toEqual([]);
});
