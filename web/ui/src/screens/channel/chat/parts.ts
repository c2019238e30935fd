// A message's text as parts to be shown: plain words, links, and names of people it speaks to. Pure; never HTML.

export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string; readonly host: string }
  | { readonly kind: "mention"; readonly text: string; readonly me: boolean };

/** Addresses of these kinds become links, and nothing else does. */
const ADDRESS = /https?:\/\/[^\s<>"'`]+/gi;
/** What ends a sentence does not belong to an address. */
const TRAILING = /[.,:;!?)\]}]+$/;

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** The parts of a text. `mentioned`: the people it speaks to, with the names they are known by here. */
export function partsOf(text: string, mentioned: readonly Named[], me: string | null): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    const link = linkOf(address);
    if (link === null) continue;
    parts.push(...names(text.slice(at, match.index), mentioned, me), link);
    at = match.index + address.length;
  }
  parts.push(...names(text.slice(at), mentioned, me));
  return parts;
}

function linkOf(address: string): Part | null {
  try {
    const url = new URL(address);
    const web = url.protocol === "https:" || url.protocol === "http:";
    // A name before the host would make one host look like another.
    if (!web || url.username !== "" || url.password !== "") return null;
    return { kind: "link", text: address, href: url.href, host: url.host };
  } catch {
    return null;
  }
}

function names(text: string, mentioned: readonly Named[], me: string | null): Part[] {
  const known = mentioned.filter(({ name }) => name !== "").sort((a, b) => b.name.length - a.name.length);
  const parts: Part[] = [];
  let plain = "";
  for (let at = 0; at < text.length;) {
    const named = text[at] === "@" ? known.find(({ name }) => text.startsWith(name, at + 1)) : undefined;
    if (named === undefined) {
      plain += text[at];
      at += 1;
      continue;
    }
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
    parts.push({ kind: "mention", text: `@${named.name}`, me: named.id === me });
    at += named.name.length + 1;
  }
  if (plain !== "") parts.push({ kind: "text", text: plain });
  return parts;
}

/** Of the people picked, those the text still names. */
export function stillNamed(text: string, picked: readonly Named[]): string[] {
  return [...new Set(picked.filter(({ name }) => text.includes(`@${name}`)).map(({ id }) => id))].slice(0, 10);
}

/** The word after the `@` that is being written at the caret; `null` when none is. */
export function mentionAt(text: string, caret: number): { readonly from: number; readonly word: string } | null {
  const before = text.slice(0, caret);
  const from = before.lastIndexOf("@");
  if (from < 0 || (from > 0 && !/\s/.test(before[from - 1] ?? " "))) return null;
  const word = before.slice(from + 1);
  return word.length > 40 || word.includes("\n") ? null : { from, word };
}
