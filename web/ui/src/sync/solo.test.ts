import { describe, expect, it } from "vitest";
import type { SyncView, VideoController } from "./room";
import { createSolo, LEAD_US } from "./solo";

class Screen implements VideoController {
  views: (SyncView | null)[] = [];
  follow(view: SyncView | null): void {
    this.views.push(view);
  }
  picture: { at_us: number; stuck: boolean } | null = null;
  ready: number | null = null;
  telemetry() {
    return { state: "playing", error_us: null, bound_us: null, ready: this.ready } as const;
  }
  standing() {
    return this.picture;
  }
}

function bench(start_us = 0) {
  let now = 5_000_000;
  const solo = createSolo({ video: "f", duration_us: 60_000_000, start_us, clock: { now: () => now } });
  const screen = new Screen();
  const detach = solo.attach(screen);
  return { solo, screen, detach, pass: (us: number) => (now += us) };
}

describe("watching alone", () => {
  it("begins where it was left, standing still", () => {
    const { solo, screen, pass } = bench(12_000_000);
    pass(3_000_000);
    expect(solo.positionUs()).toBe(12_000_000);
    expect(screen.views[0]?.timeline.rate_ppm).toBe(0);
  });

  it("begins anew where it was left at the end", () => {
    expect(bench(60_000_000).solo.positionUs()).toBe(0);
  });

  it("plays after a lead, pauses where it is, and goes on from there", async () => {
    const { solo, screen, pass } = bench();
    await solo.play();
    pass(LEAD_US + 4_000_000);
    expect(solo.positionUs()).toBe(4_000_000);
    await solo.pause();
    pass(9_000_000);
    expect(solo.positionUs()).toBe(4_000_000);
    await solo.play();
    pass(LEAD_US + 1_000_000);
    expect(solo.positionUs()).toBe(5_000_000);
    expect(screen.views.map((view) => view?.timeline.seq)).toEqual([1, 2, 3, 4]);
  });

  it("keeps its speed through a pause and a jump", async () => {
    const { solo, pass } = bench();
    await solo.rate(2_000_000);
    expect(solo.positionUs()).toBe(0);
    await solo.play();
    await solo.seek(10_000_000);
    pass(LEAD_US + 1_000_000);
    expect(solo.positionUs()).toBe(12_000_000);
  });

  it("waits where the picture is stuck, and goes on from there: no second is left out", async () => {
    const { solo, screen, pass } = bench();
    await solo.play();
    pass(LEAD_US + 4_000_000);
    screen.picture = { at_us: 3_900_000, stuck: false };
    solo.look();
    expect(screen.views).toHaveLength(2);
    pass(600_000);
    screen.picture = { at_us: 4_100_000, stuck: true };
    solo.look();
    pass(7_000_000);
    solo.look();
    expect(solo.positionUs()).toBe(4_100_000);
    const held = screen.views.at(-1)?.timeline;
    expect(held).toMatchObject({ rate_ppm: 0, position_us: 4_100_000, seq: 3 });
    expect(held?.hold_until_us).toBeDefined();
    screen.picture = { at_us: 4_100_000, stuck: false };
    screen.ready = 3;
    solo.look();
    expect(screen.views.at(-1)?.timeline.hold_until_us).toBeUndefined();
    pass(LEAD_US + 1_000_000);
    expect(solo.positionUs()).toBe(5_100_000);
  });

  it("still waits after a jump, goes on at the chosen speed, and a pause ends the waiting", async () => {
    const { solo, screen, pass } = bench();
    await solo.play();
    pass(LEAD_US + 1);
    screen.picture = { at_us: 0, stuck: true };
    solo.look();
    await solo.seek(9_000_000);
    await solo.rate(2_000_000);
    expect(screen.views.at(-1)?.timeline).toMatchObject({ rate_ppm: 0, position_us: 9_000_000 });
    expect(screen.views.at(-1)?.timeline.hold_until_us).toBeDefined();
    screen.ready = 5;
    solo.look();
    pass(LEAD_US + 500_000);
    expect(solo.positionUs()).toBe(10_000_000);
    solo.look();
    await solo.pause();
    screen.ready = 8;
    solo.look();
    expect(screen.views.at(-1)?.timeline).toMatchObject({ rate_ppm: 0 });
    expect(screen.views.at(-1)?.timeline.hold_until_us).toBeUndefined();
  });

  it("starts again from the end, and lets its players go", async () => {
    const { solo, screen, detach, pass } = bench(59_000_000);
    await solo.play();
    pass(20_000_000);
    expect(solo.positionUs()).toBe(60_000_000);
    await solo.play();
    pass(LEAD_US);
    expect(solo.positionUs()).toBe(0);
    detach();
    expect(screen.views.at(-1)).toBeNull();
  });
});
