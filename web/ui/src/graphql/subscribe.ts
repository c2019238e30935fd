// Subscriptions over graphql-transport-ws. The library is loaded with the first subscription; it reconnects by itself.

import type { TadaDocumentNode } from "gql.tada";
import type { Client } from "graphql-ws";
import { textOf } from "./document";

let client: Promise<Client> | null = null;

async function connect(): Promise<Client> {
  const { createClient } = await import("graphql-ws");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return createClient({
    url: `${scheme}//${location.host}/graphql`,
    lazy: true,
    lazyCloseTimeout: 5_000,
    keepAlive: 12_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
  });
}

/** Follows a subscription until the returned function is called. After a reconnect the server sends the start again. */
export function subscribe<Result, Variables extends Record<string, unknown>>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  next: (data: Result) => void,
): () => void {
  let stopped = false;
  let stop = (): void => undefined;
  client ??= connect();
  void client.then((ready) => {
    if (stopped) return;
    stop = ready.subscribe<Result>(
      // By its text: one is sent for each page, and asking again after a hash that is not known would cost more than it saves.
      { query: textOf(document), variables },
      {
        next: ({ data }) => data && next(data),
        error: (cause) => console.warn("subscription ended", cause),
        complete: () => undefined,
      },
    );
  });
  return () => {
    stopped = true;
    stop();
  };
}

/** Closes the socket, so that the next subscription is made with the present session cookie. */
export function resetSubscriptions(): void {
  const old = client;
  client = null;
  void old?.then((ready) => ready.dispose());
}
