import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PART_ANSWER_MS, put } from "./put";

/** The browser's request, as far as it is used, in the test's hands. */
class Request {
  static last: Request;
  status = 0;
  aborted = false;
  headers: string[] = [];
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  constructor() {
    Request.last = this;
  }
  open(): void {}
  setRequestHeader(name: string): void {
    this.headers.push(name);
  }
  send(): void {}
  abort(): void {
    this.aborted = true;
  }
}

const STALL_MS = 20_000;

function start(): { result: Promise<unknown>; stop: AbortController; sent: number[] } {
  const [stop, sent]: [AbortController, number[]] = [new AbortController(), []];
  const headers = [
    { name: "Content-Type", value: "video/mp4" },
    { name: "Host", value: "store" },
  ];
  const progress = (bytes: number): void => void sent.push(bytes);
  const file = { size: 100 } as Blob;
  const result = put({ url: "/put", headers, file, signal: stop.signal, progress, answerMs: PART_ANSWER_MS });
  return { result, stop, sent };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("XMLHttpRequest", Request);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("counts a line as broken after twenty seconds without progress, and lets go of it", async () => {
  const { result, sent } = start();
  const request = Request.last;
  vi.advanceTimersByTime(STALL_MS - 1);
  request.upload.onprogress?.({ loaded: 50 });
  vi.advanceTimersByTime(STALL_MS - 1);
  expect(request.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(await result).toEqual({ ok: false, why: "broken", status: 0 });
  expect([request.aborted, sent]).toEqual([true, [50]]);
});

it("gives the store longer to answer once everything is sent", async () => {
  const { result } = start();
  const request = Request.last;
  request.upload.onprogress?.({ loaded: 100 });
  vi.advanceTimersByTime(PART_ANSWER_MS - 1);
  request.status = 200;
  request.onload?.();
  expect(await result).toEqual({ ok: true });
});

it("leaves alone the headers that only the browser sets, and tells a refusal with its status", async () => {
  const { result } = start();
  Request.last.status = 403;
  Request.last.onload?.();
  expect(await result).toEqual({ ok: false, why: "rejected", status: 403 });
  expect(Request.last.headers).toEqual(["Content-Type"]);
});

it("stops when it is told to", async () => {
  const { result, stop } = start();
  stop.abort();
  expect(await result).toEqual({ ok: false, why: "cancelled", status: 0 });
  expect(Request.last.aborted).toBe(true);
});
