import { describe, expect, it } from "vitest";
import { Controller, type Sample, SEEKS_MAX } from "./controller";
import { CHROMIUM, WEBKIT } from "./pi";
import type { Timeline } from "./protocol";
import { dice } from "./testing";

interface Habits {
  readonly start_ms?: number;
  readonly seek_ms?: number;
  /** How far the sound clock of this machine is off. */
  readonly drift_ppm?: number;
  /** What leaving rate 1 costs with the pitch preserved. */
  readonly pitch_ms?: number;
  readonly wake_late_ms?: number;
  readonly noise_ms?: number;
}

/** A media element in virtual time, 1 ms at a time, driven by the controller as follow.ts drives a real one. */
class Theatre {
  readonly controller: Controller;
  now = 50_000_000;
  position = 0;
  paused = true;
  /** Where it was when it was last told to pause. */
  running_us = 0;
  seeks: number[] = [];
  rates: number[] = [];
  stalled = false;
  loaded = true;
  private readonly habits: Required<Habits>;
  private readonly random: () => number;
  private seekUntil = 0;
  private moveFrom = 0;
  private rate = 1;
  private pitch = true;
  private next = 0;
  private offset = 0;

  constructor(habits: Habits = {}, seed = 1, kind = CHROMIUM) {
    this.habits = { start_ms: 80, seek_ms: 60, drift_ppm: 0, pitch_ms: 22, wake_late_ms: 1, noise_ms: 0.2, ...habits };
    this.random = dice(seed);
    this.controller = new Controller(kind);
  }

  setTimeline(timeline: Timeline): void {
    this.controller.setTimeline(timeline);
    this.next = this.now;
  }
  setOffset(us: number): void {
    this.offset = us;
  }

  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      if (this.now >= this.next) this.look();
      this.now += 1_000;
      const moving = !this.paused && !this.stalled && this.now >= this.seekUntil && this.now >= this.moveFrom;
      if (moving) this.position += 1_000 * this.rate * (1 + this.habits.drift_ppm / 1e6);
    }
  }

  /** Target minus position, free of noise. */
  errorTo(timeline: Timeline): number {
    return (
      timeline.position_us + Math.max(0, this.now - timeline.at_hub_us) * (timeline.rate_ppm / 1e6) - this.position
    );
  }

  private look(): void {
    const sample: Sample = {
      hub_us: this.now,
      position_us: this.paused ? this.position : this.position + (this.random() * 2 - 1) * this.habits.noise_ms * 1_000,
      paused: this.paused,
      seeking: this.now < this.seekUntil,
      loaded: this.loaded,
      ready: this.now >= this.seekUntil && !this.stalled,
      ended: false,
      hidden: false,
      muted: false,
      offset_us: this.offset,
    };
    for (const action of this.controller.tick(sample)) {
      if (action.do === "pause") {
        this.paused = true;
        this.running_us = this.position;
      }
      if (action.do === "play") {
        this.paused = false;
        this.moveFrom = this.now + this.habits.start_ms * 1_000 * (0.9 + 0.2 * this.random());
      }
      if (action.do === "seek") {
        this.position = action.position_us;
        this.seeks.push(action.position_us);
        this.seekUntil = this.now + this.habits.seek_ms * 1_000;
      }
      if (action.do === "rate") {
        const leaves = action.preservesPitch && action.rate !== 1 && (!this.pitch || this.rate === 1);
        if (leaves && !this.paused) this.position -= this.habits.pitch_ms * 1_000;
        this.rate = action.rate;
        this.pitch = action.preservesPitch;
        this.rates.push(action.rate);
      }
    }
    this.next = this.controller.wake(this.now) + this.habits.wake_late_ms * 1_000 * this.random();
    if (this.now < this.seekUntil) this.next = Math.min(this.next, this.seekUntil);
  }
}

const film = (change: Partial<Timeline>): Timeline => ({
  video: "v",
  duration_us: 600e6,
  position_us: 0,
  rate_ppm: 1_000_000,
  at_hub_us: 50e6,
  seq: 1,
  epoch: "e",
  ...change,
});

