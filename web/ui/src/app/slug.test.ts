import { expect, it } from "vitest";
import { slugOf } from "./slug";

it.each([
  ["Movie night", "movie-night"],
  ["  Filmabend für alle! ", "filmabend-fur-alle"],
  ["--A--B--", "a-b"],
  ["映画", null],
  ["ab", null],
  ["x".repeat(80), "x".repeat(60)],
])("%s", (name, slug) => expect(slugOf(name)).toBe(slug));
