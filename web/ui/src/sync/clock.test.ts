import { describe, expect, it } from "vitest";
import { createClock, readShim } from "./clock";

describe("the clock", () => {
  it("is the real one without a shim", () => {
    const real = (performance.timeOrigin + performance.now()) * 1_000;
    expect(Math.abs(createClock(readShim()).now() - real)).toBeLessThan(50_000);
  });

  it("is off by what the shim says, alike wherever the shim is handed", () => {
    const base_us = (performance.timeOrigin + performance.now()) * 1_000 - 1_000e6;
    const shim = { offset_us: 90e6, drift_ppm: 100, base_us };
    const first = createClock(shim).now();
    const second = createClock({ ...shim }).now();
    const real = (performance.timeOrigin + performance.now()) * 1_000;
    expect(Math.abs(second - first)).toBeLessThan(50_000);
    // 1000 s at 100 ppm are another 100 ms.
    expect(Math.abs(first - real - 90e6 - 100_000)).toBeLessThan(50_000);
  });
});
