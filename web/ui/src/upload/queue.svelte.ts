// The upload tray's contents: files on their way in, two at a time, and what becomes of them. Survives navigation.

import { problem, refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { answered, request } from "$src/graphql/client";
import { ConfirmUpload, RequestUpload } from "$src/graphql/documents";
import { pages } from "$src/i18n/pages";
import { newId } from "$src/sync/ids";
import { sniffFile } from "./magic";
import { put } from "./put";
import { SpeedMeter } from "./speed";
import { watch } from "./watch.svelte";

/** Uploads that send at the same time. */
const PARALLEL_MAX = 2;
/** The largest single PUT of the S3 protocol. */
const FILE_BYTES_MAX = 5_000_000_000;
/** Title length the server takes. */
const TITLE_CHARS_MAX = 200;

export type Phase =
  "checking" | "refused" | "waiting" | "sending" | "confirming" | "processing" | "failed" | "cancelled";

/** One file in the tray. */
export class Upload {
  readonly id = newId();
  phase: Phase = $state("checking");
  sentBytes = $state(0);
  bytesPerS: number | null = $state(null);
  etaS: number | null = $state(null);
  /** Why it was refused or failed, for a person. */
  reason = $state("");
  retryable = $state(false);
  video: string | null = $state(null);
  contentType = "";
  abort = new AbortController();
  following: ReturnType<typeof watch> | null = $state.raw(null);

  constructor(readonly file: File) {}

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
    return this.phase === "waiting" || this.phase === "sending" || this.phase === "confirming";
  }
  get over(): boolean {
    const status = this.following?.ladder.video?.status;
    const ended = status === "READY" || status === "FAILED" || status === "REJECTED";
    return this.phase === "refused" || this.phase === "failed" || this.phase === "cancelled" || ended;
  }
  fail(reason: string, retryable: boolean): void {
    this.phase = "failed";
    this.reason = reason;
    this.retryable = retryable;
  }
}

class UploadQueue {
  list: Upload[] = $state([]);
  /** Counts films that arrived or finished here, so that a library on screen can read again. */
  changes = $state(0);

  get sending(): Upload[] {
    return this.list.filter((upload) => upload.moving);
  }
  /** Percent of the bytes of everything on its way; null when nothing moves. */
  get percent(): number | null {
    const moving = this.sending;
    const total = moving.reduce((sum, upload) => sum + upload.file.size, 0);
    if (total === 0) return null;
    return Math.floor((moving.reduce((sum, upload) => sum + upload.sentBytes, 0) * 100) / total);
  }

  /** Takes files: each is checked by its first bytes before the network hears of it. */
  add(files: Iterable<File>): void {
    const added = Array.from(files, (file) => new Upload(file));
    this.list = [...added, ...this.list];
    for (const upload of added) void this.#check(upload);
  }

  cancel(upload: Upload): void {
    upload.phase = "cancelled";
    upload.abort.abort();
    this.#start();
  }

  retry(upload: Upload): void {
    upload.abort = new AbortController();
    upload.sentBytes = 0;
    upload.reason = "";
    upload.phase = "waiting";
    this.#start();
  }

  dismiss(upload: Upload): void {
    upload.following?.release();
    this.list = this.list.filter((other) => other.id !== upload.id);
  }

  clear(): void {
    for (const upload of this.list.filter((one) => one.over)) this.dismiss(upload);
  }

  async #check(upload: Upload): Promise<void> {
    const verdict = await sniffFile(upload.file).catch(() => ({ ok: false, found: "unknown" }) as const);
    if (!verdict.ok) upload.reason = pages.upload.strangers[verdict.found];
    else if (upload.file.size > FILE_BYTES_MAX) upload.reason = pages.upload.tooLarge;
    if (!verdict.ok || upload.reason) {
      upload.phase = "refused";
      return;
    }
    upload.contentType = verdict.contentType;
    upload.phase = "waiting";
    this.#start();
  }

  #start(): void {
    const busy = this.list.filter((upload) => upload.phase === "sending" || upload.phase === "confirming").length;
    const next = this.list.filter((upload) => upload.phase === "waiting").slice(0, Math.max(0, PARALLEL_MAX - busy));
    for (const upload of next) {
      upload.phase = "sending";
      void this.#run(upload)
        .catch((cause: unknown) => upload.phase !== "cancelled" && upload.fail(problem(cause).text, true))
        .finally(() => this.#start());
    }
  }

  async #run(upload: Upload): Promise<void> {
    const input = {
      operationId: newId(),
      title: upload.title,
      fileName: upload.file.name,
      sizeBytes: upload.file.size,
      contentType: upload.contentType,
    };
    const ticket = answered((await request(RequestUpload, { input })).requestUpload);
    if (ticket.__typename === "Refused") return upload.fail(refusal(ticket), false);
    if (upload.abort.signal.aborted) return;
    upload.video = ticket.video;
    session.wrote(ticket.position);
    if (!(await this.#send(upload, ticket))) return;
    upload.phase = "confirming";
    await this.#confirm(upload, ticket.video);
  }

  async #send(upload: Upload, ticket: { url: string; headers: { name: string; value: string }[] }): Promise<boolean> {
    const meter = new SpeedMeter();
    meter.add(0, performance.now());
    const measure = (): void => {
      const now = performance.now();
      meter.add(upload.sentBytes, now);
      upload.bytesPerS = meter.bytesPerS(now);
      upload.etaS = meter.etaS(upload.file.size, now);
    };
    const ticking = setInterval(measure, 500);
    const progress = (sent: number): void => {
      upload.sentBytes = sent;
    };
    const { url, headers } = ticket;
    const result = await put({ url, headers, file: upload.file, signal: upload.abort.signal, progress });
    clearInterval(ticking);
    if (result.ok) upload.sentBytes = upload.file.size;
    else if (result.why === "broken") upload.fail(pages.upload.broken, true);
    else if (result.why === "rejected") upload.fail(pages.upload.rejected(result.status), true);
    return result.ok;
  }

  async #confirm(upload: Upload, video: string): Promise<void> {
    const confirmed = answered(
      (await request(ConfirmUpload, { input: { operationId: newId(), video } })).confirmUpload,
    );
    if (confirmed.__typename === "Refused") return upload.fail(refusal(confirmed), false);
    session.wrote(confirmed.position);
    upload.phase = "processing";
    upload.following = watch(video, (film) => {
      this.changes += 1;
      if (film.status === "READY") toasts.show(pages.upload.ready(film.title), "good");
    });
    this.changes += 1;
  }
}

export const uploads = new UploadQueue();
