import { describe, expect, it } from "vitest";
import { actionOf, isShared, type Key } from "./keys";

const press = (key: string, change: Partial<Key> = {}): Key => ({
  key,
  code: "",
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...change,
});

describe("keys", () => {
  it.each([
    [" ", { do: "toggle" }],
    ["k", { do: "toggle" }],
    ["K", { do: "toggle" }],
    ["ArrowLeft", { do: "skip", seconds: -5 }],
    ["l", { do: "skip", seconds: 10 }],
    ["7", { do: "jump", share: 0.7 }],
    ["End", { do: "jump", share: 1 }],
    ["ArrowUp", { do: "volume", step: 0.05 }],
    ["/", { do: "chat" }],
    [",", { do: "frame", step: -1 }],
    ["p", { do: "pip" }],
  ])("%s", (key, action) => expect(actionOf(press(key))).toEqual(action));

  it("goes from chapter to chapter with Ctrl, for everybody", () => {
    expect(actionOf(press("ArrowRight", { ctrlKey: true }))).toEqual({ do: "chapter", step: 1 });
    expect(actionOf(press("ArrowLeft", { ctrlKey: true }))).toEqual({ do: "chapter", step: -1 });
    expect(actionOf(press("ArrowLeft", { ctrlKey: true, shiftKey: true }))).toBeNull();
    expect(isShared({ do: "chapter", step: 1 })).toBe(true);
  });

  it("leaves the browser its own", () => {
    expect(actionOf(press("f", { ctrlKey: true }))).toBeNull();
    expect(actionOf(press("l", { metaKey: true }))).toBeNull();
    expect(actionOf(press("M", { shiftKey: true }))).toBeNull();
    expect(actionOf(press("x"))).toBeNull();
    expect(actionOf(press("Tab"))).toBeNull();
  });

  it("opens the sheet although Shift is held", () => {
    expect(actionOf(press("?", { shiftKey: true }))).toEqual({ do: "help" });
  });

  it("goes by the key's place on a Cyrillic keyboard", () => {
    expect(actionOf(press("л", { code: "KeyK" }))).toEqual({ do: "toggle" });
    expect(actionOf(press("о", { code: "KeyJ" }))).toEqual({ do: "skip", seconds: -10 });
  });

  it("knows which concern everybody", () => {
    expect(isShared({ do: "jump", share: 0 })).toBe(true);
    expect(isShared({ do: "mute" })).toBe(false);
  });
});
