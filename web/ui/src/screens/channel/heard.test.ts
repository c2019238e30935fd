import { expect, test, vi } from "vitest";
import { session } from "$src/app/session.svelte";
import type { ChangedEvent } from "$src/sync/protocol";
import type { Room } from "$src/sync/room";
import { QueueStore } from "./queue.svelte";
import { Standing } from "./standing.svelte";

/** From when on each read was to show the channel. */
const asked: (string | null)[] = [];

vi.mock("$src/graphql/client", () => ({
  request: async (_: unknown, { minPosition }: { minPosition: string | null }) => {
    asked.push(minPosition);
    return { channel: null };
  },
  answered: (answer: unknown) => answer,
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
