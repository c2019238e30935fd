import { describe, expect, it } from "vitest";
import { VirtualTime } from "../sync/testing";
import { KEY_FRAME_MS, type Picture, PATIENCE_MS, RENEWAL_MS, RENEWALS_MAX, SizeSwitch } from "./size";

/** A picture whose loaded part and size the test moves. */
class FakePicture {
  videoHeight = 360;
  currentTime = 10;
  loaded: [number, number][] = [];
  readonly hearers = new Set<() => void>();
  get buffered(): TimeRanges {
    const { loaded } = this;
    return { length: loaded.length, start: (n) => loaded[n]?.[0] ?? 0, end: (n) => loaded[n]?.[1] ?? 0 };
  }
  addEventListener(_name: "resize", run: () => void): void {
    this.hearers.add(run);
  }
  removeEventListener(_name: "resize", run: () => void): void {
    this.hearers.delete(run);
  }
  shows(height: number): void {
    this.videoHeight = height;
    for (const run of [...this.hearers]) run();
  }
}

function set(): { picture: FakePicture; time: VirtualTime; renewed: number[]; size: SizeSwitch } {
  const picture = new FakePicture();
  const time = new VirtualTime(0);
  const renewed: number[] = [];
  const size = new SizeSwitch(picture satisfies Picture, time, () => renewed.push(time.now() / 1_000));
  return { picture, time, renewed, size };
}

describe("another size of the picture", () => {
  it("is waited for while its key frame is near", () => {
    const { picture, time, renewed, size } = set();
    picture.loaded = [[8, 20]];
    size.want(720);
    time.run(KEY_FRAME_MS - 1);
    picture.shows(720);
    time.run(PATIENCE_MS);
    expect(renewed).toEqual([]);
    expect(picture.hearers.size).toBe(0);
  });
  it("is taken anew when the key frame is far, and once more if that did not help, but not for ever", () => {
    const { picture, time, renewed, size } = set();
    picture.loaded = [[8, 20]];
    size.want(720);
    time.run(PATIENCE_MS + 1_000);
    expect(renewed).toHaveLength(RENEWALS_MAX);
    expect(renewed[0]).toBe(KEY_FRAME_MS);
    expect(renewed[1]).toBe(KEY_FRAME_MS + RENEWAL_MS);
    expect(picture.hearers.size).toBe(0);
  });
  it("is not taken anew before it is fetched", () => {
    const { picture, time, renewed, size } = set();
    picture.loaded = [[0, 10.5]];
    size.want(720);
    time.run(5_000);
    expect(renewed).toEqual([]);
    picture.loaded = [[8, 12]];
    time.run(100);
    expect(renewed).toHaveLength(1);
  });
  it("costs nothing where it is shown already, and another wish ends the one before", () => {
    const { picture, time, renewed, size } = set();
    picture.loaded = [[8, 20]];
    size.want(360);
    time.run(2_000);
    expect(renewed).toEqual([]);
    size.want(720);
    time.run(KEY_FRAME_MS - 100);
    size.want(1080);
    time.run(200);
    expect(renewed).toEqual([]);
    size.stop();
    time.run(PATIENCE_MS);
    expect(renewed).toEqual([]);
  });
});
