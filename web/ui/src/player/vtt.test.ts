import { describe, expect, it } from "vitest";
import { cuesAt, linesOf, parseVtt, tileAt } from "./vtt";

const WORDS = `WEBVTT

00:00:05.000 --> 00:00:06.000
second

intro
00:01.000 --> 00:02.500 line:0
first <i>one</i>
R&amp;D &lt;3

NOTE 00:00:01.000 --> x

00:00:09.000 --> 00:00:08.000
backwards

01:00:00.000 --> 01:00:01.000
`;

const BOARD = `WEBVTT

00:00:00.000 --> 00:00:02.000
tiles/00001.jpg#xywh=0,0,160,90

00:00:02.000 --> 00:00:04.000
tiles/00001.jpg#xywh=160,0,160,90

00:00:08.000 --> 00:00:09.000
tiles/00003.jpg#xywh=0,90,160,90
`;

describe("captions", () => {
  it("are read in the order of their times, without what is no cue", () => {
    expect(parseVtt(WORDS.replaceAll("\n", "\r\n"))).toEqual([
      { start_s: 1, end_s: 2.5, text: "first <i>one</i>\nR&amp;D &lt;3" },
      { start_s: 5, end_s: 6, text: "second" },
    ]);
    expect(parseVtt("")).toEqual([]);
  });

  it("are shown from their start to just before their end", () => {
    const cues = parseVtt(WORDS);
    const at = (s: number): string[] => cuesAt(cues, s).map((cue) => cue.text.split(" ")[0] ?? "");
    expect([0.999, 1, 2.499, 2.5, 5.5, 6].map(at)).toEqual([[], ["first"], ["first"], [], ["second"], []]);
  });

  it("overlap, the older first", () => {
    const cues = [
      { start_s: 0, end_s: 10, text: "long" },
      { start_s: 2, end_s: 3, text: "short" },
    ];
    expect(cuesAt(cues, 2).map((cue) => cue.text)).toEqual(["long", "short"]);
    expect(cuesAt(cues, 3).map((cue) => cue.text)).toEqual(["long"]);
  });

  it("become lines of words, with their three tags", () => {
    const run = (text: string, more = {}) => ({ text, italic: false, bold: false, underlined: false, ...more });
    expect(linesOf("a <i>b <b>c</b></i>\n<u>R&amp;D</u> &lt;3 <x> &foo;")).toEqual([
      [run("a "), run("b ", { italic: true }), run("c", { italic: true, bold: true })],
      [run("R&D", { underlined: true }), run(" <3 <x> &foo;")],
    ]);
  });
});

describe("small pictures", () => {
  it("are found by time, also where there is a gap", () => {
    const cues = parseVtt(BOARD);
    const tile = (file: string, x: number, y: number) => ({ file: `tiles/${file}.jpg`, x, y, width: 160, height: 90 });
    expect([0, 1.99, 2, 6, 8, 99].map((s) => tileAt(cues, s))).toEqual([
      tile("00001", 0, 0),
      tile("00001", 0, 0),
      tile("00001", 160, 0),
      tile("00001", 160, 0),
      tile("00003", 0, 90),
      tile("00003", 0, 90),
    ]);
    expect(tileAt([], 1)).toBeNull();
    expect(tileAt([{ start_s: 0, end_s: 1, text: "words" }], 0)).toBeNull();
  });
});
