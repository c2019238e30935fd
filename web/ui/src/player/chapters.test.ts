import { describe, expect, it } from "vitest";
import { AGAIN_US, chapterAt, chapterStep } from "./chapters";

const chapters = [0, 30e6, 45e6].map((startUs) => ({ startUs, title: String(startUs) }));

describe("chapters", () => {
  it("are found by time, from their start on", () => {
    expect([0, 29_999_999, 30e6, 99e6].map((us) => chapterAt(chapters, us))).toEqual([0, 0, 1, 2]);
    expect(chapterAt([], 5)).toBe(-1);
  });
  it("are gone through forwards to the last, and no further", () => {
    expect([0, 30e6, 44e6, 45e6].map((us) => chapterStep(chapters, us, 1))).toEqual([30e6, 45e6, 45e6, null]);
    expect(chapterStep([], 0, 1)).toBeNull();
  });
  it("are gone back to their beginning, and soon after it to the one before", () => {
    expect(chapterStep(chapters, 45e6 + AGAIN_US, -1)).toBe(45e6);
    expect(chapterStep(chapters, 45e6 + AGAIN_US - 1, -1)).toBe(30e6);
    expect(chapterStep(chapters, 1, -1)).toBe(0);
  });
});
