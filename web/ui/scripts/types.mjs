// Writes src/graphql/env.d.ts from the server's schema file, or with --check says whether the committed one has drifted.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const committed = "src/graphql/env.d.ts";
const check = process.argv.includes("--check");
const folder = check ? mkdtempSync(join(tmpdir(), "lockstep-types-")) : null;
const output = folder ? join(folder, "env.d.ts") : committed;

execFileSync("node_modules/.bin/gql.tada", ["generate-output", "--output", output], {
  stdio: ["ignore", "ignore", "inherit"],
});
if (folder) {
  const same = readFileSync(output, "utf8") === readFileSync(committed, "utf8");
  rmSync(folder, { recursive: true });
  if (!same) {
    console.error(`${committed} is not what the schema gives: run npm run types and commit it`);
    process.exit(1);
  }
}
