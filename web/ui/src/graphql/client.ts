// One request to /graphql. Refusals are part of the answer (unions); only faults are thrown, as `Fault`.

import type { TadaDocumentNode } from "gql.tada";
import { textOf } from "./document";

export type FaultKind = "offline" | "server" | "signedOut" | "busy" | "missing";

/** Kinds of the server's error codes; every other code is `server`. */
const KINDS: Record<string, FaultKind> = { signed_out: "signedOut", behind: "busy", unavailable: "busy" };

/** The request got no usable answer. `reference` is the server's request id, to be copied into a report. */
export class Fault extends Error {
  constructor(
    readonly kind: FaultKind,
    readonly reference: string | null = null,
    detail = "",
  ) {
    super(detail || kind);
  }
}

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; path?: unknown; extensions?: { requestId?: string; code?: string } }[];
}

/** Sends a document. Data beats errors: a nullable field that faulted is `null` for the caller to handle. */
export async function send<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<{ data: Result; headers: Headers }> {
  const body = JSON.stringify({ query: textOf(document), variables });
  const headers = { "content-type": "application/json", accept: "application/json" };
  let response: Response;
  let answer: Answer<Result>;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers,
      body,
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Fault("offline", null, String(cause));
  }
  const reference = response.headers.get("x-request-id");
  try {
    answer = (await response.json()) as Answer<Result>;
  } catch {
    throw new Fault(response.status === 401 ? "signedOut" : "server", reference, `HTTP ${response.status}`);
  }
  const first = answer.errors?.[0];
  if (first && !hasData(answer.data)) {
    const { code = "", requestId } = first.extensions ?? {};
    throw new Fault(KINDS[code] ?? "server", requestId ?? reference, first.message);
  }
  if (!answer.data) throw new Fault("server", reference, `HTTP ${response.status}`);
  return { data: answer.data, headers: response.headers };
}

/** `send` for a caller that only wants the data. */
export async function request<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  return (await send(document, variables, signal)).data;
}

/** The payload of a mutation; a root field that faulted is `null` and becomes a `Fault`. */
export function answered<T>(payload: T | null | undefined): T {
  if (payload === null || payload === undefined) throw new Fault("missing");
  return payload;
}

function hasData(data: unknown): boolean {
  return typeof data === "object" && data !== null && Object.values(data).some((value) => value !== null);
}
