import { expect, test, vi } from "vitest";
import { session } from "$src/app/session.svelte";
import type { ChangedEvent } from "$src/sync/protocol";
import type { Room } from "$src/sync/room";
import { MemberList } from "./manage/memberList.svelte";
import { QueueStore } from "./queue.svelte";
import { Standing } from "./standing.svelte";

/** From when on each read was to show the channel. */
const asked: (string | null)[] = [];
/** Commands and what answers them. */
const sent: (() => void)[] = [];
let fails = false;
let page: object | null = null;

interface Variables {
  readonly minPosition: string | null;
  readonly input?: unknown;
}

vi.mock("$src/graphql/client", () => ({
  request: async (_: unknown, { minPosition, input }: Variables) => {
    if (input)
      return new Promise((resolve) => sent.push(() => resolve({ done: { __typename: "Changed", position: "120" } })));
    asked.push(minPosition);
    if (fails) throw new Error("offline");
    return { channel: page && { memberPage: page } };
  },
  answered: (answer: unknown) => answer,
  Fault: class extends Error {
    readonly reference = null;
    constructor(readonly kind: string) {
      super(kind);
    }
  },
}));

function changed(position: string): ChangedEvent {
  return { e: "changed", noun: "member", position, account: null };
}

test("what is read shows everything heard of, also after an answer that comes late", async () => {
  let tell = (_: ChangedEvent): void => undefined;
  const room = { onChanged: (hear: typeof tell) => ((tell = hear), () => undefined) };
  const standing = new Standing("1", room as unknown as Room);
  tell(changed("110"));
  expect(standing.position).toBe("110");
  // Written before the change that was heard of, answered after it.
  await standing.done(Promise.resolve({ __typename: "Changed", position: "105" }));
  expect([standing.position, session.position, asked.splice(0)]).toEqual(["110", "105", [null, "110"]]);
  session.wrote("1000");
  session.wrote("999");
  expect(standing.position).toBe("1000");
  standing.close();
});

test("a queue that is read anew shows no less than before", async () => {
  const queue = new QueueStore(
    "1",
    () => undefined,
    () => null,
  );
  await queue.read("110");
  await queue.read(null);
  await queue.read("99");
  expect(asked).toEqual(["110", "110", "110"]);
});

test("a film of the queue is put on once, however often that is asked for while it is", async () => {
  asked.length = 0;
  const queue = new QueueStore(
    "1",
    () => undefined,
    () => null,
  );
  const first = queue.playNow("a");
  expect(await queue.playNow("b")).toBe(false);
  expect(sent).toHaveLength(1);
  sent[0]?.();
  expect(await first).toBe(true);
  void queue.playNow("b");
  expect(sent).toHaveLength(2);
});

test("a standing that could not be read is read again, as long as the channel is open", async () => {
  vi.useFakeTimers();
  asked.length = 0;
  fails = true;
  const standing = new Standing("1", { onChanged: () => () => undefined } as unknown as Room);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(2);
  standing.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(2);
  vi.useRealTimers();
});

test("a list that cannot be read says so, and an answer that was overtaken changes nothing", async () => {
  fails = false;
  const list = new MemberList("1", "ASKING", () => null);
  await list.read();
  expect([list.loaded, list.trouble === null]).toEqual([false, false]);
  fails = true;
  const late = list.read();
  fails = false;
  page = { nodes: [{ account: { id: "2", name: "Grace" } }], hasMore: false, endCursor: null };
  await Promise.all([late, list.read()]);
  expect([list.loaded, list.trouble, list.rows.length]).toEqual([true, null, 1]);
});