describe("the controller", () => {
  it("holds a paused film at the centre of its frame with one seek", () => {
    const theatre = new Theatre();
    theatre.controller.setFrameRate(25);
    theatre.setTimeline(film({ rate_ppm: 0, position_us: 10_010_000 }));
    theatre.run(2_000);
    expect(theatre.controller.phase).toBe("held");
    expect(theatre.seeks).toEqual([10_020_000]);
    expect(theatre.position).toBe(10_020_000);
  });

  it("goes to the centre of the frame although it happened to stop beside it", () => {
    let beside = 0;
    // Moments half a millisecond apart: at some of them the film is at the centre but for a hair.
    for (let moment_us = -4_000; moment_us <= 4_000; moment_us += 500) {
      const theatre = new Theatre({ noise_ms: 0, wake_late_ms: 0 });
      theatre.controller.setFrameRate(25);
      const playing = film({});
      theatre.setTimeline(playing);
      theatre.run(3_000);
      const centre = (Math.floor(theatre.position / 40_000) + 25.5) * 40_000;
      const at_hub_us = playing.at_hub_us + centre + moment_us;
      const seeks = theatre.seeks.length;
      theatre.setTimeline(film({ position_us: centre - 5_000, rate_ppm: 0, at_hub_us, seq: 2 }));
      while (!theatre.paused) theatre.run(1);
      if (Math.abs(theatre.running_us - centre) < 500) beside += 1;
      theatre.run(1_000);
      expect(theatre.controller.phase).toBe("held");
      expect(theatre.position).toBe(centre);
      expect(theatre.seeks.slice(seeks)).toEqual([centre]);
    }
    expect(beside).toBeGreaterThan(0);
  });

  it("starts a held film at the hub's moment without a seek, close at once and closer soon", () => {
    const theatre = new Theatre();
    theatre.setTimeline(film({ rate_ppm: 0, position_us: 10e6 }));
    theatre.run(1_000);
    const playing = film({ position_us: 10e6, at_hub_us: theatre.now + 600_000, seq: 2 });
    theatre.setTimeline(playing);
    theatre.run(900);
    expect(Math.abs(theatre.errorTo(playing))).toBeLessThan(40_000);
    theatre.run(1_700);
    expect(Math.abs(theatre.errorTo(playing))).toBeLessThan(3_000);
    expect(theatre.seeks).toHaveLength(1);
  });

  it("makes exactly one seek per seek command and is within 20 ms two seconds after", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const theatre = new Theatre({ start_ms: 30 + seed * 3, seek_ms: 20 + seed * 4, drift_ppm: seed * 5 - 100 }, seed);
      theatre.setTimeline(film({}));
      theatre.run(5_000);
      const before = theatre.seeks.length;
      const sought = film({ position_us: 200e6, at_hub_us: theatre.now + 400_000, seq: 2 });
      theatre.setTimeline(sought);
      theatre.run(2_400);
      expect(theatre.seeks.length - before).toBe(1);
      expect(Math.abs(theatre.errorTo(sought))).toBeLessThan(20_000);
      theatre.run(3_000);
      expect(Math.abs(theatre.errorTo(sought))).toBeLessThan(5_000);
    }
  });

  it("takes the picture anew with one seek, is in step again at once, and spends no correction on it", () => {
    const theatre = new Theatre();
    const playing = film({});
    theatre.setTimeline(playing);
    theatre.run(5_000);
    for (let turn = 1; turn <= SEEKS_MAX + 2; turn += 1) {
      const before = theatre.seeks.length;
      theatre.controller.renew();
      theatre.run(1_000);
      expect(theatre.seeks.length - before).toBe(1);
      expect(theatre.controller.phase).toBe("following");
      expect(Math.abs(theatre.errorTo(playing))).toBeLessThan(20_000);
    }
    expect(theatre.controller.counters.corrective_seeks).toBe(0);
    expect(theatre.controller.counters.renewals).toBe(SEEKS_MAX + 2);
  });

  it("takes the picture of a held film anew where it is", () => {
    const theatre = new Theatre();
    theatre.setTimeline(film({ rate_ppm: 0, position_us: 10e6 }));
    theatre.run(1_000);
    theatre.controller.renew();
    theatre.run(1_000);
    expect(theatre.seeks).toEqual([10e6, 10e6]);
    expect(theatre.controller.phase).toBe("held");
  });

  it("learns how long this browser takes to start", () => {
    const theatre = new Theatre({ start_ms: 140 });
    let timeline = film({});
    const errors: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      timeline = film({ position_us: round * 20e6, at_hub_us: theatre.now + 400_000, seq: round + 1 });
      theatre.setTimeline(timeline);
      theatre.run(700);
      errors.push(Math.abs(theatre.errorTo(timeline)));
      theatre.run(3_000);
    }
    expect(errors.at(-1)).toBeLessThan((errors[0] ?? 0) / 2);
    expect(errors.at(-1)).toBeLessThan(25_000);
  });

  it("holds 1 ms against a sound clock 100 ppm off, without seeks", () => {
    const theatre = new Theatre({ drift_ppm: -100 });
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(10_000);
    for (let second = 0; second < 30; second += 1) {
      theatre.run(1_000);
      expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(1_000);
    }
    expect(theatre.controller.counters.corrective_seeks).toBe(0);
  });

  it("runs to the hub's pause and stops there exactly, originator and all", () => {
    const theatre = new Theatre();
    const playing = film({});
    theatre.setTimeline(playing);
    theatre.run(5_000);
    const at = theatre.now + 150_000;
    const place = playing.position_us + at - playing.at_hub_us;
    theatre.setTimeline(film({ rate_ppm: 0, position_us: place, at_hub_us: at, seq: 2 }));
    theatre.run(140);
    expect(theatre.paused).toBe(false);
    theatre.run(400);
    expect(theatre.paused).toBe(true);
    expect(theatre.position).toBe(place);
  });

  it("repairs a large error by a seek, within its budget, and says when it is behind", () => {
    const theatre = new Theatre({ seek_ms: 50 });
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(4_000);
    const before = theatre.seeks.length;
    for (let blow = 0; blow < 6; blow += 1) {
      theatre.position -= 600_000;
      theatre.run(1_600);
    }
    expect(theatre.seeks.length - before).toBeLessThanOrEqual(SEEKS_MAX);
    expect(theatre.controller.behind).toBe(true);
    theatre.run(20_000);
    expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(5_000);
    expect(theatre.controller.behind).toBe(false);
  });

  it("repairs a small error by rate only, mostly within two seconds", () => {
    const theatre = new Theatre();
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(5_000);
    theatre.position -= 60_000;
    theatre.run(4_500);
    expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(8_000);
    expect(theatre.controller.counters.corrective_seeks).toBe(0);
    expect(Math.max(...theatre.rates.map((rate) => Math.abs(rate - 1)))).toBeLessThanOrEqual(0.101);
  });

  it("does not ratchet: a hundred stalls of 200 ms leave no error", () => {
    const theatre = new Theatre();
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(3_000);
    for (let stall = 0; stall < 100; stall += 1) {
      theatre.stalled = true;
      theatre.run(200);
      theatre.stalled = false;
      theatre.run(2_000);
    }
    theatre.run(8_000);
    expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(8_000);
  });

  it("is not moved by the same timeline told again after a rejoin, nor by a new epoch at the same place", () => {
    const theatre = new Theatre();
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(5_000);
    const seeks = theatre.seeks.length;
    theatre.setTimeline({ ...timeline, position_us: theatre.now - 50e6, at_hub_us: theatre.now, seq: 2 });
    theatre.run(3_000);
    theatre.setTimeline({
      ...timeline,
      position_us: theatre.now - 50e6 + 5_000,
      at_hub_us: theatre.now,
      seq: 1,
      epoch: "f",
    });
    theatre.run(3_000);
    expect(theatre.seeks).toHaveLength(seeks);
    expect(theatre.controller.phase).toBe("following");
  });

  it("waits for an element that is not loaded, then joins ahead of the moving film", () => {
    const theatre = new Theatre();
    theatre.loaded = false;
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(5_000);
    expect(theatre.controller.phase).toBe("loading");
    expect(theatre.seeks).toEqual([]);
    theatre.loaded = true;
    theatre.run(2_500);
    expect(theatre.seeks).toHaveLength(1);
    expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(5_000);
  });

  it("stands at the end and begins again when told", () => {
    const theatre = new Theatre();
    theatre.setTimeline(film({ duration_us: 6e6 }));
    theatre.run(8_000);
    expect(theatre.controller.phase).toBe("ended");
    const again = film({ duration_us: 6e6, at_hub_us: theatre.now + 600_000, seq: 2 });
    theatre.setTimeline(again);
    theatre.run(3_000);
    expect(Math.abs(theatre.errorTo(again))).toBeLessThan(5_000);
  });

  it("plays only after a gesture when the browser refused", () => {
    const theatre = new Theatre();
    const timeline = film({});
    theatre.setTimeline(timeline);
    theatre.run(300);
    theatre.paused = true;
    theatre.controller.block();
    theatre.run(3_000);
    expect(theatre.paused).toBe(true);
    theatre.controller.unblock();
    theatre.run(3_000);
    expect(Math.abs(theatre.errorTo(timeline))).toBeLessThan(5_000);
  });

  it("keeps a viewer 100 ms off when the test seam says so", () => {
    const theatre = new Theatre();
    const timeline = film({});
    theatre.setOffset(100_000);
    theatre.setTimeline(timeline);
    theatre.run(6_000);
    expect(theatre.errorTo(timeline)).toBeGreaterThan(-102_000);
    expect(theatre.errorTo(timeline)).toBeLessThan(-98_000);
  });

  it("writes no rates on WebKit", () => {
    const theatre = new Theatre({ drift_ppm: 200 }, 1, WEBKIT);
    theatre.setTimeline(film({}));
    theatre.run(20_000);
    expect(theatre.rates.every((rate) => rate === 1)).toBe(true);
  });
});
