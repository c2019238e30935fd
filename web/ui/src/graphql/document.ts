// GraphQL documents: checked by the compiler against the schema (gql.tada), plain text at run time, so that no parser is shipped.

import type { initGraphQLTada } from "gql.tada";
import type { introspection } from "./env";

type Graphql = ReturnType<
  typeof initGraphQLTada<{
    introspection: introspection;
    disableMasking: true;
    scalars: { Position: string; DateTime: string; UUID: string };
  }>
>;

interface Parts {
  readonly source: string;
  readonly fragments: readonly Parts[];
}

/** Writes a document or a fragment; the fragments it uses follow as an array. */
export const graphql = ((source: string, fragments: readonly Parts[] = []): Parts => ({
  source,
  fragments,
})) as unknown as Graphql;

/** The text to send: the document and each fragment it needs, once. */
export function textOf(document: unknown): string {
  const all = new Set<Parts>();
  const collect = (parts: Parts): void => {
    if (all.has(parts)) return;
    all.add(parts);
    parts.fragments.forEach(collect);
  };
  collect(document as Parts);
  return Array.from(all, (parts) => parts.source.replace(/\s+/g, " ").trim()).join(" ");
}

/** The SHA-256 of a text, in hexadecimal; `null` where the browser has none: plain http away from this machine. */
async function hashOf(text: string): Promise<string | null> {
  const { subtle } = crypto as Partial<Crypto>;
  if (!subtle) return null;
  const bytes = new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The body that asks for a document: its hash, and its text only when the server does not know it, or there is no hash. */
export async function bodyOf(text: string, variables: unknown, withText: boolean): Promise<string> {
  const sha256Hash = await hashOf(text);
  return JSON.stringify({
    query: withText || !sha256Hash ? text : undefined,
    operationName: /^\w+ (\w+)/.exec(text)?.[1],
    variables,
    extensions: sha256Hash ? { persistedQuery: { version: 1, sha256Hash } } : undefined,
  });
}

/** The server's code for a hash that it does not know: it wants the text. */
export const UNKNOWN_HASH = "PERSISTED_QUERY_NOT_FOUND";
