// How fast a file gets to the store: chosen in the page and sent by it in parts, beside a bare `curl -T` of the same file
// to the same store of the same running program, turn by turn (ABBA). Prints one JSON line.

import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, expect, type Page, test } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';
import { type Keys, presignedPut } from './sigv4.ts';

const SIZE_BYTES = Number(process.env['LOCKSTEP_BENCH_BYTES'] ?? 500_000_000);
/** Turns of four: ours, the peer, the peer, ours. */
const TURNS = 3;
/** A line of 320 Mbit/s. */
const LINE_BYTES_PER_SECOND = 40_000_000;
const BUCKET = 'lockstep-interim';

const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
let server: Server;

test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  server = await Server.start({ env: { LOCKSTEP_TRANSCODE_SLOTS: '1' } });
  await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Begins as a film does, so that it is taken, and is none, so that nothing is made of it meanwhile. */
function file(name: string, bytes: number): string {
  const path = join(folder, name);
  const made = openSync(path, 'w');
  writeSync(made, Buffer.from('\0\0\0\x20ftypisom', 'latin1'));
  ftruncateSync(made, bytes);
  closeSync(made);
  return path;
}

/** Seconds from the choice to the server's word that the file is there. */
async function ours(page: Page, path: string): Promise<number> {
  const confirmed = page.waitForResponse((answer) => answer.request().postData()?.includes('confirmUpload') ?? false, { timeout: 300_000 });
  const from = performance.now();
  await page.locator('input[type=file]').first().setInputFiles(path);
  const body = (await (await confirmed).json()) as { data: { confirmUpload: { __typename: string } } };
  expect(body.data.confirmUpload.__typename).not.toBe('Refused');
  return (performance.now() - from) / 1_000;
}

/** Seconds until the store has answered curl. */
async function peers(path: string, key: string, keys: Keys, via: number | null): Promise<number> {
  const url = presignedPut(new URL(`/${BUCKET}/u/${key}`, server.url), keys, new Date());
  const from = performance.now();
  // The proxy is in this process: it must go on meanwhile.
  const { stdout: status } = await promisify(execFile)('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Expect:', ...through(via), '-T', path, url]);
  expect(status).toBe('200');
  return (performance.now() - from) / 1_000;
}

function through(via: number | null): string[] {
  return via === null ? [] : ['--connect-to', `localhost:${server.port}:127.0.0.1:${via}`];
}

function median(all: number[]): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

let number = 0;
const path = (): string => file(`film${number}.mp4`, SIZE_BYTES + (number += 1));

/** Both, turn by turn; `via` is the proxy's port where there is one. */
async function sideBySide(page: Page, name: string, via: number | null): Promise<void> {
  const keys = JSON.parse(readFileSync(join(server.data, 'objects/keys.json'), 'utf8')) as Keys;
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  const [we, peer]: [number[], number[]] = [[], []];
  // Once without counting: everything is loaded and the disk is awake.
  await ours(page, path());
  await peers(path(), `${name}-warm`, keys, via);
  for (let turn = 0; turn < TURNS; turn += 1) {
    we.push(await ours(page, path()));
    for (let once = 0; once < 2; once += 1) peer.push(await peers(path(), `${name}-${number}`, keys, via));
    we.push(await ours(page, path()));
  }
  const speed = (seconds: number) => SIZE_BYTES / 1e6 / seconds;
  const line = {
    name,
    ours: speed(median(we)),
    peer: speed(median(peer)),
    peer_name: 'curl -T of the same file to the same store',
    ratio: median(peer) / median(we),
    unit: 'MB/s, median, more is better',
    conditions: `${SIZE_BYTES / 1e6} MB, ${TURNS * 2} times each, ABBA, ours ${we.map((s) => s.toFixed(2)).join(' ')} s, peer ${peer.map((s) => s.toFixed(2)).join(' ')} s, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`,
  };
  console.log(JSON.stringify(line));
}

test('an upload from the page and by curl, without a network in between', async ({ page }) => {
  await sideBySide(page, 'upload', null);
});

test('an upload from the page and by curl, over a line', async () => {
  // It counts every connection together, so four at once gain nothing.
  const proxy = await FaultProxy.start({ targetPort: server.port, upBytesPerSecond: LINE_BYTES_PER_SECOND });
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...CHROMIUM_ARGS, viaProxy(server.port, proxy.port)] });
  await sideBySide(await browser.newPage(), 'upload-line', proxy.port);
  await browser.close();
  await proxy.close();
});
