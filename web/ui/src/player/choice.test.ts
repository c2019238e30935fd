import { expect, it } from "vitest";
import { remembered, tagOf } from "./choice";

const tracks = [
  { language: "en", name: "English" },
  { language: "en", name: "English (deaf)" },
  { language: "de", name: "Deutsch" },
  { language: null, name: "Notes" },
];

it("finds the same track again, else one of its language, else none", () => {
  for (const track of tracks) expect(remembered(tracks, tagOf(track))).toBe(track);
  expect(remembered(tracks, "en|Another")).toBe(tracks[0]);
  expect(remembered(tracks, "fr|Français")).toBeNull();
  expect(remembered(tracks, "|Another")).toBeNull();
  expect(remembered(tracks, "off")).toBeNull();
  expect(remembered(tracks, null)).toBeNull();
});
