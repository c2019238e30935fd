import { describe, expect, it } from "vitest";
import type { FromLink, ToLink } from "./connection";
import type { Estimate } from "./estimate";
import type { ChangedEvent, JoinedFrame, ReportFrame, Timeline } from "./protocol";
import {
  type Ask,
  CLOCK_SAMPLES_MIN,
  createRoom,
  type History,
  type Room,
  type RoomMessage,
  type RoomState,
  type SyncView,
  type VideoController,
} from "./room";
import { VirtualTime } from "./testing";

const ada = { id: "1", name: "Ada" };

class Bench {
  readonly time = new VirtualTime();
  readonly posted: ToLink[] = [];
  readonly room: Room;
  state!: RoomState;
  hear: (told: FromLink) => void = () => undefined;
  ended = false;

  constructor(history?: (ask: Ask) => Promise<History>) {
    this.room = createRoom({
      channelId: "c",
      visitId: "v",
      url: "ws://hub/sync",
      clock: this.time,
      timers: this.time,
      ...(history ? { history } : {}),
      open: (_target, hear) => {
        this.hear = hear;
        return { post: (asked) => this.posted.push(asked), end: () => (this.ended = true) };
      },
    });
    this.room.subscribe((state) => (this.state = state));
  }

  join(timeline: Timeline | null = null): void {
    this.hear({ kind: "status", status: "online", code: null, message: null });
    this.hear({
      kind: "hello",
      frame: { t: "hello", epoch: "e", session: "s", now_us: 0, account: { ...ada, role: "member" } },
    });
    this.hear({ kind: "joined", frame: { ...joinedFrame, timeline } });
  }
  clock(epoch: string, samples: number, offset_us = 0): void {
    const estimate: Estimate = {
      epoch,
      samples,
      offset_us,
      drift_ppm: 0,
      ref_us: this.time.now(),
      bound_us: 500,
      rtt_us: 900,
    };
    this.hear({ kind: "clock", estimate });
  }
  sent(): { op: string; t: string }[] {
    return this.posted.flatMap((asked) => (asked.kind === "send" ? [asked.frame] : []));
  }
  reports(): ReportFrame[] {
    return this.posted.flatMap((asked) => (asked.kind === "tell" && asked.frame.t === "report" ? [asked.frame] : []));
  }
}

const joinedFrame: JoinedFrame = {
  t: "joined",
  channel: "c",
  position: "1",
  timeline: null,
  seat: "s",
  resumed: false,
  members: [],
  people: 1,
};

class Screen implements VideoController {
  views: (SyncView | null)[] = [];
  follow(view: SyncView | null): void {
    this.views.push(view);
  }
  telemetry() {
    return { state: "playing" as const, error_us: 120, bound_us: 500, ready: null };
  }
  standing(): null {
    return null;
  }
}

const timeline = (change: Partial<Timeline> = {}): Timeline => ({
  video: "v1",
  duration_us: 60e6,
  position_us: 5e6,
  rate_ppm: 1_000_000,
  at_hub_us: 1_000_000_000,
  seq: 1,
  epoch: "e",
  ...change,
});

