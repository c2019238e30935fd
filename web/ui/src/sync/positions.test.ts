import { expect, it } from "vitest";
import { comparePositions, laterPosition } from "./positions";

it("orders positions as numbers, however long they are", () => {
  expect(["10", "9", "100"].sort(comparePositions)).toEqual(["9", "10", "100"]);
});

it("finds the later of two, of which one or both may not be known", () => {
  const pairs = [["9", "10"], ["10", "9"], ["9", null], [null, "9"], [null, null]] as const;
  expect(pairs.map(([a, b]) => laterPosition(a, b))).toEqual(["10", "10", "9", "9", null]);
});
