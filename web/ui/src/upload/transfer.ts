// From a checked file to a film that arrived: asks the API, sends whole or in parts, confirms.

import { refusal } from "$src/app/problems";
import { session } from "$src/app/session.svelte";
import { answered, Fault, request } from "$src/graphql/client";
import { AbortUpload, ConfirmUpload, RequestUpload, SignUploadParts, UploadParts } from "$src/graphql/uploads";
import { pages } from "$src/i18n/pages";
import { newId } from "$src/sync/ids";
import { claim, isClaimed } from "./claim";
import { keepHandle } from "./handles";
import { SignRefused, sendParts, type Address, type Sent } from "./parts";
import { PART_ANSWER_MS, put } from "./put";
import { pauseMs } from "./retry";
import { SpeedMeter } from "./speed";
import type { Upload } from "./upload.svelte";

const MEASURE_MS = 500;

/**
 * Sends the file and confirms it. True when it arrived; otherwise the upload says why not. `isHere`: whether another row of
 * this page is sending a film.
 */
export async function transfer(upload: Upload, isHere: (video: string) => boolean): Promise<boolean> {
  const { signal } = upload.abort;
  const whole = upload.plan && upload.video ? null : await ask(upload, isHere);
  if (signal.aborted) {
    // Cancelled while the server made a place: nobody else would free it.
    if (upload.phase === "cancelled" && upload.video) await giveUp(upload.video);
    return false;
  }
  if (upload.phase !== "sending") return false;
  return claim(upload.video ?? "", () => deliver(upload, whole));
}

/** Sends what is missing and confirms it. */
async function deliver(upload: Upload, whole: Address | null): Promise<boolean> {
  const sent = await measured(upload, () => (upload.plan ? parts(upload) : file(upload, whole)));
  if (!sent.ok) {
    if (sent.why === "broken") upload.fail(pages.upload.broken, true);
    else if (sent.why === "rejected") upload.fail(pages.upload.rejected(sent.status), true);
    else if (sent.why === "gone") gone(upload);
    return false;
  }
  upload.sentBytes = upload.file.size;
  upload.phase = "confirming";
  return confirm(upload);
}

/** Tells the server that an unfinished upload is given up, so that it frees what it has. */
export async function giveUp(video: string): Promise<void> {
  await request(AbortUpload, { input: { operationId: newId(), video } });
}

/** Asks for a place; null when the file is sent in parts, or when there is no place (the upload says why). */
async function ask(upload: Upload, isHere: (video: string) => boolean): Promise<Address | null> {
  const { title, fingerprint, again, contentType } = upload;
  const { name: fileName, size: sizeBytes } = upload.file;
  const input = { operationId: newId(), title, fileName, sizeBytes, contentType, fingerprint, again };
  const ticket = answered((await request(RequestUpload, { input })).requestUpload);
  switch (ticket.__typename) {
    case "Refused":
      upload.fail(refusal(ticket), false);
      return null;
    case "QuotaExceeded":
      upload.fail(pages.upload.quota(ticket.code, ticket.used, ticket.allowed), false);
      return null;
    case "AlreadyUploaded":
      return found(upload, ticket, isHere);
    case "UploadRequested":
      break;
  }
  upload.video = ticket.video;
  session.wrote(ticket.position);
  if (!ticket.plan) return ticket;
  if (upload.handle) void keepHandle(ticket.video, upload.handle);
  upload.begin({ ...ticket.plan, sizeBytes }, []);
  return null;
}

/** The same file is there: go on with it when it is unfinished, else ask the person. */
async function found(
  upload: Upload,
  there: { video: string; status: string },
  isHere: (video: string) => boolean,
): Promise<Address | null> {
  upload.twin =
    there.status !== "UPLOADING" ? "arrived" : isHere(there.video) || (await isClaimed(there.video)) ? "running" : null;
  if (upload.twin) {
    upload.phase = "duplicate";
    return null;
  }
  if (await goOn(upload, there.video)) return null;
  // A file that is sent whole begins anew: the storage keeps no half of it.
  await giveUp(there.video);
  upload.again = true;
  return ask(upload, isHere);
}

