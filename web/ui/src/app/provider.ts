// Setting out to the provider of sign-ins, and what pages say when a journey ended otherwise.

import { t } from "$src/i18n";
import type { Problem } from "./problems";

export interface Wish {
  readonly purpose: "sign_in" | "link" | "confirm";
  /** A path of this site, where the journey ends. */
  readonly returnTo: string;
  /** Of a registration link. */
  readonly token?: string | null;
  readonly password?: string;
}

interface Said {
  address?: string;
  to?: string;
  code?: string;
}

/** Leaves for the provider; comes back with a problem when that cannot be. */
export async function setOut(wish: Wish): Promise<Problem | null> {
  const said = await post("/auth/oidc/start", wish);
  if ("text" in said) return said;
  if (said.address === undefined) return { text: t.faults.missing, reference: null };
  location.assign(said.address);
  return null;
}

/** Registers whom the provider named under this name; where to go on to, or a problem. */
export async function chooseName(name: string): Promise<string | Problem> {
  const said = await post("/auth/oidc/name", { name });
  if ("text" in said) return said;
  return said.to ?? "/";
}

/** What a page says to a word in its address; a word that nobody here knows says no more than that it failed. */
export function journeyProblem(code: string | null): Problem | null {
  if (code === null) return null;
  return { text: t.refusals[code] ?? t.refusals["provider_refused"] ?? t.faults.title, reference: null };
}

async function post(path: string, body: object): Promise<Said | Problem> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return { text: t.faults.offline, reference: null };
  }
  const reference = answer.headers.get("x-request-id");
  const said = (await answer.json().catch(() => ({}))) as Said;
  if (answer.ok) return said;
  const known = said.code === undefined ? undefined : t.refusals[said.code];
  return known === undefined ? { text: t.faults.server, reference } : { text: known, reference: null };
}
