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

/** The first pause before a subscription that the server refused is begun again; each is twice as long as the one before. */
const AGAIN_MS_FIRST = 2_000;
const AGAIN_MS_MAX = 60_000;

/**
 * Follows a subscription until the returned function is called, or the server says that it is over. After a reconnect, and
 * with another session, the server sends the start again; so it does when it refused for a while.
 */
export function subscribe<Result, Variables extends Record<string, unknown>>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  next: (data: Result) => void,
): () => void {
  let stopped = false;
  let stop = (): void => undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = AGAIN_MS_FIRST;
  const begin = (): void => {
    const mine = (client ??= connect());
    const again = (ms: number): void => {
      if (!stopped) timer = setTimeout(begin, ms);
    };
    void mine.then((ready) => {
      if (stopped) return;
      stop = ready.subscribe<Result>(
        // By its text: one is sent for each page, and asking again after a hash that is not known would cost more than it saves.
        { query: textOf(document), variables },
        {
          next: ({ data }) => {
            pause = AGAIN_MS_FIRST;
            if (data) next(data);
          },
          error: (cause) => {
            console.warn("a subscription was refused and is begun again", cause);
            again(client === mine ? pause : 0);
            pause = Math.min(2 * pause, AGAIN_MS_MAX);
          },
          // Over, unless it ended with the socket of an earlier session.
          complete: () => client !== mine && again(0),
        },
      );
    });
  };
  begin();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stop();
  };
}

/** Closes the socket, so that the next subscription is made with the present session cookie. */
export function resetSubscriptions(): void {
  const old = client;
  client = null;
  void old?.then((ready) => ready.dispose());
}
