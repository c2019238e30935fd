import { describe, expect, it } from "vitest";
import { INTENT_LIFE_US, Outbox } from "./outbox";
import type { ChatFrame, IntentFrame } from "./protocol";

const intent = (op: string): IntentFrame => ({ t: "intent", op, verb: "play" });
const chat = (op: string): ChatFrame => ({ t: "chat", op, id: op, text: "hi", playback_us: null });
const ops = (frames: readonly { op: string }[]): string[] => frames.map((frame) => frame.op);

describe("the outbox", () => {
  it("keeps only the newest intent while cut off, and every message", () => {
    const outbox = new Outbox();
    expect(outbox.add(intent("a"), 0, false)).toEqual([]);
    expect(outbox.add(chat("m"), 0, false)).toEqual([]);
    const given = outbox.add(intent("b"), 0, false);
    expect(given.map((one) => one.op)).toEqual(["a"]);
    expect(given[0]?.result).toMatchObject({ ok: false, code: "superseded" });
    expect(ops(outbox.waiting())).toEqual(["m", "b"]);
  });

  it("gives up all but the newest intent when the socket goes", () => {
    const outbox = new Outbox();
    for (const op of ["a", "b", "c"]) outbox.add(intent(op), 0, true);
    expect(outbox.cutOff().map((one) => one.op)).toEqual(["a", "b"]);
    expect(ops(outbox.waiting())).toEqual(["c"]);
  });

  it("drops an intent after five seconds", () => {
    const outbox = new Outbox();
    outbox.add(intent("a"), 0, false);
    expect(outbox.expire(INTENT_LIFE_US)).toEqual([]);
    expect(outbox.expire(INTENT_LIFE_US + 1).map((one) => one.op)).toEqual(["a"]);
    expect(outbox.waiting()).toEqual([]);
  });

  it("forgets what was answered", () => {
    const outbox = new Outbox();
    outbox.add(chat("m"), 0, true);
    expect(outbox.settle("m")).toBe(true);
    expect(outbox.settle("m")).toBe(false);
  });
});
