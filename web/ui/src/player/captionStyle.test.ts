import { describe, expect, it } from "vitest";
import { cssOf, FIRST_STYLE, readStyle } from "./captionStyle";

describe("how captions look", () => {
  it("is what was stored, and the first choice where that is none", () => {
    const style = { ...FIRST_STYLE, size: "huge", back: "none", place: "top" };
    expect(readStyle(JSON.stringify(style))).toEqual(style);
    for (const odd of [null, "", "[]", "null", "7", '{"size":"__proto__","text":3,"edge":"constructor"}', "{"])
      expect(readStyle(odd)).toEqual(FIRST_STYLE);
    expect(readStyle('{"size":"large","more":"x"}')).toEqual({ ...FIRST_STYLE, size: "large" });
  });
  it("becomes values of the page's own, never words that were stored", () => {
    expect(cssOf(readStyle('{"size":"large","text":"red;} *{display:none"}'))).toBe(
      "--size: 1.5; --ink: #fff; --edge: none; --back: rgb(0 0 0 / 0.8)",
    );
  });
});
