import { describe, expect, it } from "vitest";
import { pages } from "../i18n/pages";
import { sniff, sniffFile, SNIFF_BYTES, type Stranger } from "./magic";

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? Array.from(part, (c) => c.charCodeAt(0)) : part)));
const ebml = (type: string) =>
  bytes([0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x86, 0x81, 1, 0x42, 0x82, 0x80 | type.length], type);
const ftyp = (brand: string) => bytes([0, 0, 0, 0x20], "ftyp", brand, [0, 0, 2, 0]);

describe("videos we take", () => {
  const corpus: [string, Uint8Array, string][] = [
    ["MP4", ftyp("isom"), "video/mp4"],
    ["MP4 of a phone", ftyp("mp42"), "video/mp4"],
    ["MOV", ftyp("qt  "), "video/quicktime"],
    ["old MOV that opens with mdat", bytes([0, 0, 0, 8], "mdat"), "video/quicktime"],
    ["old MOV that opens with wide", bytes([0, 0, 0, 8], "wide", [0, 0, 0, 0], "mdat"), "video/quicktime"],
    ["AVI", bytes("RIFF", [1, 2, 3, 4], "AVI LIST"), "video/x-msvideo"],
    ["Matroska", ebml("matroska"), "video/x-matroska"],
    ["WebM", ebml("webm"), "video/webm"],
    ["Ogg", bytes("OggS", [0, 2, 0, 0]), "video/ogg"],
  ];
  it.each(corpus)("%s", (_, head, contentType) => expect(sniff(head)).toEqual({ ok: true, contentType }));
});

describe("strangers are named", () => {
  const packet = new Uint8Array(SNIFF_BYTES);
  packet[0] = packet[188] = packet[376] = 0x47;
  const corpus: [Stranger, Uint8Array][] = [
    ["empty", bytes()],
    ["png", bytes([0x89], "PNG\r\n", [0x1a, 0x0a])],
    ["jpeg", bytes([0xff, 0xd8, 0xff, 0xe0])],
    ["gif", bytes("GIF89a")],
    ["webp", bytes("RIFF", [1, 2, 3, 4], "WEBPVP8 ")],
    ["wav", bytes("RIFF", [1, 2, 3, 4], "WAVEfmt ")],
    ["heic", ftyp("heic")],
    ["heic", ftyp("avif")],
    ["m4a", ftyp("M4A ")],
    ["mp3", bytes("ID3", [4, 0])],
    ["flac", bytes("fLaC", [0])],
    ["pdf", bytes("%PDF-1.7")],
    ["zip", bytes("PK", [3, 4])],
    ["gzip", bytes([0x1f, 0x8b, 8])],
    ["program", bytes([0x7f], "ELF")],
    ["playlist", bytes("#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/x.ts\n")],
    ["playlist", bytes('<?xml version="1.0"?>\n<MPD type="static">')],
    ["svg", bytes('<?xml version="1.0"?><svg xmlns="x">')],
    ["webPage", bytes("<!DOCTYPE html><html>")],
    ["text", bytes("Dear diary,\n")],
    ["transportStream", packet],
    ["programStream", bytes([0, 0, 1, 0xba])],
    ["flv", bytes("FLV", [1])],
    ["asf", bytes([0x30, 0x26, 0xb2, 0x75, 0x8e])],
    ["unknown", ebml("other")],
    ["unknown", bytes([0x1a, 0x45, 0xdf, 0xa3])],
    ["unknown", bytes([0, 0, 0, 0, 0, 0])],
    ["text", bytes("ft")],
  ];
  it.each(corpus)("%s", (found, head) => {
    expect(sniff(head)).toEqual({ ok: false, found });
    expect(pages.upload.strangers[found].length).toBeGreaterThan(10);
  });
});

it("reads only the head of a file", async () => {
  const file = new Blob([ftyp("isom"), new Uint8Array(4096)]);
  expect(await sniffFile(file)).toEqual({ ok: true, contentType: "video/mp4" });
  expect(await sniffFile(new Blob([]))).toEqual({ ok: false, found: "empty" });
});
