import { describe, expect, it } from "vitest";
import { ago, bytes, clock, errorMs, left, speed, spoken } from "./format";

const S = 1_000_000;

describe("film time", () => {
  it.each([
    [0, "0:00"],
    [999_999, "0:00"],
    [61 * S, "1:01"],
    [723 * S, "12:03"],
    [3_600 * S, "1:00:00"],
    [3_723.9 * S, "1:02:03"],
    [-5, "0:00"],
  ])("clock(%d) is %s", (us, text) => expect(clock(us)).toBe(text));

  it.each([
    [0, "0 seconds"],
    [1 * S, "1 second"],
    [60 * S, "1 minute"],
    [723 * S, "12 minutes 3 seconds"],
    [3_601 * S, "1 hour 1 second"],
  ])("spoken(%d) is %s", (us, text) => expect(spoken(us)).toBe(text));
});

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [9_949, "9.9 kB"],
    [12_400, "12 kB"],
    [999_600, "1.0 MB"],
    [1_234_567_890, "1.2 GB"],
  ])("bytes(%d) is %s", (count, text) => expect(bytes(count)).toBe(text));
  it("speed", () => expect(speed(8_400_000)).toBe("8.4 MB/s"));
});

describe("time left", () => {
  it.each([
    [0, "almost done"],
    [12.2, "12 s left"],
    [90, "2 min left"],
    [3_590, "1 h left"],
    [5_400, "1.5 h left"],
  ])("left(%d) is %s", (seconds, text) => expect(left(seconds)).toBe(text));
});

it("sync error keeps its sign", () => {
  expect([6_200, -12_000, 400].map(errorMs)).toEqual(["+6 ms", "−12 ms", "0 ms"]);
});

it("relative times", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  expect(ago("2026-11-22T11:59:40Z", now)).toBe("just now");
  expect(ago("2026-11-22T11:57:00Z", now)).toBe("3 minutes ago");
  expect(ago("2026-11-22T10:00:00Z", now)).toBe("2 hours ago");
  expect(ago("2026-11-21T10:00:00Z", now)).toBe("yesterday");
});
