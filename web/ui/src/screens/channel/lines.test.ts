import { expect, it } from "vitest";
import { lineOf } from "./lines";

const ada = { id: "a", name: "Ada" };

it("says who did what where", () => {
  expect(lineOf({ verb: "pause", actor: ada, at_us: 723_000_000 })).toBe("Ada paused at 12:03");
  expect(lineOf({ verb: "seek", actor: ada, at_us: 0 })).toBe("Ada jumped to 0:00");
  expect(lineOf({ verb: "load", actor: null, at_us: 0 })).toBe("someone loaded a video");
  expect(lineOf({ verb: "end", actor: null, at_us: 1 })).toBe("The film ended");
});
