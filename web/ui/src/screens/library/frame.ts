// A picture of a film at a time, as large as it was made: the one segment that has it, shown by a video nobody sees.

import { besides } from "$src/player/tokens";
import { encode, type Drawn } from "./picture";

/** Lines of the size that is taken: larger ones are only more to fetch. */
const LINES_MAX = 720;
/** How long fetching and showing may take. */
const FRAME_MS_MAX = 15_000;

export interface Variant {
  readonly uri: string;
  readonly lines: number;
  readonly codec: string;
}

/** The sizes of a master playlist. */
export function variants(master: string): Variant[] {
  const lines = master.split(/\r?\n/);
  return lines.flatMap((line, at) => {
    const size = /^#EXT-X-STREAM-INF:.*RESOLUTION=\d+x(\d+)/.exec(line);
    const codecs = /CODECS="([^"]+)"/.exec(line)?.[1]?.split(",") ?? [];
    const codec = codecs.map((one) => one.trim()).find((one) => one.startsWith("avc1"));
    const uri = lines[at + 1];
    return size && codec && uri ? [{ uri, lines: Number(size[1]), codec }] : [];
  });
}

/** The largest size up to 720 lines, or the smallest there is. */
export function fitting(all: readonly Variant[]): Variant | null {
  const bySize = [...all].sort((a, b) => a.lines - b.lines);
  return bySize.findLast(({ lines }) => lines <= LINES_MAX) ?? bySize[0] ?? null;
}

/** The init segment and the segment that has this time, and where in the film it begins. */
export function segmentAt(playlist: string, at_s: number): { init: string; uri: string } | null {
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1];
  let [end_s, last] = [0, null as string | null];
  for (const [, length, uri] of playlist.matchAll(/#EXTINF:([\d.]+),[^\n]*\n(?:#[^\n]*\n)*([^#\n]+)/g)) {
    end_s += Number(length);
    last = uri ?? null;
    if (end_s > at_s) break;
  }
  return init && last ? { init, uri: last } : null;
}

/** The film's picture at this time as a JPEG; rejects where this browser cannot show it. */
export async function frameAt(hlsUrl: string, at_s: number): Promise<Blob> {
  const signal = AbortSignal.timeout(FRAME_MS_MAX);
  const variant = fitting(variants(await text(hlsUrl, signal)));
  if (!variant) throw new Error("no size to take a picture of");
  const list = besides(hlsUrl, variant.uri);
  const found = segmentAt(await text(list, signal), at_s);
  if (!found) throw new Error("no segment has this time");
  const bytes = await Promise.all([found.init, found.uri].map((uri) => data(besides(list, uri), signal)));
  const video = document.createElement("video");
  video.muted = true;
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  try {
    await once(source, "sourceopen", signal);
    const buffer = source.addSourceBuffer(`video/mp4; codecs="${variant.codec}"`);
    for (const part of bytes) {
      buffer.appendBuffer(part);
      await once(buffer, "updateend", signal);
    }
    const [from, to] = [buffer.buffered.start(0), buffer.buffered.end(0)];
    video.currentTime = Math.min(Math.max(at_s, from), to - 0.05);
    await once(video, "seeked", signal);
    const drawn: Drawn = { source: video, width: video.videoWidth, height: video.videoHeight };
    return await encode(drawn);
  } finally {
    URL.revokeObjectURL(video.src);
    video.removeAttribute("src");
    video.load();
  }
}

async function fetched(url: string, signal: AbortSignal): Promise<Response> {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

async function text(url: string, signal: AbortSignal): Promise<string> {
  return (await fetched(url, signal)).text();
}

async function data(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await fetched(url, signal)).arrayBuffer();
}

function once(target: EventTarget, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new Error(`no ${name}`));
    target.addEventListener(name, () => resolve(), { once: true });
    target.addEventListener("error", end, { once: true });
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}
