// A 1080p film through the whole ladder, in both engines; and delivery links that live shorter than the film.

import { expect, type Browser } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, guest, pictureReady, press, runs } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

let server: Server;
let ada: Api;

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  server = await Server.start({ env: { LOCKSTEP_TOKEN_LIFE_S: '15' } });
  ada = await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  await server?.stop();
});

test('a 1080p film gets four sizes and a sound track', async () => {
  test.setTimeout(600_000);
  const video = await ada.upload(clip('full1080.mp4'));
  await ada.ready(video);
  const data = await ada.ask('query($id: UUID!) { video(id: $id) { hlsUrl dashUrl width height renditions { name width height bandwidthBps codecs complete } } }', { id: video });
  const film = data['video'] as { hlsUrl: string; dashUrl: string; height: number; renditions: { name: string; height: number; bandwidthBps: number; codecs: string; complete: boolean }[] };
  expect(film.renditions.map(({ name }) => name).sort()).toEqual(['1080p', '360p', '480p', '720p', 'audio']);
  expect(film.renditions.every(({ complete, bandwidthBps, codecs }) => complete && bandwidthBps > 0 && codecs !== '')).toBe(true);
  const master = await (await fetch(server.url + film.hlsUrl)).text();
  expect(master.match(/#EXT-X-STREAM-INF/g)).toHaveLength(4);
  const manifest = await (await fetch(server.url + film.dashUrl)).text();
  expect(manifest.match(/<Representation /g)).toHaveLength(5);
});

// Both at once: each takes as long as its film.
test('a 60 s film plays to its end while its links live 15 s, in both engines', async ({ browser }) => {
  test.setTimeout(700_000);
  const video = await ada.upload(clip('sixty.mp4'));
  await ada.ready(video);
  await Promise.all((['HLS', 'DASH'] as const).map((engine) => plays(browser, video, engine)));
});

async function plays(browser: Browser, video: string, engine: 'HLS' | 'DASH'): Promise<void> {
  const channel = await ada.channel(`Sixty in ${engine}`);
  await ada.load(channel.id, video);
  const { page, context } = await guest(browser, server.url, channel.slug, 'Grace');
  const refused: string[] = [];
  const fetched = { count: 0 };
  page.on('response', (response) => {
    if (!response.url().includes('/v/')) return;
    fetched.count += 1;
    if (response.status() >= 400) refused.push(`${response.status()} ${response.url()}`);
  });
  await pictureReady(page);
  if (engine === 'DASH') {
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    await page.getByText('DASH', { exact: true }).click();
    await page.keyboard.press('Escape');
    await pictureReady(page);
  }
  await press(page, 'k');
  await runs(page);
  await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 59, undefined, { timeout: 100_000 });
  expect(refused, engine).toEqual([]);
  expect(fetched.count, engine).toBeGreaterThan(20);
  await context.close();
}
