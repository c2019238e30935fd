// One request to /graphql. Refusals are part of the answer (unions); only faults are thrown, as `Fault`. A document is sent
// by its hash, and what the server refuses for now is sent again when it says so.

import type { TadaDocumentNode } from "gql.tada";
import { waiting } from "$src/app/waiting.svelte";
import { bodyOf, textOf, UNKNOWN_HASH } from "./document";
import { Patience } from "./patience";

export type FaultKind = "offline" | "server" | "signedOut" | "busy" | "missing" | "tooMany" | "stale";

/** Kinds of the server's error codes; every other code is `server`. */
const KINDS: Record<string, FaultKind> = {
  signed_out: "signedOut",
  behind: "busy",
  unavailable: "busy",
  rate_limited: "tooMany",
  // These pages are not those of the server any more.
  DOCUMENT_NOT_TRUSTED: "stale",
};

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

/** The one for all requests of this page. */
const patience = new Patience(
  {
    now: () => performance.now(),
    chance: () => Math.random(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true });
      }),
  },
  (why, until) => waiting.tell(why, until),
);

/** Sends a document. Data beats errors: a nullable field that faulted is `null` for the caller to handle. */
export async function send<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<{ data: Result; headers: Headers }> {
  const text = textOf(document);
  const again = hasOneEffect(text, variables);
  let withText = false;
  for (let tries = 1; ; tries += 1) {
    await patience.ready(signal);
    const response = await post(await bodyOf(text, variables, withText), signal);
    if (patience.refused(response.status, response.headers.get("retry-after"), tries) && again) continue;
    const answer = await read<Result>(response);
    // Documents are known where the pages come from; a server of another version may not know this one.
    if (!withText && answer.errors?.[0]?.extensions?.code === UNKNOWN_HASH) withText = true;
    else return result(response, answer);
  }
}

/** Whether a request that may have been run has no other effect when it is sent again. */
function hasOneEffect(text: string, variables: unknown): boolean {
  const input = (variables as { input?: { operationId?: unknown } }).input;
  return text.startsWith("query ") || typeof input?.operationId === "string";
}

async function post(body: string, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch("/graphql", {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json", accept: "application/json" },
      body,
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Fault("offline", null, String(cause));
  }
}

async function read<Result>(response: Response): Promise<Answer<Result>> {
  try {
    return (await response.json()) as Answer<Result>;
  } catch {
    const reference = response.headers.get("x-request-id");
    throw new Fault(response.status === 401 ? "signedOut" : "server", reference, `HTTP ${response.status}`);
  }
}

function result<Result>(response: Response, answer: Answer<Result>): { data: Result; headers: Headers } {
  const reference = response.headers.get("x-request-id");
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
