import { expect, it } from "vitest";
import { tagsOf } from "./tags";

it("takes tags apart at commas, each once", () => {
  expect(tagsOf(" sea, Summer ,,summer, two words,")).toEqual(["sea", "Summer", "two words"]);
  expect(tagsOf("  ")).toEqual([]);
});
