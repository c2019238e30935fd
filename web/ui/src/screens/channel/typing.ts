// Who is writing, as one line: a few names and a number. Pure.

import { t } from "$src/i18n";
import type { Account } from "$src/sync/protocol";

const NAMES_MAX = 3;

/** The line below the chat; empty when nobody but this viewer types. */
export function typingLine(accounts: readonly Account[], more: number, me: string | null): string {
  const others = accounts.filter((account) => account.id !== me);
  const names = others.slice(0, NAMES_MAX).map((account) => account.name || t.app.unnamed);
  return t.presence.typing(names, others.length + more);
}
