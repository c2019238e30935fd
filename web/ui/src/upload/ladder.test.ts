import { expect, it } from "vitest";
import type { Video, VideoStatusEvent } from "../graphql/documents";
import { apply, emptyLadder, isOver, rungs, STEPS_MAX } from "./ladder";

const film = (change: Partial<Video> = {}): Video =>
  ({ id: "v", title: "Film", status: "PROCESSING", percent: 0, stage: "encode", renditions: [], ...change }) as Video;
const event = (position: number, eventType: string, video = film()): VideoStatusEvent =>
  ({
    position: String(position),
    eventType,
    detail: "",
    at: "2026-11-22T12:00:00Z",
    replayed: false,
    video,
  }) as VideoStatusEvent;
const fold = (events: VideoStatusEvent[]) => events.reduce(apply, emptyLadder);

it("keeps the steps in order and merges progress", () => {
  const ladder = fold([
    event(1, "UploadRequested"),
    event(2, "TranscodeStarted"),
    event(3, "TranscodeProgressed", film({ percent: 10 })),
    event(4, "TranscodeProgressed", film({ percent: 20 })),
    event(5, "RenditionCompleted", film({ percent: 60 })),
  ]);
  expect(ladder.steps.map((step) => step.position)).toEqual(["1", "2", "4", "5"]);
  expect(ladder.video?.percent).toBe(60);
});

it("a repeated start after a reconnect changes nothing", () => {
  const events = [event(1, "UploadRequested"), event(2, "TranscodeStarted"), event(3, "RenditionCompleted")];
  const once = fold(events);
  expect(fold([...events, ...events])).toEqual(once);
});

it("progress never runs backwards and a finished film stays finished", () => {
  const running = fold([
    event(1, "TranscodeProgressed", film({ percent: 50 })),
    event(2, "RenditionCompleted", film({ percent: 40 })),
  ]);
  expect(running.video?.percent).toBe(50);
  const done = [
    event(1, "TranscodeCompleted", film({ status: "READY", percent: 100 })),
    event(2, "InterimObjectRemoved"),
  ].reduce(apply, emptyLadder);
  expect(done.video?.status).toBe("READY");
});

it("a film that failed and is tried again is on its way again", () => {
  const failed = [
    event(1, "TranscodeProgressed", film({ percent: 60 })),
    event(2, "TranscodeFailed", film({ status: "FAILED", percent: 60 })),
  ].reduce(apply, emptyLadder);
  // Said again after a reconnect, with an older picture: it failed all the same.
  expect(apply(failed, event(1, "TranscodeProgressed", film({ percent: 60 }))).video?.status).toBe("FAILED");
  const again = apply(failed, event(3, "TranscodeRetried", film({ percent: 0 })));
  expect(again.video).toMatchObject({ status: "PROCESSING", percent: 0 });
});

it("keeps a bounded number of steps", () => {
  const many = Array.from({ length: 50 }, (_, n) => event(n, n % 2 ? "RenditionCompleted" : "SourceProbed"));
  expect(fold(many).steps).toHaveLength(STEPS_MAX);
});

it("lists the picture sizes tallest first", () => {
  const of = (name: string, height: number) => ({ name, height, width: 0, bandwidthBps: 0, complete: false });
  expect(rungs([of("360p", 360), of("audio", 0), of("1080p", 1080)]).map((rung) => rung.name)).toEqual([
    "1080p",
    "360p",
  ]);
  expect(isOver(film())).toBe(false);
});
