// Becoming a guest by a name: what every door of a channel does for whoever is not signed in.

import { answered, request } from "$src/graphql/client";
import { JoinAsGuest } from "$src/graphql/documents";
import { refusal, type Problem } from "./problems";
import { session } from "./session.svelte";
import { remember } from "./settings";

/** Signs a guest in and remembers the name for the next door; the refusal, or null when it worked. Throws a `Fault`. */
export async function admitGuest(name: string): Promise<Problem | null> {
  const guest = answered((await request(JoinAsGuest, { input: { name } })).joinAsGuest);
  if (guest.__typename === "Refused") return { text: refusal(guest), reference: null };
  remember("name", name);
  session.signedIn(guest.account, guest.position);
  return null;
}
