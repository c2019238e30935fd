import { expect, it } from "vitest";
import type { Action, Note } from "$src/graphql/record";
import { byDay, dayOf, lineOf, noteLine } from "./said";

const base: Action = {
  position: "7",
  kind: "playback",
  eventType: "Seeked",
  at: "2026-11-25T12:00:00Z",
  actor: { id: "a", name: "Ada" },
  target: null,
  videoTitle: "Film",
  from: null,
  to: null,
  fromUs: 3_000_000,
  toUs: 63_000_000,
  undoable: true,
  undoes: null,
};

it("says what was done, from where to where", () => {
  expect(lineOf(base)).toBe("Ada jumped from 0:03 to 1:03");
  expect(lineOf({ ...base, fromUs: null })).toBe("Ada jumped to 1:03");
  expect(lineOf({ ...base, kind: "channel", eventType: "Renamed", from: "A", to: "B" })).toBe("Ada renamed A to B");
  expect(lineOf({ ...base, kind: "playback", eventType: "RateChanged", to: "1250000" })).toBe(
    "Ada changed the speed to 1.25×",
  );
  expect(lineOf({ ...base, kind: "queue", eventType: "VideoDequeued" })).toBe("Ada took Film out of the queue");
  expect(lineOf({ ...base, actor: null, kind: "queue", eventType: "VideoDequeued" })).toBe("Film left the queue");
  expect(lineOf({ ...base, kind: "new", eventType: "Thing" })).toBe("Ada: Thing");
  expect(lineOf({ ...base, actor: null, kind: "new", eventType: "Thing" })).toBe("Lockstep: Thing");
});

it("says that something was taken back", () => {
  expect(lineOf({ ...base, undoes: "3" })).toBe("Ada jumped from 0:03 to 1:03 (taking back)");
});

it("names days and keeps one group a day", () => {
  const now = new Date(2026, 10, 25, 1, 0);
  const at = (day: number, hour: number) => ({ at: new Date(2026, 10, day, hour).toISOString() });
  expect([at(25, 0), at(24, 23)].map(({ at }) => dayOf(at, now))).toEqual(["Today", "Yesterday"]);
  const groups = byDay([at(25, 0), at(24, 23), at(24, 1), at(1, 1)], now);
  expect(groups.map(({ items }) => items.length)).toEqual([1, 2, 1]);
});

it("tells each kind of notification, and an unknown one plainly", () => {
  const note: Note = {
    id: "n",
    position: "1",
    kind: "role_granted",
    at: base.at,
    read: false,
    actor: { id: "a", name: "Ada" },
    channelName: "Kino",
    videoTitle: null,
    detail: "admin",
    reason: null,
    path: null,
  };
  expect(noteLine(note)).toBe("Ada made you admin in Kino.");
  expect(noteLine({ ...note, kind: "video_failed", detail: "No picture.", videoTitle: "Trip" })).toBe(
    "Trip could not be made ready: No picture.",
  );
  expect(noteLine({ ...note, kind: "right_taken", detail: "play_pause" })).toBe(
    "A right was taken from you in Kino: Play and pause.",
  );
  expect(noteLine({ ...note, kind: "banned", channelName: null })).toBe("You were banned from a channel.");
  expect(noteLine({ ...note, kind: "odd" })).toBe("Something happened that concerns you.");
});
