// WebVTT as our server writes it: cues with times, words in at most three tags, or the place of a small picture.

export interface Cue {
  readonly start_s: number;
  readonly end_s: number;
  readonly text: string;
}

/** One small picture: its sheet, and the part of it. */
export interface Tile {
  readonly file: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Some words of one line, as they are to be shown. */
export interface Run {
  readonly text: string;
  readonly italic: boolean;
  readonly bold: boolean;
  readonly underlined: boolean;
}

/** Cues read from one file at most; the server writes no more. */
export const CUES_MAX = 20_000;

const TIMES = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d\d\d)[ \t]+-->[ \t]+(?:(\d+):)?(\d\d):(\d\d)\.(\d\d\d)/;

/** The cues of a file in the order of their times; what is no cue is left out. */
export function parseVtt(file: string): Cue[] {
  const cues: Cue[] = [];
  for (const block of file.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    const lines = block.split("\n").filter((line) => line !== "");
    const at = lines.findIndex((line) => line.includes("-->"));
    const found = at < 0 || at > 1 ? null : TIMES.exec(lines[at] ?? "");
    const text = lines.slice(at + 1).join("\n");
    if (!found || text === "") continue;
    const [start_s, end_s] = [seconds(found, 1), seconds(found, 5)];
    if (end_s > start_s) cues.push({ start_s, end_s, text });
    if (cues.length === CUES_MAX) break;
  }
  return cues.sort((a, b) => a.start_s - b.start_s);
}

function seconds(found: RegExpExecArray, at: number): number {
  const part = (n: number): number => Number(found[at + n] ?? 0);
  return part(0) * 3_600 + part(1) * 60 + part(2) + part(3) / 1_000;
}

/** What is shown at this time, oldest first. `cues` are in the order of their starts. */
export function cuesAt(cues: readonly Cue[], at_s: number): Cue[] {
  let [low, high] = [0, cues.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cues[middle]?.start_s ?? 0) <= at_s) low = middle + 1;
    else high = middle;
  }
  return cues.slice(0, low).filter((cue) => cue.end_s > at_s);
}

/** The small picture of this time: the last that began, or the first. */
export function tileAt(cues: readonly Cue[], at_s: number): Tile | null {
  const shown = cues.findLast((cue) => cue.start_s <= at_s) ?? cues[0];
  const found = shown && /^(.+)#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(shown.text);
  if (!found) return null;
  const [x, y, width, height] = found.slice(2).map(Number) as [number, number, number, number];
  return { file: found[1] ?? "", x, y, width, height };
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", nbsp: "\u00a0", lrm: "\u200e", rlm: "\u200f" };

/** The lines of a cue, each as runs of words. */
export function linesOf(text: string): Run[][] {
  const lines: Run[][] = [[]];
  const open = { i: 0, b: 0, u: 0 };
  for (const [, tag, word, newline] of text.matchAll(/<(\/?[ibu])>|((?:[^<\n]|<(?!\/?[ibu]>))+)|(\n)/g)) {
    if (newline) lines.push([]);
    else if (tag) open[tag.at(-1) as "i" | "b" | "u"] += tag.startsWith("/") ? -1 : 1;
    else if (word) {
      const plain = word.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
      lines.at(-1)?.push({ text: plain, italic: open.i > 0, bold: open.b > 0, underlined: open.u > 0 });
    }
  }
  return lines;
}
