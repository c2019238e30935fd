// The upload tray's contents: files on their way in and what becomes of them, and uploads that were left unfinished here
// or elsewhere. Survives navigation; what must survive the tab is on the server.

import { problem } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { toasts } from "$src/app/toasts.svelte";
import { request } from "$src/graphql/client";
import { UnfinishedUploads, type UnfinishedUpload } from "$src/graphql/uploads";
import { pages } from "$src/i18n/pages";
import { arrivals } from "./arrivals.svelte";
import { fingerprint } from "./fingerprint";
import { forgetHandle, keptHandles, reopen, type FileHandle } from "./handles";
import { sniffFile } from "./magic";
import { SignRefused } from "./parts";
import { giveUp, transfer } from "./transfer";
import { Upload } from "./upload.svelte";
import { watch } from "./watch.svelte";

export { Upload } from "./upload.svelte";

/** Uploads that send at the same time, one of them in parts: browsers open six connections to a server. */
const PARALLEL_MAX = 2;
/** What is sent in parts: its connections are counted by themselves. */
const LARGE_BYTES_MIN = 64 << 20;
/** The most the server takes. */
const FILE_BYTES_MAX = 100_000_000_000;

/** An upload to go on with, when its file is there again. */
export interface Left extends UnfinishedUpload {
  /** One click opens the file again. */
  readonly kept: boolean;
}

class UploadQueue {
  list: Upload[] = $state([]);
  /** Without a network nothing is begun: what waits goes on waiting. */
  #offline = false;
  #owner: string | null = null;
  left: Left[] = $state.raw([]);

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
  /** Unfinished uploads that are not going on here. */
  get resumable(): Left[] {
    const here = new Set(this.list.filter((upload) => !upload.over).map((upload) => upload.video));
    return this.left.filter((left) => !here.has(left.video));
  }

  /** Takes files, in this order: each is checked by its first bytes before the network hears of it. */
  add(files: Iterable<File>, handles?: ReadonlyMap<string, FileHandle>): void {
    const added = Array.from(files, (file) => new Upload(file, handles?.get(file.name) ?? null));
    this.list = [...this.list, ...added];
    for (const upload of added) void this.#check(upload);
  }

  /** Whose files these are. Those of somebody who has left stop here; the server keeps what arrived, so they can go on. */
  belongTo(owner: string | null): void {
    if (owner === this.#owner) return;
    if (this.#owner !== null) {
      for (const upload of this.list) {
        upload.phase = "cancelled";
        upload.abort.abort();
        this.dismiss(upload);
      }
      this.left = [];
    }
    this.#owner = owner;
  }

  /** Reads which uploads were left unfinished. */
  async look(): Promise<void> {
    const owner = session.me?.id;
    if (!session.isMember) return void (this.left = []);
    const [{ unfinishedUploads }, kept] = await Promise.all([request(UnfinishedUploads, {}), keptHandles()]);
    if (session.me?.id !== owner) return;
    this.left = (unfinishedUploads ?? [])
      .filter((left) => left.plan !== null)
      .map((left) => ({ ...left, kept: kept.has(left.video) }));
  }

  /** Opens the file of an unfinished upload again and goes on. */
  async goOn(left: Left): Promise<void> {
    const file = await reopen(left.video);
    if (file?.size === left.sizeBytes) return this.add([file]);
    await forgetHandle(left.video);
    this.left = this.left.map((one) => (one.video === left.video ? { ...one, kept: false } : one));
  }

  async discard(left: Left): Promise<void> {
    const before = this.left;
    this.left = before.filter((one) => one.video !== left.video);
    try {
      await Promise.all([giveUp(left.video), forgetHandle(left.video)]);
    } catch (cause) {
      this.left = before;
      toasts.show(problem(cause).text, "bad");
    }
  }

  pause(upload: Upload, phase: "paused" | "offline" = "paused"): void {
    upload.phase = phase;
    upload.abort.abort();
    this.#start();
  }

  resume(upload: Upload): void {
    this.#wait(upload);
    this.#start();
  }

  #wait(upload: Upload): void {
    upload.abort = new AbortController();
    upload.reason = "";
    if (!upload.plan) upload.sentBytes = 0;
    upload.phase = "waiting";
  }

  online(): void {
    this.#offline = false;
    for (const upload of this.list.filter((one) => one.phase === "offline")) this.#wait(upload);
    this.#start();
  }
  offline(): void {
    this.#offline = true;
    for (const upload of this.list.filter((one) => one.phase === "sending")) this.pause(upload, "offline");
  }

  cancel(upload: Upload): void {
    const { video } = upload;
    upload.phase = "cancelled";
    upload.abort.abort();
    if (video) {
      this.left = this.left.filter((left) => left.video !== video);
      void Promise.all([giveUp(video), forgetHandle(video)]).catch(() => undefined);
    }
    this.#start();
  }

  /** The same file is there; it is wanted twice. */
  uploadAgain(upload: Upload): void {
    upload.again = true;
    this.resume(upload);
  }

  /** Moves a waiting file before (-1) or behind (1) its neighbour among those that wait. */
  move(upload: Upload, by: -1 | 1): void {
    const waiting = this.list.filter((one) => one.phase === "waiting");
    const other = waiting[waiting.indexOf(upload) + by];
    if (!other) return;
    const list = [...this.list];
    const [a, b] = [list.indexOf(upload), list.indexOf(other)];
    list[a] = other;
    list[b] = upload;
    this.list = list;
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
      this.#start();
      return;
    }
    upload.contentType = verdict.contentType;
    upload.fingerprint = await fingerprint(upload.file).catch(() => null);
    if (upload.phase !== "checking") return;
    upload.phase = "waiting";
    this.#start();
  }

  #start(): void {
    if (this.#offline) return;
    const busy = this.list.filter((upload) => upload.phase === "sending" || upload.phase === "confirming");
    for (const upload of this.list) {
      // The files go in the order they were given, whichever of them is looked through first.
      if (upload.phase === "checking") break;
      if (upload.phase !== "waiting") continue;
      if (busy.length >= PARALLEL_MAX || (large(upload) && busy.some(large))) continue;
      busy.push(upload);
      upload.phase = "sending";
      void this.#run(upload, upload.abort).finally(() => this.#start());
    }
  }

  async #run(upload: Upload, attempt: AbortController): Promise<void> {
    try {
      const isHere = (video: string): boolean =>
        this.list.some((other) => other.id !== upload.id && other.video === video && !other.over);
      if (!(await transfer(upload, isHere))) return;
    } catch (cause) {
      // Paused, cancelled or begun again since: this attempt has nothing to say any more.
      if (attempt.signal.aborted) return;
      return upload.fail(cause instanceof SignRefused ? cause.message : problem(cause).text, true);
    }
    if (upload.video) this.#follow(upload, upload.video);
  }

  #follow(upload: Upload, video: string): void {
    upload.phase = "processing";
    this.left = this.left.filter((left) => left.video !== video);
    void forgetHandle(video);
    upload.following = watch(video, (film) => {
      arrivals.count += 1;
      if (film.status === "READY") toasts.show(pages.upload.ready(film.title), "good");
    });
    arrivals.count += 1;
  }
}

function large(upload: Upload): boolean {
  return upload.file.size > LARGE_BYTES_MIN;
}

export const uploads = new UploadQueue();
