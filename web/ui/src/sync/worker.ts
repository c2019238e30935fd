// The dedicated worker: one connection, spoken to by messages. Nothing is decided here.

import { createClock, type ClockShim } from "./clock";
import { Connection, type FromLink, type Target, type ToLink } from "./connection";
import { openSocket } from "./socket";
import { realTimers } from "./timers";

/** The first message: whom to call, and the page's clock. */
export interface WorkerStart {
  readonly kind: "start";
  readonly target: Target;
  readonly shim: ClockShim;
}

interface WorkerScope {
  onmessage: ((event: { data: WorkerStart | ToLink }) => void) | null;
  postMessage(told: FromLink): void;
}

const scope = globalThis as unknown as WorkerScope;
let connection: Connection | null = null;

scope.onmessage = ({ data }) => {
  if (data.kind === "start") {
    connection = new Connection(data.target, {
      clock: createClock(data.shim),
      timers: realTimers,
      random: Math.random,
      open: openSocket,
      emit: (told) => scope.postMessage(told),
    });
    connection.start();
    return;
  }
  connection?.handle(data);
};