/** Takes up an unfinished upload in parts; false when it is none. What has arrived is the server's word. */
async function goOn(upload: Upload, video: string): Promise<boolean> {
  const { uploadParts } = await request(UploadParts, { video });
  if (uploadParts?.status !== "UPLOADING") return false;
  upload.video = video;
  upload.begin({ ...uploadParts.plan, sizeBytes: upload.file.size }, uploadParts.received);
  if (upload.handle) void keepHandle(video, upload.handle);
  return true;
}

async function parts(upload: Upload): Promise<Sent> {
  const { plan, video, file: whole, abort } = upload;
  if (!plan || !video) return { ok: false, why: "cancelled", status: 0 };
  // Another tab or device may have sent some meanwhile.
  const fresh = await request(UploadParts, { video }, abort.signal).catch(() => null);
  if (fresh?.uploadParts) upload.begin(plan, fresh.uploadParts.received);
  const sending = {
    plan,
    file: whole,
    received: upload.received,
    signal: abort.signal,
    progress: (number: number, bytes: number, done: boolean) => upload.part(number, bytes, done),
  };
  return sendParts(sending, {
    sign: (numbers) => sign(video, numbers),
    put: ({ url, headers }, part, signal, progress) =>
      put({ url, headers, file: part, signal, progress, answerMs: PART_ANSWER_MS }),
    sleep,
    chance: Math.random,
  });
}

async function sign(video: string, numbers: number[]): Promise<Map<number, Address>> {
  const input = { operationId: newId(), video, numbers };
  const signed = answered((await request(SignUploadParts, { input })).signUploadParts);
  if (signed.__typename === "Refused") throw new SignRefused(refusal(signed));
  return new Map(signed.parts.map((part) => [part.number, part]));
}

function file(upload: Upload, address: Address | null): Promise<Sent> {
  if (!address) return Promise.resolve({ ok: false, why: "cancelled", status: 0 });
  const progress = (sent: number): void => void (upload.sentBytes = sent);
  return put({ ...address, file: upload.file, signal: upload.abort.signal, progress });
}

async function measured(upload: Upload, send: () => Promise<Sent>): Promise<Sent> {
  upload.measure();
  const meter = new SpeedMeter();
  meter.add(upload.sentBytes, performance.now());
  const measure = (): void => {
    upload.measure();
    const now = performance.now();
    meter.add(upload.sentBytes, now);
    upload.bytesPerS = meter.bytesPerS(now);
    upload.etaS = meter.etaS(upload.file.size, now);
  };
  const ticking = setInterval(measure, MEASURE_MS);
  try {
    return await send();
  } finally {
    clearInterval(ticking);
    upload.measure();
    upload.bytesPerS = upload.etaS = null;
  }
}

/** Once everything is there, a line that breaks now must not undo it: confirming is tried as often as a part. */
async function confirm(upload: Upload): Promise<boolean> {
  const video = upload.video ?? "";
  const input = { operationId: newId(), video };
  for (let failures = 1; ; failures += 1) {
    try {
      const confirmed = answered((await request(ConfirmUpload, { input })).confirmUpload);
      if (confirmed.__typename === "Refused") upload.fail(refusal(confirmed), confirmed.code === "not_arrived");
      else session.wrote(confirmed.position);
      return confirmed.__typename !== "Refused";
    } catch (cause) {
      const pause = pauseMs(failures, Math.random());
      if (pause === null || !(cause instanceof Fault) || cause.kind === "signedOut") throw cause;
      await sleep(pause, upload.abort.signal);
    }
  }
}

/** It was given up elsewhere, or the server did after a day. */
function gone(upload: Upload): void {
  upload.video = null;
  upload.plan = null;
  upload.map = [];
  upload.fail(pages.upload.gone, true);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
