// Taking an action back, and the short message that offers it.

import { problem, refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { answered, request } from "$src/graphql/client";
import { Undo, type Action } from "$src/graphql/record";
import { t } from "$src/i18n";
import { lineOf } from "./said";

/** How long a message offers to take an action back. */
export const OFFER_MS = 8_000;

/** Takes the action back; says how that went. */
export async function takeBack(channel: string, action: Action): Promise<boolean> {
  try {
    const done = answered((await request(Undo, { input: { channel, position: action.position } })).undo);
    if (done.__typename === "Refused") {
      toasts.show(refusal(done), "bad");
      return false;
    }
    session.wrote(done.position);
    toasts.show(done.changed ? t.record.undone : t.record.alreadySo, "good");
    return true;
  } catch (cause) {
    toasts.show(problem(cause).text, "bad");
    return false;
  }
}

/** Offers to take the action back for a while. */
export function offer(channel: string, action: Action, done: () => void): void {
  toasts.show(lineOf(action), "plain", {
    label: t.record.undo,
    run: () => void takeBack(channel, action).then((taken) => taken && done()),
    lifeMs: OFFER_MS,
  });
}
