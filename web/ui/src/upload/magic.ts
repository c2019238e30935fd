// What a file really is, told from its first bytes, before anything is sent. Names of kinds are keys of the dictionary.

/** How many bytes of the file `sniff` wants to see. */
export const SNIFF_BYTES = 512;

/** What we found when it is not a video container we take; the dictionary has one sentence for each. */
export type Stranger =
  | "empty"
  | "png"
  | "jpeg"
  | "gif"
  | "webp"
  | "bmp"
  | "tiff"
  | "heic"
  | "psd"
  | "svg"
  | "wav"
  | "mp3"
  | "m4a"
  | "flac"
  | "pdf"
  | "zip"
  | "rar"
  | "sevenZip"
  | "gzip"
  | "program"
  | "playlist"
  | "webPage"
  | "text"
  | "transportStream"
  | "programStream"
  | "flv"
  | "asf"
  | "unknown";

export type Verdict = { ok: true; contentType: string } | { ok: false; found: Stranger };

const MP4_PICTURES = ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1", "avif", "avis"];
const MP4_SOUNDS = ["M4A ", "M4B ", "M4P "];
const OLD_QUICKTIME = ["moov", "mdat", "wide", "free", "skip", "pnot"];

/** Says whether these first bytes (up to `SNIFF_BYTES`) open a video container we take, else what they are. */
export function sniff(head: Uint8Array): Verdict {
  if (head.length === 0) return refused("empty");
  return video(head) ?? refused(stranger(head));
}

/** `sniff` for a `File`: reads its head only. */
export async function sniffFile(file: Blob): Promise<Verdict> {
  if (file.size === 0) return refused("empty");
  return sniff(new Uint8Array(await file.slice(0, SNIFF_BYTES).arrayBuffer()));
}

function video(head: Uint8Array): Verdict | null {
  const box = text(head, 4, 4);
  if (box === "ftyp") return isoMedia(text(head, 8, 4));
  if (OLD_QUICKTIME.includes(box)) return accepted("video/quicktime");
  if (text(head, 0, 4) === "RIFF") return text(head, 8, 4) === "AVI " ? accepted("video/x-msvideo") : null;
  if (starts(head, [0x1a, 0x45, 0xdf, 0xa3])) return ebml(head);
  if (text(head, 0, 4) === "OggS") return accepted("video/ogg");
  return null;
}

function isoMedia(brand: string): Verdict {
  if (MP4_PICTURES.includes(brand)) return refused("heic");
  if (MP4_SOUNDS.includes(brand)) return refused("m4a");
  return accepted(brand === "qt  " ? "video/quicktime" : "video/mp4");
}

/** EBML is Matroska or WebM when its DocType (element 0x4282, RFC 8794) says so. */
function ebml(head: Uint8Array): Verdict {
  for (let at = 4; at + 3 < head.length; at += 1) {
    if (head[at] !== 0x42 || head[at + 1] !== 0x82) continue;
    const type = text(head, at + 3, (head[at + 2] ?? 0) & 0x7f).replace(/\0+$/, "");
    if (type === "webm") return accepted("video/webm");
    if (type === "matroska") return accepted("video/x-matroska");
  }
  return refused("unknown");
}

const SIGNATURES: readonly (readonly [readonly number[], Stranger])[] = [
  [[0x89, 0x50, 0x4e, 0x47], "png"],
  [[0xff, 0xd8, 0xff], "jpeg"],
  [ascii("GIF8"), "gif"],
  [ascii("BM"), "bmp"],
  [[0x49, 0x49, 0x2a, 0x00], "tiff"],
  [[0x4d, 0x4d, 0x00, 0x2a], "tiff"],
  [ascii("8BPS"), "psd"],
  [ascii("ID3"), "mp3"],
  [[0xff, 0xfb], "mp3"],
  [[0xff, 0xf3], "mp3"],
  [ascii("fLaC"), "flac"],
  [ascii("%PDF"), "pdf"],
  [[0x50, 0x4b, 0x03, 0x04], "zip"],
  [[0x50, 0x4b, 0x05, 0x06], "zip"],
  [ascii("Rar!"), "rar"],
  [[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "sevenZip"],
  [[0x1f, 0x8b], "gzip"],
  [[0x7f, 0x45, 0x4c, 0x46], "program"],
  [ascii("MZ"), "program"],
  [[0x00, 0x00, 0x01, 0xba], "programStream"],
  [ascii("FLV"), "flv"],
  [[0x30, 0x26, 0xb2, 0x75], "asf"],
];

function stranger(head: Uint8Array): Stranger {
  for (const [signature, kind] of SIGNATURES) if (starts(head, signature)) return kind;
  if (text(head, 0, 4) === "RIFF") return riff(text(head, 8, 4));
  if (head[0] === 0x47 && head[188] === 0x47) return "transportStream";
  return words(head);
}

function riff(form: string): Stranger {
  if (form === "WAVE") return "wav";
  return form === "WEBP" ? "webp" : "unknown";
}

function words(head: Uint8Array): Stranger {
  if (head.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27))) return "unknown";
  const start = new TextDecoder()
    .decode(head)
    .replace(/^\uFEFF/, "")
    .trimStart()
    .toLowerCase();
  if (start.startsWith("#extm3u")) return "playlist";
  if (start.startsWith("<svg") || (start.startsWith("<?xml") && start.includes("<svg"))) return "svg";
  if (start.startsWith("<?xml") && start.includes("<mpd")) return "playlist";
  if (start.startsWith("<!doctype html") || start.startsWith("<html")) return "webPage";
  return "text";
}

function accepted(contentType: string): Verdict {
  return { ok: true, contentType };
}

function refused(found: Stranger): Verdict {
  return { ok: false, found };
}

function starts(head: Uint8Array, signature: readonly number[]): boolean {
  return head.length >= signature.length && signature.every((byte, index) => head[index] === byte);
}

function text(head: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...head.subarray(at, at + length));
}

function ascii(word: string): number[] {
  return Array.from(word, (letter) => letter.charCodeAt(0));
}
