import { describe, expect, it } from "vitest";
import { LANES_MAX, LANES_MIN, LANES_START, Lanes, pauseMs } from "./retry";

describe("the pauses before another try", () => {
  it("are 0, 1, 3, 8 and 20 s, and then it is enough", () => {
    expect([1, 2, 3, 4, 5, 6].map((failures) => pauseMs(failures, 0))).toEqual([0, 1_000, 3_000, 8_000, 20_000, null]);
  });

  it("are lengthened by chance, by a third at most, and never shortened", () => {
    expect(pauseMs(3, 1)).toBe(3_900);
    expect(pauseMs(3, 0.5)).toBe(3_450);
  });
});

describe("how many parts go at a time", () => {
  it("grows to the most while all is well", () => {
    const lanes = new Lanes();
    expect(lanes.count).toBe(LANES_START);
    for (let part = 0; part < 40; part += 1) lanes.arrived();
    expect(lanes.count).toBe(LANES_MAX);
  });

  it("shrinks with each trouble, and one part always goes", () => {
    const lanes = new Lanes();
    for (let trouble = 0; trouble < 10; trouble += 1) lanes.troubled();
    expect(lanes.count).toBe(LANES_MIN);
    for (let part = 0; part < 3; part += 1) lanes.arrived();
    lanes.troubled();
    for (let part = 0; part < 3; part += 1) lanes.arrived();
    expect(lanes.count).toBe(LANES_MIN);
    lanes.arrived();
    expect(lanes.count).toBe(LANES_MIN + 1);
  });
});
