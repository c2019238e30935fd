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
