// Captions, sound tracks, small pictures and picture sizes: chosen by one viewer, while both stay on the same frame.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, guest, jump, pictureReady, press, runs, signIn, type Viewer } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';
import { measureSkew, readStill } from '../harness/measure.ts';

const SKEW_MS = 20;
/** A size chosen by hand is on screen within this. */
const SHOWS_MS = 2_000;
/** Key frames are two seconds apart; a choice this late after one misses the next while its size is fetched. */
const LATE_S = 1.85;
/** How long a size that does not come is waited for. */
const PATIENCE_MS = 15_000;

let server: Server;
let ada: Api;
let film: string;

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  test.setTimeout(600_000);
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  film = await ada.upload(clip('rich720.mkv'), 'video/x-matroska');
  await ada.ready(film);
});
test.afterAll(async () => {
  await server?.stop();
});

async function settings(page: Page): Promise<void> {
  // The bar hides while nothing moves over a film that runs.
  await page.mouse.move(300, 200);
  await page.mouse.move(320, 220);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await expect(page.getByRole('group', { name: 'Captions' })).toBeVisible();
}
async function choose(page: Page, group: string, name: string | RegExp): Promise<void> {
  await settings(page);
  const exact = typeof name === 'string';
  await page.getByRole('group', { name: group, exact: true }).getByRole('radio', { name, exact }).check();
  await page.keyboard.press('Escape');
}
/** Chooses a size at the worst moment; how many ms later its first picture came, by the page's own clock. */
async function sizeShows(page: Page, size: string): Promise<number> {
  await settings(page);
  const radio = page.getByRole('group', { name: 'Quality' }).getByRole('radio', { name: size, exact: true });
  const took = await radio.evaluate(
    (input: HTMLInputElement, { late, patience }) =>
      new Promise<number>((done) => {
        const video = document.querySelector('video') as HTMLVideoElement;
        const look = (): void => {
          if (video.currentTime % 2 < late) return void requestAnimationFrame(look);
          const chosen = performance.now();
          video.addEventListener('resize', () => done(performance.now() - chosen), { once: true });
          setTimeout(() => done(Number.POSITIVE_INFINITY), patience);
          input.click();
        };
        look();
      }),
    { late: LATE_S, patience: PATIENCE_MS },
  );
  await page.keyboard.press('Escape');
  return took;
}
const height = (page: Page) => page.evaluate(() => document.querySelector('video')?.videoHeight);
const words = (page: Page) => page.locator('[data-captions]');
async function inStep(a: Page, b: Page): Promise<void> {
  const { skew } = await measureSkew(a, b);
  expect(skew.p95, 'p95 in ms').toBeLessThan(SKEW_MS);
}
async function party(browser: Parameters<typeof guest>[0], name: string, engine: 'HLS' | 'DASH'): Promise<[Viewer, Viewer]> {
  const channel = await ada.channel(`${name} in ${engine}`);
  await ada.load(channel.id, film);
  const [a, b] = [await guest(browser, server.url, channel.slug, 'Grace'), await guest(browser, server.url, channel.slug, 'Linus')];
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  if (engine === 'DASH') {
    for (const { page } of [a, b]) {
      await choose(page, 'Stream', /DASH/);
      await pictureReady(page);
    }
  }
  return [a, b];
}

