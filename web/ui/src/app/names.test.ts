import { expect, it } from "vitest";
import { friendlyName } from "./names";

it("draws two words, also at the edges of chance", () => {
  expect(friendlyName(() => 0)).toBe("Amber Badger");
  expect(friendlyName(() => 0.999_999)).toBe("Witty Walrus");
});
