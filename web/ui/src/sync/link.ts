// The window's end of the connection: in a worker where there are workers, else right here.

import { createClock, shimOfPage } from "./clock";
import { Connection, type FromLink, type Target, type ToLink } from "./connection";
import { openSocket } from "./socket";
import { realTimers } from "./timers";
import type { WorkerStart } from "./worker";

export interface Link {
  post(asked: ToLink): void;
  /** Ends it; nothing is told afterwards. */
  end(): void;
}

export type OpenLink = (target: Target, hear: (told: FromLink) => void) => Link;

/** A connection in this thread. */
export const openInline: OpenLink = (target, hear) => {
  const connection = new Connection(target, {
    clock: createClock(shimOfPage()),
    timers: realTimers,
    random: Math.random,
    open: openSocket,
    emit: hear,
  });
  connection.start();
  return { post: (asked) => connection.handle(asked), end: () => connection.handle({ kind: "close" }) };
};

/** A connection in its own worker; should the worker not load, one in this thread. */
export const openLink: OpenLink = (target, hear) => {
  if (typeof Worker === "undefined") return openInline(target, hear);
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "lockstep-sync" });
  let inline: Link | null = null;
  let heard = false;
  let ended = false;
  worker.onmessage = ({ data }: { data: FromLink }) => {
    heard = true;
    if (!ended) hear(data);
  };
  worker.onerror = () => {
    if (heard || ended || inline !== null) return;
    worker.terminate();
    inline = openInline(target, hear);
  };
  const start: WorkerStart = { kind: "start", target, shim: shimOfPage() };
  worker.postMessage(start);
  return {
    post(asked) {
      if (inline !== null) inline.post(asked);
      else worker.postMessage(asked);
    },
    end() {
      ended = true;
      inline?.end();
      // The close frame is sent before the thread goes.
      worker.postMessage({ kind: "close" } satisfies ToLink);
      setTimeout(() => worker.terminate(), 200);
    },
  };
};