test('the film has words in two languages, two sounds and small pictures', async () => {
  const query = 'query($id: UUID!) { video(id: $id) { hlsUrl storyboardUrl captions { language label origin url } renditions { name complete } } }';
  const found = (await ada.ask(query, { id: film }))['video'] as {
    hlsUrl: string; storyboardUrl: string; captions: { language: string; label: string; url: string }[]; renditions: { name: string; complete: boolean }[];
  };
  expect(found.captions.map(({ language, label }) => `${language} ${label}`)).toEqual(['en ', 'de Deutsch']);
  expect(found.renditions.map(({ name }) => name)).toEqual(['720p', '480p', '360p', 'audio', 'audio2']);
  const master = await (await fetch(server.url + found.hlsUrl)).text();
  expect(master.match(/#EXT-X-MEDIA:TYPE=AUDIO/g)).toHaveLength(2);
  const captions = await fetch(server.url + (found.captions[0]?.url ?? ''));
  expect(captions.headers.get('content-type')).toContain('text/vtt');
  expect(await captions.text()).toContain('00:00:02.000 --> 00:00:03.900\nWords at 2 <i>seconds</i>');
  const board = await (await fetch(server.url + found.storyboardUrl)).text();
  expect(board.match(/#xywh=/g)).toHaveLength(30);
  const without = await fetch(server.url + found.storyboardUrl.replace(/\/v\/[^/]+/, '/v/nothing'));
  expect(without.status).toBe(403);
});

for (const engine of ['HLS', 'DASH'] as const) {
  test(`captions and another sound are one viewer's own, and both stay in step (${engine})`, async ({ browser }) => {
    test.setTimeout(240_000);
    const [a, b] = await party(browser, 'Own choices', engine);
    await press(a.page, 'k');
    await Promise.all([runs(a.page), runs(b.page)]);
    await choose(a.page, 'Captions', 'Deutsch');
    await expect(words(a.page)).toContainText(/Worte bei \d+/);
    await expect(words(b.page)).toHaveCount(0);
    await choose(a.page, 'Sound', 'German');
    await settings(b.page);
    const heard = b.page.getByRole('group', { name: 'Sound', exact: true });
    await expect(heard.getByRole('radio', { name: 'English' })).toBeChecked();
    await b.page.keyboard.press('Escape');
    await jump(b.page, 0);
    await Promise.all([runs(a.page), runs(b.page)]);
    await inStep(a.page, b.page);
    await press(a.page, 'c');
    await expect(words(a.page)).toHaveCount(0);
    await press(a.page, 'c');
    await expect(words(a.page)).toHaveCount(1);
    // Remembered by language: the next film, here the same one again, begins so.
    await a.page.reload();
    await pictureReady(a.page);
    await expect(words(a.page)).toHaveCount(1);
    await settings(a.page);
    await expect(a.page.getByRole('group', { name: 'Sound', exact: true }).getByRole('radio', { name: 'German' })).toBeChecked();
    await a.context.close();
    await b.context.close();
  });
}

test('the seek bar shows the picture of its place, by mouse and by keyboard', async ({ browser }) => {
  const channel = await ada.channel('Small pictures');
  await ada.load(channel.id, film);
  const { page, context } = await guest(browser, server.url, channel.slug, 'Grace');
  await pictureReady(page);
  const bar = page.getByRole('slider', { name: 'Seek' });
  const tile = page.locator('[data-tile]');
  const box = await bar.boundingBox();
  if (!box) throw new Error('there is no seek bar');
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2);
  await expect(tile).toBeVisible();
  const picture = tile.locator('img');
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalHeight)).toBe(90);
  const first = await picture.getAttribute('src');
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await expect(picture).not.toHaveAttribute('src', first ?? '');
  await page.mouse.move(box.x + box.width * 0.9, box.y - 300);
  await expect(tile).toHaveCount(0);
  await page.keyboard.press('Tab');
  await bar.focus();
  await page.keyboard.press('Home');
  await expect(tile).toHaveAttribute('data-tile', '0,0');
  await clean(page, 'media-seek');
  await context.close();
});

test('the owner adds a caption file, a wrong one is refused with its line, and another viewer can choose it', async ({ browser }, info) => {
  const channel = await ada.channel('More words');
  await ada.load(channel.id, film);
  const b = await guest(browser, server.url, channel.slug, 'Linus');
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  await page.goto(`${server.url}/c/${channel.slug}`);
  await Promise.all([pictureReady(page), pictureReady(b.page)]);
  await settings(b.page);
  await expect(b.page.getByRole('button', { name: 'Add captions…' })).toHaveCount(0);
  await b.page.keyboard.press('Escape');
  const add = async (name: string, text: string): Promise<void> => {
    const file = join(info.outputDir, name);
    writeFileSync(info.outputPath(name), text);
    await page.getByLabel('Caption file (.srt or .vtt)').setInputFiles(file);
    await page.getByLabel('Name', { exact: true }).fill('Français');
    await page.getByLabel('Language').fill('fr');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
  };
  await settings(page);
  await page.getByRole('button', { name: 'Add captions…' }).click();
  await add('wrong.srt', '1\n00:00:00,000 --> 00:00:50,000\nBonjour\n\nAu revoir\n');
  await expect(page.getByRole('alert')).toContainText('Line 5');
  await clean(page, 'media-add');
  await add('good.srt', '1\n00:00:00,000 --> 00:00:50,000\nBonjour <b>tout</b> le monde\n');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await choose(b.page, 'Captions', 'Français');
  await expect(words(b.page)).toHaveText('Bonjour tout le monde');
  await clean(b.page, 'media-captions');
  await context.close();
  await b.context.close();
});

for (const engine of ['HLS', 'DASH'] as const) {
  test(`another size is on screen within two seconds, and both stay in step (${engine})`, async ({ browser }) => {
    test.setTimeout(240_000);
    const [a, b] = await party(browser, 'Sizes', engine);
    for (const { page } of [a, b]) {
      await choose(page, 'Quality', '360p');
      await expect.poll(() => height(page), { timeout: 30_000 }).toBe(360);
    }
    await press(a.page, 'k');
    await Promise.all([runs(a.page), runs(b.page)]);
    await press(a.page, 's');
    for (const size of [720, 360, 720]) {
      const took = await sizeShows(a.page, `${size}p`);
      expect(took, `${size}p, ms`).toBeLessThanOrEqual(SHOWS_MS);
      expect(await height(a.page)).toBe(size);
      await expect(a.page.getByRole('region', { name: 'Stats for nerds' })).toContainText(`× ${size}`);
    }
    expect(await height(b.page), 'the other viewer keeps theirs').toBe(360);
    await inStep(a.page, b.page);
    // Chosen while the film stands still, it shows without going on.
    await press(a.page, 'k');
    await a.page.waitForFunction(() => document.querySelector('video')?.paused === true);
    const before = await readStill(a.page);
    await choose(a.page, 'Quality', '480p');
    await expect.poll(() => height(a.page), { timeout: SHOWS_MS }).toBe(480);
    expect((await readStill(a.page)).currentTime).toBe(before.currentTime);
    // Remembered for the next film, here the same one again.
    await a.page.reload();
    await pictureReady(a.page);
    await settings(a.page);
    await expect(a.page.getByRole('group', { name: 'Quality' }).getByRole('radio', { name: '480p' })).toBeChecked();
    await a.context.close();
    await b.context.close();
  });
}