describe("a room", () => {
  it("allows wishes only while online and tells the answer", async () => {
    const bench = new Bench();
    expect(bench.state.controls).toBe(false);
    bench.join();
    expect(bench.state.controls).toBe(true);
    const answer = bench.room.seek(12_345.6);
    expect(bench.sent()).toMatchObject([{ t: "intent", verb: "seek", position_us: 12_346 }]);
    const op = bench.sent()[0]?.op ?? "";
    expect(bench.state.pending).toEqual({ op, verb: "seek" });
    bench.hear({ kind: "settled", op, result: { ok: false, code: "not_permitted", message: "no" } });
    expect(await answer).toEqual({ ok: false, code: "not_permitted", message: "no" });
    expect(bench.state.pending).toBeNull();
    bench.hear({ kind: "status", status: "reconnecting", code: null, message: null });
    expect(bench.state.controls).toBe(false);
  });

  it("shows an own message at once, settles it, and can send a failed one again under the same id", async () => {
    const bench = new Bench();
    bench.join();
    const first = bench.room.chat("  hello ");
    expect(bench.state.messages).toMatchObject([{ text: "hello", delivery: "sending", author: ada }]);
    bench.hear({ kind: "settled", op: bench.sent()[0]?.op ?? "", result: { ok: false, code: "offline", message: "" } });
    await first;
    const shown = bench.state.messages[0];
    expect(shown?.delivery).toBe("failed");
    const second = bench.room.retry(shown?.id ?? "");
    expect(bench.sent()[1]).toEqual(bench.sent()[0]);
    bench.hear({ kind: "settled", op: bench.sent()[1]?.op ?? "", result: { ok: true, position: "8", changed: true } });
    await second;
    expect(bench.state.messages).toMatchObject([{ delivery: "sent", position: "8" }]);
    expect(await bench.room.chat("   ")).toMatchObject({ ok: false, code: "empty" });
  });

  it("hands a player the timeline only once the hub's clock is known", () => {
    const bench = new Bench();
    const screen = new Screen();
    bench.room.attach(screen);
    bench.join(timeline());
    bench.clock("e", CLOCK_SAMPLES_MIN - 1);
    expect(screen.views.every((view) => view === null)).toBe(true);
    bench.clock("e", CLOCK_SAMPLES_MIN);
    expect(screen.views.at(-1)?.timeline).toEqual(timeline());
    expect(bench.room.positionUs()).toBe(5e6);
  });

  it("lets the film run on by the old clock until the new hub's is known", () => {
    const bench = new Bench();
    const screen = new Screen();
    bench.room.attach(screen);
    bench.join(timeline());
    bench.clock("e", 20);
    bench.join(timeline({ epoch: "f", seq: 1, at_hub_us: 7 }));
    bench.clock("f", 2);
    expect(screen.views.at(-1)?.timeline.epoch).toBe("e");
    bench.clock("f", CLOCK_SAMPLES_MIN);
    expect(screen.views.at(-1)?.timeline.epoch).toBe("f");
  });

  it("reads nothing again when the hub sent what was missed, and everything when it could not", async () => {
    let asked = 0;
    let fails = false;
    const bench = new Bench(async () => {
      asked += 1;
      if (fails) throw new Error("offline");
      return { messages: [], anew: false };
    });
    const changed: ChangedEvent["noun"][] = [];
    bench.room.onChanged((event) => changed.push(event.noun));
    const again = async (resumed: boolean): Promise<void> => {
      bench.hear({ kind: "joined", frame: { ...joinedFrame, resumed } });
      await Promise.resolve();
    };
    // What changed between the page's first reads and the first join nobody told.
    bench.join();
    await Promise.resolve();
    expect([asked, changed.splice(0)]).toEqual([1, ["channel", "member", "queue", "report"]]);
    await again(true);
    expect([asked, changed]).toEqual([1, []]);
    await again(false);
    expect([asked, changed]).toEqual([2, ["channel", "member", "queue", "report"]]);
    // What could not be read is read at the next join, whatever the hub still had.
    fails = true;
    await again(false);
    fails = false;
    await again(true);
    expect(asked).toBe(4);
  });

  it("asks for the history after every join and merges it", async () => {
    let asked = 0;
    const old: RoomMessage = {
      id: "o",
      author: ada,
      text: "old",
      sent_at: "",
      playback_us: null,
      position: "2",
      delivery: "sent",
    };
    const bench = new Bench(async () => {
      asked += 1;
      return { messages: [old], anew: false };
    });
    bench.join();
    bench.hear({
      kind: "events",
      events: [{ e: "message", position: "5", message: { ...old, id: "n", text: "new" } }],
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(bench.state.messages.map((message) => message.text)).toEqual(["old", "new"]);
    bench.join();
    expect(asked).toBe(2);
  });

  it("reports once a second while a player is attached", () => {
    const bench = new Bench();
    bench.join();
    bench.time.run(2_500);
    expect(bench.reports()).toEqual([]);
    const detach = bench.room.attach(new Screen());
    bench.time.run(3_000);
    expect(bench.reports()).toHaveLength(3);
    expect(bench.reports()[0]).toEqual({ t: "report", state: "playing", error_us: 120, bound_us: 500, ready: null });
    detach();
    bench.time.run(3_000);
    expect(bench.reports()).toHaveLength(3);
  });

  it("forgets who was typing", () => {
    const bench = new Bench();
    bench.join();
    bench.hear({ kind: "events", events: [{ e: "typing", accounts: [ada], more: 0 }] });
    expect(bench.state.typing).toEqual([ada]);
    bench.time.run(6_000);
    expect(bench.state.typing).toEqual([]);
  });

  it("tells typing at most every two seconds", () => {
    const bench = new Bench();
    bench.join();
    for (let press = 0; press < 30; press += 1) {
      bench.room.typingNow();
      bench.time.run(100);
    }
    expect(bench.posted.filter((asked) => asked.kind === "tell" && asked.frame.t === "typing")).toHaveLength(2);
  });

  it("lets go of everything when closed", async () => {
    const bench = new Bench();
    const screen = new Screen();
    bench.join(timeline());
    bench.clock("e", 20);
    bench.room.attach(screen);
    const answer = bench.room.play();
    bench.room.close();
    expect(await answer).toMatchObject({ ok: false, code: "closed" });
    expect(screen.views.at(-1)).toBeNull();
    expect(bench.ended).toBe(true);
    expect(bench.state.status).toBe("closed");
  });

  it("tells each hearer what changed elsewhere, in order, until it stops listening", () => {
    const bench = new Bench();
    const heard: string[] = [];
    const stop = bench.room.onChanged(({ noun, position }) => heard.push(`${noun} ${position}`));
    const alsoHeard: string[] = [];
    bench.room.onChanged(({ account }) => alsoHeard.push(account ?? "everyone"));
    const changed = (noun: "channel" | "member" | "queue", position: string, account: string | null) =>
      ({ e: "changed", noun, position, account }) as const;
    bench.hear({ kind: "events", events: [changed("channel", "7", null), changed("member", "8", "2")] });
    expect(heard).toEqual(["channel 7", "member 8"]);
    expect(alsoHeard).toEqual(["everyone", "2"]);
    stop();
    bench.hear({ kind: "events", events: [changed("queue", "9", null)] });
    expect(heard).toEqual(["channel 7", "member 8"]);
    expect(alsoHeard).toEqual(["everyone", "2", "everyone"]);
  });

  it("says why it was denied and stops the player", () => {
    const bench = new Bench();
    const screen = new Screen();
    bench.join(timeline());
    bench.clock("e", 20);
    bench.room.attach(screen);
    bench.hear({ kind: "status", status: "denied", code: "not_permitted", message: "banned" });
    expect(bench.state.denied).toEqual({ code: "not_permitted", message: "banned" });
    expect(screen.views.at(-1)).toBeNull();
  });
});
