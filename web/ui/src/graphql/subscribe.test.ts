import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StatusQuery } from "./documents";
import { resetSubscriptions, subscribe } from "./subscribe";

interface Sink {
  next: (answer: { data: unknown }) => void;
  error: (cause: unknown) => void;
  complete: () => void;
}

/** What was subscribed to, client by client. */
const clients: Sink[][] = [];

vi.mock("graphql-ws", () => ({
  createClient: () => {
    const sinks: Sink[] = [];
    clients.push(sinks);
    return {
      subscribe: (_: unknown, sink: Sink) => {
        sinks.push(sink);
        return () => sink.complete();
      },
      dispose: () => sinks.at(-1)?.complete(),
    };
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("location", { protocol: "https:", host: "films.example" });
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  clients.length = 0;
});
afterEach(() => {
  resetSubscriptions();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** How many subscriptions each client was asked for. */
const begun = (): number[] => clients.map((sinks) => sinks.length);
const last = (): Sink | undefined => clients.at(-1)?.at(-1);

test("what the server refuses is begun again, each time later, until it answers", async () => {
  const heard: unknown[] = [];
  const stop = subscribe(StatusQuery, {}, (data) => heard.push(data));
  await vi.advanceTimersByTimeAsync(0);
  for (const [index, pause_ms] of [2_000, 4_000].entries()) {
    last()?.error([{ message: "behind" }]);
    await vi.advanceTimersByTimeAsync(pause_ms - 1);
    expect(begun()).toEqual([index + 1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun()).toEqual([index + 2]);
  }
  last()?.next({ data: 7 });
  last()?.error(new Error("closed"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect([begun(), heard]).toEqual([[4], [7]]);
  last()?.error(new Error("closed"));
  stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(begun()).toEqual([4]);
});

test("what is over stays so, and what ends with a session is begun again with the next one", async () => {
  const stop = subscribe(StatusQuery, {}, () => undefined);
  await vi.advanceTimersByTimeAsync(0);
  resetSubscriptions();
  await vi.advanceTimersByTimeAsync(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun()).toEqual([1, 1]);
  last()?.complete();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(begun()).toEqual([1, 1]);
  stop();
});
