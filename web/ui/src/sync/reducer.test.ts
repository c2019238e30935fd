import { describe, expect, it } from "vitest";
import type { Member, RoomEvent, Timeline } from "./protocol";
import {
  applyEvent,
  applyJoined,
  mergeMessages,
  NO_FACTS,
  type RoomFacts,
  type RoomMessage,
} from "./reducer";

const ada = { id: "1", name: "Ada" };
const timeline = (seq: number, epoch = "e"): Timeline => ({
  video: "v",
  duration_us: 9e6,
  position_us: seq,
  rate_ppm: 0,
  at_hub_us: 0,
  seq,
  epoch,
});
const told = (seq: number, epoch = "e"): RoomEvent => ({
  e: "timeline",
  position: String(seq),
  timeline: timeline(seq, epoch),
  cause: { verb: "seek", actor: ada, op: null },
});
const said = (id: string, position: string): RoomEvent => ({
  e: "message",
  position,
  message: { id, author: ada, text: id, sent_at: "2026-11-22T10:00:00Z", playback_us: null },
});
const member = (session: string, state: Member["state"] = "playing"): Member => ({
  session,
  account: ada,
  role: "viewer",
  device: "desktop",
  state,
  error_us: null,
  since_us: 0,
});
const after = (...events: RoomEvent[]): RoomFacts =>
  events.reduce((facts, event) => applyEvent(facts, event, 0), NO_FACTS);

describe("the room's reducer", () => {
  it("keeps messages in the order of the log, each once", () => {
    const facts = after(said("b", "10"), said("a", "9"), said("b", "10"));
    expect(facts.messages.map((message) => message.id)).toEqual(["a", "b"]);
  });

  it("replaces the own message on its way by the confirmed one", () => {
    const own: RoomMessage = {
      id: "m",
      author: ada,
      text: "m",
      sent_at: "2026-11-22T10:00:00Z",
      playback_us: null,
      position: null,
      delivery: "sending",
    };
    const sending = { ...NO_FACTS, messages: mergeMessages([], [own]) };
    const facts = applyEvent(sending, said("m", "7"), 0);
    expect(facts.messages).toMatchObject([{ id: "m", position: "7", delivery: "sent" }]);
    expect(mergeMessages(facts.messages, [{ ...own, delivery: "failed" }])).toMatchObject([{ delivery: "sent" }]);
  });

  it("takes no older timeline of the same epoch, and any of another", () => {
    const facts = after(told(5), told(4));
    expect(facts.timeline?.seq).toBe(5);
    expect(facts.activity).toHaveLength(1);
    expect(applyEvent(facts, told(1, "f"), 0).timeline?.epoch).toBe("f");
  });

  it("takes a mended moment without anybody having done anything", () => {
    const facts = after(told(5), { e: "retimed", timeline: { ...timeline(6), at_hub_us: 7 } });
    expect(facts.timeline).toMatchObject({ seq: 6, at_hub_us: 7 });
    expect(facts.activity).toHaveLength(1);
    expect(applyEvent(facts, { e: "retimed", timeline: timeline(4) }, 0).timeline?.seq).toBe(6);
  });

  it("follows presence by session", () => {
    const facts = after(
      { e: "presence", joined: [member("a"), member("b")], left: [], changed: [], people: 2 },
      {
        e: "presence",
        joined: [],
        left: ["a"],
        changed: [
          { session: "b", role: "viewer", state: "away", error_us: null },
          { session: "not listed", role: "viewer", state: "playing", error_us: null },
        ],
        people: 312,
      },
    );
    expect(facts.members).toEqual([member("b", "away")]);
    expect(facts.people).toBe(312);
  });

  it("removes a banned account and keeps messages over a rejoin", () => {
    const facts = after(
      said("a", "1"),
      { e: "presence", joined: [member("a")], left: [], changed: [], people: 1 },
      { e: "banned", position: "2", account: "1" },
    );
    expect(facts.members).toEqual([]);
    const again = applyJoined(facts, { members: [member("z")], people: 7, timeline: null });
    expect(again).toMatchObject({ messages: [{ id: "a" }], people: 7 });
  });

  it("ends typing with the message", () => {
    const typing: RoomEvent = { e: "typing", accounts: [ada, { id: "2", name: "Bob" }], more: 3 };
    expect(after(typing).typists).toMatchObject({ accounts: [{ id: "1" }, { id: "2" }], more: 3 });
    expect(after(typing, said("a", "1")).typists.accounts).toEqual([{ id: "2", name: "Bob" }]);
  });
});
