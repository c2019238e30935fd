// The permissions this application shows: those whose actions it offers.

import type { Permission } from "$src/graphql/channels";
import { t } from "$src/i18n";

/** Known to the server, and nothing here asks for them yet: a box that changes nothing would mislead. */
const WITHOUT_EFFECT: ReadonlySet<Permission> = new Set<Permission>([
  "CHANGE_RATE",
  "QUEUE_ADD",
  "QUEUE_REMOVE",
  "QUEUE_REORDER",
  "VOTE",
  "REACT",
  "SLOW_MODE",
  "REDACT",
  "PIN",
]);

export const OFFERED: readonly Permission[] = (Object.keys(t.channels.permissions) as Permission[]).filter(
  (permission) => !WITHOUT_EFFECT.has(permission),
);
