// Writes dist/documents.json: the SHA-256 of every query, mutation and subscription that the pages send, and its text. The
// program embeds it, answers to the hash alone, and runs nothing else for those without an account.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";

const FOLDER = "src/graphql";
/** An operation in the source, wherever it is; fragments are sent within operations. */
const OPERATION = /graphql\(\s*`\s*(query|mutation|subscription)\b/g;
const STARTS = /^(query|mutation|subscription)\b/;

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|svelte)$/.test(path) && !/\.(test|d)\.ts$/.test(path)) yield path;
  }
}

const written = new Map();
for (const path of sources("src")) {
  const count = [...readFileSync(path, "utf8").matchAll(OPERATION)].length;
  if (count > 0) written.set(path, count);
}

const server = await createServer({
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  appType: "custom",
  logLevel: "error",
  optimizeDeps: { noDiscovery: true },
});
const documents = {};
try {
  const { textOf } = await server.ssrLoadModule(`/${FOLDER}/document.ts`);
  for (const [path, count] of written) {
    if (!path.startsWith(`${FOLDER}/`)) throw new Error(`${path} has documents: they belong into ${FOLDER}`);
    const exported = Object.values(await server.ssrLoadModule(`/${path}`));
    const texts = exported.filter((value) => typeof value?.source === "string").map((value) => textOf(value));
    const operations = texts.filter((text) => STARTS.test(text));
    if (operations.length !== count) throw new Error(`${path} has ${count} documents and exports ${operations.length}`);
    for (const text of operations) documents[createHash("sha256").update(text).digest("hex")] = text;
  }
} finally {
  await server.close();
}
const sorted = Object.fromEntries(Object.entries(documents).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("dist/documents.json", `${JSON.stringify(sorted, null, 1)}\n`);
console.log(`wrote ${Object.keys(sorted).length} documents`);
