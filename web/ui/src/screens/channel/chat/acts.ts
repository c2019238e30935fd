// What somebody does to a message: how is loaded with the first act.

import { problem } from "$src/app/problems";
import { toasts } from "$src/app/toasts.svelte";

type Acts = typeof import("./actions");

/** Called after each act that was done. */
export const hearers = new Set<() => void>();

/** Whether it was done; a refusal, or that it could not be asked, is told. */
export async function act(what: (acts: Acts) => Promise<boolean>): Promise<boolean> {
  try {
    const done = await what(await import("./actions"));
    if (done) for (const hear of hearers) hear();
    return done;
  } catch (cause) {
    toasts.show(problem(cause).text, "bad");
    return false;
  }
}
