// Fails when a page's scripts outgrow their budget: gzip bytes of an entry and of all it imports statically, from Vite's manifest.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KB = 1_000;
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));
const CHANNEL = ["index.html", "src/screens/channel/Channel.svelte", "src/screens/channel/Room.svelte"];
const PLAYER = [...CHANNEL, "src/screens/channel/Player.svelte"];
/** Entries (as the manifest names them) and what each may weigh with its imports, in kB of gzip. */
const PAGES = [
  { name: "first page", entries: ["index.html", "src/screens/Home.svelte"], jsMax: 60 },
  { name: "sign in", entries: ["index.html", "src/screens/SignIn.svelte"], jsMax: 60 },
  { name: "library", entries: ["index.html", "src/screens/library/LibraryPage.svelte"], jsMax: 75 },
  { name: "film", entries: ["index.html", "src/screens/library/FilmPage.svelte"], jsMax: 75 },
  { name: "channel without a film", entries: CHANNEL, jsMax: 80 },
  // The player is fetched when a film is on; the engine comes on top of it.
  { name: "channel without engine", entries: PLAYER, jsMax: 90 },
  { name: "channel with engine", entries: [...PLAYER, "src/player/hls.ts", chunk(/hls\.js\/src/)], jsMax: 230 },
];
const CHUNKS = [
  { name: "hls engine", file: /hls\.js\/src/, jsMax: 145 },
  { name: "dash engine", file: /dash\.(all|mediaplayer)/, jsMax: 245 },
];
const CSS_MAX = 16;

const gzip = (file) => gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length / KB;

function closure(entries) {
  const keys = new Set();
  const visit = (key) => {
    if (keys.has(key)) return;
    if (!manifest[key]) throw new Error(`the manifest has no ${key}`);
    keys.add(key);
    for (const next of manifest[key].imports ?? []) visit(next);
  };
  entries.forEach(visit);
  return [...keys].map((key) => manifest[key]);
}

let failed = false;
function report(name, size, max) {
  const over = size > max;
  failed ||= over;
  console.log(`${over ? "OVER" : "  ok"}  ${name.padEnd(28)} ${size.toFixed(1).padStart(7)} of ${max} kB`);
}

for (const { name, entries, jsMax } of PAGES) {
  const parts = closure(entries);
  report(`${name}, scripts`, sum(new Set(parts.map((part) => part.file))), jsMax);
  report(`${name}, styles`, sum(new Set(parts.flatMap((part) => part.css ?? []))), CSS_MAX);
}
for (const { name, file, jsMax } of CHUNKS) {
  report(name, gzip(manifest[chunk(file)].file), jsMax);
}
if (failed) process.exit(1);

/** The name in the manifest of what this matches. */
function chunk(file) {
  const key = Object.keys(manifest).find((candidate) => file.test(candidate));
  if (!key) throw new Error(`nothing matches ${file}: has its name changed?`);
  return key;
}

function sum(files) {
  return [...files].reduce((total, file) => total + gzip(file), 0);
}
