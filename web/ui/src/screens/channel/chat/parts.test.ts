import { describe, expect, it } from "vitest";
import { mentionAt, partsOf, stillNamed } from "./parts";

const people = [
  { id: "1", name: "Ada" },
  { id: "2", name: "Ada Lovelace" },
];
const kinds = (text: string) => partsOf(text, [], null).map((part) => part.kind);

describe("a message's parts", () => {
  it("links web addresses and shows where they lead", () => {
    expect(partsOf("see https://a.example/x?y=1. Bye", [], null)).toEqual([
      { kind: "text", text: "see " },
      { kind: "link", text: "https://a.example/x?y=1", href: "https://a.example/x?y=1", host: "a.example" },
      { kind: "text", text: ". Bye" },
    ]);
  });

  it("links nothing else", () => {
    const others = ["javascript:alert(1)", "data:text/html,x", "//a.example", "ftp://a.example", "vbscript:x"];
    for (const text of others) expect(kinds(text), text).toEqual(["text"]);
    expect(kinds("https://bank.example@evil.example/")).toEqual(["text"]);
    expect(kinds("https://")).toEqual(["text"]);
  });

  it("keeps every character, whatever is written", () => {
    const texts = [
      "<img src=x onerror=alert(1)>",
      'https://a.example/"onmouseover="x',
      "@Ada @Ada Lovelace @Bob https://a.b)",
    ];
    for (const text of texts)
      expect(
        partsOf(text, people, "1")
          .map((part) => part.text)
          .join(""),
      ).toBe(text);
    expect(partsOf('https://a.example/"onmouseover="x', [], null)[0]).toMatchObject({ href: "https://a.example/" });
  });

  it("names people by the longest name, and me", () => {
    expect(partsOf("@Ada Lovelace and @Ada", people, "1")).toEqual([
      { kind: "mention", text: "@Ada Lovelace", me: false },
      { kind: "text", text: " and " },
      { kind: "mention", text: "@Ada", me: true },
    ]);
  });

  it("knows which picked people are still named", () => {
    expect(stillNamed("hello @Ada", people)).toEqual(["1"]);
    expect(stillNamed("hello", people)).toEqual([]);
  });

  it("finds the name being written", () => {
    expect(mentionAt("hi @Ad", 6)).toEqual({ from: 3, word: "Ad" });
    expect(mentionAt("mail@host", 9)).toBeNull();
    expect(mentionAt("hi", 2)).toBeNull();
  });
});
