// A connection in the window's own thread, for browsers whose worker does not load. Few need it: it is fetched then.

import { createClock, shimOfPage } from "./clock";
import { Connection } from "./connection";
import type { OpenLink } from "./link";
import { openSocket } from "./socket";
import { realTimers } from "./timers";

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
