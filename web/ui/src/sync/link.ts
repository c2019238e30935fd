// The window's end of the connection: in a worker where there are workers, else right here.

import { shimOfPage } from "./clock";
import type { FromLink, Target, ToLink } from "./connection";
import type { WorkerStart } from "./worker";

export interface Link {
  post(asked: ToLink): void;
  /** Ends it; nothing is told afterwards. */
  end(): void;
}

export type OpenLink = (target: Target, hear: (told: FromLink) => void) => Link;

/** What is asked while the connection of this thread is fetched is kept, up to this much; the rest is lost as on a bad line. */
const KEPT_MAX = 64;

/** A connection in this thread, once its code is here. */
function openHere(target: Target, hear: (told: FromLink) => void): Link {
  let link: Link | null = null;
  let kept: ToLink[] = [];
  let ended = false;
  void import("./inline").then(({ openInline }) => {
    if (ended) return;
    link = openInline(target, hear);
    for (const asked of kept) link.post(asked);
    kept = [];
  });
  return {
    post(asked) {
      if (link !== null) link.post(asked);
      else if (kept.length < KEPT_MAX) kept.push(asked);
    },
    end() {
      ended = true;
      link?.end();
    },
  };
}

/** A connection in its own worker; should the worker not load, one in this thread. */
export const openLink: OpenLink = (target, hear) => {
  if (typeof Worker === "undefined") return openHere(target, hear);
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
    inline = openHere(target, hear);
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
