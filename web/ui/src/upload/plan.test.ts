import { describe, expect, it } from "vitest";
import { bytesOf, missing, range, squares, SQUARES_MAX, type Plan } from "./plan";

const MIB = 1 << 20;
const plan: Plan = { sizeBytes: 65 * MIB, partBytes: 8 * MIB, parts: 9 };

describe("the plan of parts", () => {
  it("covers the file without a gap and ends at its end", () => {
    let at = 0;
    for (let number = 1; number <= plan.parts; number += 1) {
      const { start, end } = range(plan, number);
      expect(start).toBe(at);
      at = end;
    }
    expect(at).toBe(plan.sizeBytes);
    expect(range(plan, 9)).toEqual({ start: 64 * MIB, end: 65 * MIB });
  });

  it("names only what is missing, in order", () => {
    expect(missing(plan, [2, 1, 5, 9])).toEqual([3, 4, 6, 7, 8]);
    expect(missing(plan, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([]);
  });

  it("counts bytes once, the short last part as it is", () => {
    expect(bytesOf(plan, [1, 1, 9])).toBe(9 * MIB);
  });

  it("draws at most so many squares, each the mean of its parts", () => {
    expect(squares(plan, (number) => (number === 9 ? 0.5 : 1))).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0.5]);
    const many: Plan = { sizeBytes: 2 * SQUARES_MAX, partBytes: 1, parts: 2 * SQUARES_MAX };
    const drawn = squares(many, (number) => number % 2);
    expect(drawn).toHaveLength(SQUARES_MAX);
    expect(new Set(drawn)).toEqual(new Set([0.5]));
  });
});
