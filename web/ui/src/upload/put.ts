// One PUT of a file to its presigned address. XMLHttpRequest, because fetch still tells nothing about upload progress.

export type PutResult = { ok: true } | { ok: false; why: "broken" | "cancelled" | "rejected"; status: number };

/** Without any progress for this long the line counts as broken. */
const STALL_MS = 20_000;
/** Once all of a whole file is sent the storage may still be writing it down. */
const ANSWER_MS = 180_000;
/** As long for one part. */
export const PART_ANSWER_MS = 30_000;

export interface Put {
  readonly url: string;
  readonly headers: readonly { name: string; value: string }[];
  readonly file: Blob;
  readonly signal: AbortSignal;
  readonly progress: (sentBytes: number) => void;
  readonly answerMs?: number;
}

/** Headers that only the browser itself may set. */
const OWN_HEADERS = new Set(["host", "content-length"]);

/** Sends the file; never rejects. */
export function put({ url, headers, file, signal, progress, answerMs = ANSWER_MS }: Put): Promise<PutResult> {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    let stall: ReturnType<typeof setTimeout>;
    const end = (result: PutResult): void => {
      clearTimeout(stall);
      signal.removeEventListener("abort", cancel);
      resolve(result);
    };
    const watchStall = (limitMs: number): void => {
      clearTimeout(stall);
      stall = setTimeout(() => {
        end({ ok: false, why: "broken", status: 0 });
        xhr.abort();
      }, limitMs);
    };
    const cancel = (): void => {
      end({ ok: false, why: "cancelled", status: 0 });
      xhr.abort();
    };
    xhr.open("PUT", url);
    for (const { name, value } of headers) if (!OWN_HEADERS.has(name.toLowerCase())) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => {
      watchStall(event.loaded < file.size ? STALL_MS : answerMs);
      progress(event.loaded);
    };
    xhr.onload = () => {
      const ok = xhr.status >= 200 && xhr.status < 300;
      end(ok ? { ok } : { ok, why: "rejected", status: xhr.status });
    };
    xhr.onerror = () => end({ ok: false, why: "broken", status: 0 });
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    watchStall(STALL_MS);
    xhr.send(file);
  });
}
