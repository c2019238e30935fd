// A viewer cut off at random, over and over: in the end every message once, in the order of the log, as it is now.

import { describe, expect, it } from "vitest";
import type { FromLink } from "./connection";
import type { RoomEvent } from "./protocol";
import { type Ask, createRoom, type History, type Reaction, type RoomMessage } from "./room";
import { dice, VirtualTime } from "./testing";

const me = { id: "me", name: "Ada" };
const other = { id: "other", name: "Ben" };
const ROUNDS = 60;
const STEPS = 160;
const EMOJI = ["A", "B"];

interface Row {
  id: string;
  position: number;
  changed: number;
  text: string;
  edited: boolean;
  redacted: boolean;
  pinned: boolean;
  by: Map<string, Set<string>>;
}

/** The log and its read model: positions are dense, and each event is told as the hub tells it. */
class World {
  readonly events: { position: number; event: RoomEvent }[] = [];
  readonly rows: Row[] = [];
  private head = 8;

  constructor(private readonly random: () => number) {}

  get through(): number {
    return this.head;
  }
  private pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)];
  }

  happen(): void {
    this.head += 1;
    const row = this.pick(this.rows.filter((one) => !one.redacted));
    const dies = this.random();
    if (row === undefined || dies < 0.4) return this.say();
    let reacted: { account: string; emoji: string; on: boolean } | null = null;
    if (dies < 0.6) {
      row.text = `${row.id} edited at ${this.head}`;
      row.edited = true;
    } else if (dies < 0.65) {
      Object.assign(row, { redacted: true, text: "", pinned: false });
      row.by.clear();
    } else if (dies < 0.7) row.pinned = !row.pinned;
    else {
      const [account, emoji] = [this.random() < 0.5 ? me.id : other.id, this.pick(EMOJI) ?? "A"];
      const by = row.by.get(emoji) ?? new Set();
      const on = !by.delete(account);
      if (on) row.by.set(emoji, by.add(account));
      if (by.size === 0) row.by.delete(emoji);
      reacted = { account, emoji, on };
    }
    row.changed = this.head;
    const view = {
      id: row.id,
      text: row.redacted ? null : row.text,
      edited: row.edited,
      redacted: row.redacted ? { by: other, reason: null } : null,
      reactions: [...row.by].map(([emoji, by]) => ({ emoji, count: by.size })),
      pinned: row.pinned,
      reacted,
    };
    this.tell({ e: "message_changed", position: String(this.head), message: view });
  }

  private say(): void {
    const id = `m${this.rows.length}`;
    const row = { id, position: this.head, changed: this.head, text: id, edited: false, redacted: false, pinned: false };
    this.rows.push({ ...row, by: new Map() });
    const message = { id, author: other, text: id, sent_at: "2026-11-22T10:00:00Z", playback_us: null };
    this.tell({ e: "message", position: String(this.head), message });
  }
  private tell(event: RoomEvent): void {
    this.events.push({ position: this.head, event });
  }

  /** What the read side answers: for all of the gap, as rows are now. */
  read({ after }: Ask, changesMax: number): History {
    const from = after === null ? null : Number(after);
    const changed = this.rows.filter((row) => row.changed > (from ?? 0));
    const anew = from === null || changed.length > changesMax;
    return { messages: (anew ? this.rows : changed).map(shown), anew };
  }
}

function shown(row: Row): RoomMessage {
  const reactions: Reaction[] = [...row.by].map(([emoji, by]) => ({ emoji, count: by.size, mine: by.has(me.id) }));
  return {
    id: row.id,
    author: other,
    text: row.text,
    sent_at: "2026-11-22T10:00:00Z",
    playback_us: null,
    position: String(row.position),
    delivery: "sent",
    changed: String(row.changed),
    edited: row.edited,
    redacted: row.redacted ? { by: other, reason: null } : null,
    pinned: row.pinned,
    reactions,
  };
}

/** What matters of a message. */
function gist(message: RoomMessage) {
  const { id, text, edited = false, pinned = false, position } = message;
  const reactions = [...(message.reactions ?? [])].sort((a, b) => (a.emoji < b.emoji ? -1 : 1));
  return { id, text, edited, pinned, position, redacted: message.redacted != null, reactions };
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1) await Promise.resolve();
}

async function round(seed: number): Promise<void> {
  const random = dice(seed);
  const [world, time] = [new World(random), new VirtualTime()];
  let hear: (told: FromLink) => void = () => undefined;
  const answers: (() => void)[] = [];
  const room = createRoom({
    channelId: "c",
    visitId: "v",
    url: "ws://hub/sync",
    clock: time,
    timers: time,
    // Answers come late and in any order, after more has happened, or never.
    history: (ask) =>
      new Promise((resolve, reject) => {
        // What is read may be as old as the join it was asked for.
        const early = random() < 0.5 ? world.read(ask, 12) : null;
        answers.push(() => (random() < 0.3 ? reject(new Error("no answer")) : resolve(early ?? world.read(ask, 12))));
      }),
    open: (_target, told) => {
      hear = told;
      return { post: () => undefined, end: () => undefined };
    },
  });
  let told: number | null = null;
  /** The last position the hub delivered. */
  let reached: number | null = null;
  const join = (): void => {
    hear({ kind: "status", status: "online", code: null, message: null });
    const account = { ...me, role: "member" as const };
    hear({ kind: "hello", frame: { t: "hello", epoch: "e", session: "s", now_us: 0, account } });
    // Sometimes the hub still has all that came after what it last delivered, and sends that first.
    const resumed = reached !== null && random() < 0.5;
    told = resumed ? reached : world.through;
    reached = told;
    const position = String(world.through);
    const nobody = { seat: "s", people: 1, members: [] };
    hear({ kind: "joined", frame: { t: "joined", channel: "c", position, timeline: null, resumed, ...nobody } });
  };
  const deliver = (most: number): void => {
    const from = told;
    if (from === null) return;
    const batch = world.events.filter(({ position }) => position > from).slice(0, most);
    const last = batch.at(-1);
    if (last === undefined) return;
    told = last.position;
    reached = told;
    hear({ kind: "events", events: batch.map(({ event }) => event) });
  };
  const cut = (): void => {
    told = null;
    hear({ kind: "status", status: "reconnecting", code: null, message: null });
  };
  const answer = (): void => {
    const [one] = answers.splice(Math.floor(random() * answers.length), 1);
    one?.();
  };
  join();
  for (let step = 0; step < STEPS; step += 1) {
    const dies = random();
    if (dies < 0.45) world.happen();
    else if (dies < 0.65) deliver(1 + Math.floor(random() * 4));
    else if (dies < 0.75) answer();
    else if (dies < 0.8) time.run(3_000);
    else if (dies < 0.9) cut();
    else if (told === null) join();
    await ticks(4);
  }
  if (told === null) join();
  for (let wait = 0; wait < 80; wait += 1) {
    while (answers.length > 0) answer();
    await ticks(4);
    time.run(3_000);
    await ticks(4);
  }
  deliver(Number.POSITIVE_INFINITY);
  let messages: readonly RoomMessage[] = [];
  room.subscribe((state) => (messages = state.messages))();
  expect(messages.map(gist), `seed ${seed}`).toEqual(world.rows.map(shown).map(gist));
  room.close();
}

describe("coming back after a cut", () => {
  it("shows every message once, in the order of the log, as it is now, whatever was missed", async () => {
    for (let seed = 1; seed <= ROUNDS; seed += 1) await round(seed);
  });
});
