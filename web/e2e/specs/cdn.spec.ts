// A film at another origin: the real player in both engines, by signed addresses and by cookies, which end while it plays.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type Browser } from '@playwright/test';
import { ask, type BenchScope, openViewer, waitForPhase } from '../mock/bench.ts';
import { Cdn } from '../mock/cdn.ts';
import { MockHub } from '../mock/hub.ts';
import { test } from '../fixtures/test.ts';

/** Longer than what is fetched ahead, so that something is fetched after the first signature ended. */
const FILM_S = 28;
const LIFE_MS = 8_000;
let folder = '';

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-cdn-'));
  const film = join(folder, 'film');
  mkdirSync(film);
  const picture = `testsrc2=size=320x180:rate=25:duration=${FILM_S}`;
  const made = ['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', `sine=duration=${FILM_S}`];
  const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac', '-shortest'];
  const cut = ['-f', 'dash', '-seg_duration', '2', '-hls_playlist', '1', '-hls_master_name', 'master.m3u8'];
  const named = ['-adaptation_sets', 'id=0,streams=v id=1,streams=a', '-init_seg_name', 'init-$RepresentationID$.m4s'];
  execFileSync('ffmpeg', [...made, ...coded, ...cut, ...named, 'manifest.mpd'], { cwd: film });
  const ui = fileURLToPath(new URL('../../ui', import.meta.url));
  const config = fileURLToPath(new URL('../mock/vite.config.mjs', import.meta.url));
  execFileSync('npx', ['vite', 'build', '--logLevel', 'warn', '-c', config, '--outDir', join(folder, 'page')], { cwd: ui });
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WAYS = ['hls', 'dash'].flatMap((engine) => [false, true].map((cookies) => ({ engine, cookies })));

// All four at once: each takes as long as its film.
test('a film from another origin plays to its end by signed addresses and by cookies, in both engines', async ({ browser }) => {
  await Promise.all(WAYS.map((way) => plays(browser, way)));
});

async function plays(browser: Browser, { engine, cookies }: { engine: string; cookies: boolean }): Promise<void> {
  const [film, way] = [join(folder, 'film'), `${engine}, by ${cookies ? 'cookies' : 'signed addresses'}`];
  const cdn = await Cdn.start({ film, lifeMs: LIFE_MS, cookies });
  const hub = await MockHub.start({ pages: join(folder, 'page'), film, durationUs: FILM_S * 1_000_000, tokenLifeMs: LIFE_MS, cdn });
  cdn.site = `http://localhost:${hub.port}`;
  const { context, page } = await openViewer(browser, { port: hub.port, query: `engine=${engine}&muted=1` });
  await ask(page, 'play');
  await waitForPhase(page, ['following']);
  const ended = () => (globalThis as BenchScope).bench.player_().phase === 'ended';
  await page.waitForFunction(ended, undefined, { timeout: 60_000, polling: 250 });
  expect(await page.evaluate(() => document.querySelector('video')?.currentTime ?? 0), way).toBeGreaterThan(FILM_S - 0.5);
  expect(cdn.refused, `${way}: requests with nothing good`).toBe(0);
  expect(cdn.signatures.size, `${way}: renewed while it played`).toBeGreaterThan(1);
  expect(cdn.served.length, way).toBeGreaterThan(10);
  expect(hub.requests, `${way}: nothing of the film came from the site`).toEqual([]);
  await context.close();
  await hub.close();
  await cdn.close();
}
