import { describe, expect, it } from "vitest";
import type { Timeline } from "./protocol";
import { frameCentre, frameRate, positionAt } from "./timeline";

const film: Timeline = {
  video: "v",
  duration_us: 10e6,
  position_us: 2e6,
  rate_ppm: 1_000_000,
  at_hub_us: 500,
  seq: 1,
  epoch: "e",
};

describe("a timeline", () => {
  it("waits before its moment, runs after it, and ends with the film", () => {
    expect(positionAt(film, 0)).toBe(2e6);
    expect(positionAt(film, 500 + 3e6)).toBe(5e6);
    expect(positionAt(film, 500 + 30e6)).toBe(10e6);
    expect(positionAt({ ...film, rate_ppm: 0 }, 500 + 3e6)).toBe(2e6);
  });

  it("holds at the centre of the frame a position lies in", () => {
    expect(frameCentre(0, 25, 10e6)).toBe(20_000);
    expect(frameCentre(39_900, 25, 10e6)).toBe(20_000);
    expect(frameCentre(40_000, 25, 10e6)).toBe(60_000);
    // A start of a frame that rounding has put a microsecond early still is that frame.
    expect(frameCentre(33_333, 30, 10e6)).toBe(50_000);
    expect(frameCentre(1_234_567, null, 10e6)).toBe(1_234_567);
    expect(frameCentre(9_999_000, 25, 10e6)).toBe(9_980_000);
    expect(frameCentre(10e6, 25, 10e6)).toBe(10e6);
  });

  it("reads the same frame rate from both manifests", () => {
    expect(frameRate([23.976])).toBe(frameRate([24_000 / 1_001]));
    expect(frameRate([29.97, 29.97])).toBe(frameRate([30_000 / 1_001, null]));
    expect(frameRate([25, 50, 25])).toBe(50);
    expect(frameRate([12.5])).toBe(12.5);
    expect(frameRate([null, Number.NaN, 0])).toBeNull();
  });
});
