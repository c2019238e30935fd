// From an error or a refusal to a sentence for a person.

import { Fault } from "$src/graphql/client";
import { t } from "$src/i18n";

export interface Problem {
  readonly text: string;
  /** The server's request id, for a report. */
  readonly reference: string | null;
}

/** A fault in words. */
export function problem(cause: unknown): Problem {
  if (cause instanceof Fault) return { text: t.faults[cause.kind], reference: cause.reference };
  return { text: t.faults.server, reference: null };
}

/** A refusal in words: ours for the codes we know, else the server's own sentence. */
export function refusal({ code, message }: { code: string; message: string }): string {
  const known = t.refusals[code.toLowerCase()];
  if (known) return known;
  const sentence = message.trim() || t.faults.title;
  const first = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
