// Taking an action back, and the short message that offers it.

import { problem, refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { answered, request } from "$src/graphql/client";
import { Undo } from "$src/graphql/record";
import { record } from "$src/i18n/record";

/** How long a message offers to take an action back. */
export const OFFER_MS = 8_000;

/** Takes back the action at this position of the log; says how that went. */
export async function takeBack(channel: string, position: string): Promise<boolean> {
  try {
    const done = answered((await request(Undo, { input: { channel, position } })).undo);
    if (done.__typename === "Refused") {
      toasts.show(refusal(done), "bad");
      return false;
    }
    session.wrote(done.position);
    toasts.show(done.changed ? record.undone : record.alreadySo, "good");
    return true;
  } catch (cause) {
    toasts.show(problem(cause).text, "bad");
    return false;
  }
}

/** Offers for a while to take back what this line says. */
export function offer(channel: string, position: string, line: string, done: () => void): void {
  toasts.show(line, "plain", {
    label: record.undo,
    run: () => void takeBack(channel, position).then((taken) => taken && done()),
    lifeMs: OFFER_MS,
    kind: "undo",
  });
}
