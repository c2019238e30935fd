// One file of the tray and where it stands.

import { newId } from "$src/sync/ids";
import type { FileHandle } from "./handles";
import { isOver } from "./ladder";
import { bytesOf, lengthOf, squares, type Plan } from "./plan";
import type { watch } from "./watch.svelte";

/** Title length the server takes. */
const TITLE_CHARS_MAX = 200;

export type Phase =
  | "checking"
  | "refused"
  | "duplicate"
  | "waiting"
  | "sending"
  | "paused"
  | "offline"
  | "confirming"
  | "processing"
  | "failed"
  | "cancelled";

export class Upload {
  readonly id = newId();
  phase: Phase = $state("checking");
  sentBytes = $state(0);
  bytesPerS: number | null = $state(null);
  etaS: number | null = $state(null);
  /** Why it was refused or failed, for a person. */
  reason = $state("");
  /** What became of the same file, when it was sent before. */
  twin: "arrived" | "running" | null = $state(null);
  retryable = $state(false);
  video: string | null = $state(null);
  /** The part map, 0 to 1 each; empty for a file that is sent whole. */
  map: number[] = $state.raw([]);
  /** Parts the store has. */
  arrived = $state(0);
  contentType = "";
  fingerprint: string | null = null;
  /** The same file is there and it is to be uploaded all the same. */
  again = false;
  plan: Plan | null = $state.raw(null);
  abort = new AbortController();
  following: ReturnType<typeof watch> | null = $state.raw(null);
  #received = new Set<number>();
  #flying = new Map<number, number>();

  constructor(
    readonly file: File,
    readonly handle: FileHandle | null = null,
  ) {}

  get title(): string {
    return (
      this.file.name
        .replace(/\.[^.]+$/, "")
        .trim()
        .slice(0, TITLE_CHARS_MAX) || this.file.name
    );
  }
  get percent(): number {
    return this.file.size === 0 ? 0 : Math.min(100, Math.floor((this.sentBytes * 100) / this.file.size));
  }
  get moving(): boolean {
    return ["waiting", "sending", "offline", "confirming"].includes(this.phase);
  }
  /** Whether it can be given up: the store has not got all of it. */
  get open(): boolean {
    return ["waiting", "sending", "paused", "offline", "duplicate"].includes(this.phase);
  }
  get over(): boolean {
    const film = this.following?.ladder.video;
    return ["refused", "failed", "cancelled"].includes(this.phase) || (!!film && isOver(film));
  }
  fail(reason: string, retryable: boolean): void {
    this.phase = "failed";
    this.reason = reason;
    this.retryable = retryable;
  }

  /** Starts counting from what the store has. */
  begin(plan: Plan, received: readonly number[]): void {
    this.plan = plan;
    this.#received = new Set(received);
    this.#flying.clear();
    this.measure();
  }
  part(number: number, bytes: number, done: boolean): void {
    if (done) this.#received.add(number);
    if (done || bytes === 0) this.#flying.delete(number);
    else this.#flying.set(number, bytes);
  }
  /** Brings the figures up to date; called a few times a second, not at each progress of each part. */
  measure(): void {
    const { plan } = this;
    if (!plan) return;
    let flying = 0;
    for (const bytes of this.#flying.values()) flying += bytes;
    this.sentBytes = Math.min(plan.sizeBytes, bytesOf(plan, this.#received) + flying);
    this.arrived = this.#received.size;
    this.map = squares(plan, (number) =>
      this.#received.has(number) ? 1 : (this.#flying.get(number) ?? 0) / lengthOf(plan, number),
    );
  }
  get received(): number[] {
    return [...this.#received];
  }
}
