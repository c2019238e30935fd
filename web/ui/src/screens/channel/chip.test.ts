import { describe, expect, it } from "vitest";
import { chipOf } from "./chip";

describe("sync chip", () => {
  it.each([
    ["following", 6_200, "● 6 ms"],
    ["following", -6_200, "● 6 ms"],
    ["following", 80_000, "◐ 80 ms catching up"],
    ["following", null, "◐ catching up"],
    ["aiming", 0, "◐ catching up"],
    ["behind", -3_210_000, "◐ 3.2 s behind"],
    ["buffering", 0, "○ buffering"],
    ["loading", null, "○ buffering"],
    ["held", 0, "● paused together"],
    ["empty", null, "○ waiting"],
  ] as const)("%s %s is %s", (phase, errorUs, shown) => {
    const { sign, text } = chipOf({ phase, errorUs }, true);
    expect(`${sign} ${text}`).toBe(shown);
  });

  it("says that it runs free while the connection is gone", () => {
    expect(chipOf({ phase: "following", errorUs: 0 }, false)).toMatchObject({ kind: "off", sign: "○" });
  });
});
