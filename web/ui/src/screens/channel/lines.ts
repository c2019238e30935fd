// A shared action as a sentence. Pure.

import { clock } from "$src/format";
import { t } from "$src/i18n";
import type { Activity } from "$src/sync/room";

/** For example “Ada paused at 12:03”. */
export function lineOf({ verb, actor, at_us }: Pick<Activity, "verb" | "actor" | "at_us">): string {
  return t.activity[verb](actor?.name || t.app.unnamed, clock(at_us));
}
