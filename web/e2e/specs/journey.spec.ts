// The main journey, on the real program: set up, upload, watch the transcode live, watch together, talk.

import { expect } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, guest, jump, pictureReady, press, runs } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';
import { measureSkew, type Measured, offsetTarget, readStill } from '../harness/measure.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';

const SKEW_P95_MS = 20;
const WRONG_CLOCK = { offset_ms: 90_000, drift_ppm: 100 };

let server: Server;
let ada: Api;
let channel: { id: string; slug: string };
let film: string;

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  server = await Server.start();
});
test.afterAll(async () => {
  await server?.stop();
});

function judge(name: string, measured: Measured): void {
  console.log(`${name}: ${JSON.stringify(measured)}`);
  expect(measured.skew.covered, `${name}: the window was measured`).toBeGreaterThan(0.9);
  expect(measured.skew.rateA, `${name}: both play`).toBeGreaterThan(0.98);
  expect(measured.skew.p95, `${name}: p95 in ms`).toBeLessThan(SKEW_P95_MS);
}

test('set up, upload a film in the browser and see it become a stream', async ({ page }) => {
  await page.goto(server.setupLink ?? '');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Create the administrator' }).click();
  await expect(page.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await page.locator('input[type=file]').first().setInputFiles(clip('bbb720.mp4'));
  const tray = page.getByRole('region', { name: 'Uploads' });
  await expect(tray).toBeVisible();
  // Live: the stages pass by before it is ready.
  await expect(tray.getByText(/Looking into the file|Encoding|Packing the stream|Waiting for its turn/).filter({ visible: true }).first()).toBeVisible({ timeout: 30_000 });
  await expect(tray.getByText('All done')).toBeVisible({ timeout: 180_000 });
  // The set-up link works once.
  await page.context().clearCookies();
  await page.goto(server.setupLink ?? '');
  await expect(page.getByText('Lockstep is set up already.')).toBeVisible();
});

test('two viewers, one with a wrong clock, see the same frame', async ({ browser }) => {
  test.setTimeout(600_000);
  ada = await Api.signIn(server.url, 'Ada', 'correct horse battery');
  channel = await ada.channel('Movie night');
  film = await ada.upload(clip('frames480.mp4'));
  await ada.ready(film);
  await ada.load(channel.id, film);
  const a = await guest(browser, server.url, channel.slug, 'Grace');
  const b = await guest(browser, server.url, channel.slug, 'Linus', WRONG_CLOCK);
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  judge('after play', await measureSkew(a.page, b.page));
  // Three random places, early enough that the film outlasts the windows.
  const tenths = [1, 2, 3, 4].sort(() => Math.random() - 0.5).slice(0, 3);
  for (const [index, tenth] of tenths.entries()) {
    await jump(index % 2 === 0 ? b.page : a.page, tenth);
    judge(`after seek ${index + 1}, to ${tenth}0 %`, await measureSkew(a.page, b.page));
  }
  await b.page.reload();
  const join = b.page.getByRole('button', { name: 'Join', exact: true });
  if (await join.isVisible({ timeout: 5_000 }).catch(() => false)) await join.click();
  await pictureReady(b.page);
  await runs(b.page);
  judge('after a reload', await measureSkew(a.page, b.page));
  await press(b.page, 'k');
  const [left, right] = await Promise.all([readStill(a.page), readStill(b.page)]);
  expect(left.frame).not.toBeNull();
  expect(right.frame, 'paused: the same burned-in frame').toBe(left.frame);
  expect(right.currentTime).toBe(left.currentTime);
  // Chat, both ways.
  for (const [from, to, text] of [[a, b, 'hello from Grace'], [b, a, 'hello from Linus']] as const) {
    await from.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await from.page.getByRole('textbox', { name: 'Message' }).press('Enter');
    await expect(to.page.getByRole('log', { name: 'Chat messages' }).getByText(text)).toBeVisible();
    await expect(from.page.getByRole('log', { name: 'Chat messages' }).getByText(text)).toHaveCount(1);
  }
  // The negative control: the harness sees what is wrong. Early in the film, which has to last.
  await jump(a.page, 1);
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  await offsetTarget(b.page, 100);
  const { skew } = await measureSkew(a.page, b.page, { settle_ms: 4_000, p95_ms: 115 });
  console.log(`negative control: ${JSON.stringify(skew)}`);
  expect(skew.p50, 'a viewer 100 ms off reads 100 ± 15, or this run is void').toBeGreaterThan(85);
  expect(skew.p50).toBeLessThan(115);
  await a.context.close();
  await b.context.close();
});

test('a viewer behind a slow and jittery line is in step 20 s after joining', async ({ playwright, browser }) => {
  const delay = { base_ms: 150, jitter_ms: 50 };
  const proxy = await FaultProxy.start({ targetPort: server.port, up: delay, down: delay });
  const far = await playwright.chromium.launch({ executablePath: '/usr/bin/chromium', args: [...CHROMIUM_ARGS, viaProxy(server.port, proxy.port)] });
  const a = await guest(browser, server.url, channel.slug, 'Grace');
  await pictureReady(a.page);
  await jump(a.page, 0);
  // The button says what the channel does; the element itself pauses for a moment at every jump.
  if (await a.page.getByRole('button', { name: 'Play', exact: true }).isVisible()) await press(a.page, 'k');
  await runs(a.page);
  const b = await guest(far, server.url, channel.slug, 'Linus', WRONG_CLOCK);
  await runs(b.page);
  expect(proxy.accepted).toBeGreaterThan(0);
  judge('behind the proxy', await measureSkew(a.page, b.page, { settle_ms: 20_000 }));
  await a.context.close();
  await far.close();
  await proxy.close();
});

test('a late joiner who reloads disturbs nobody', async ({ browser }) => {
  const a = await guest(browser, server.url, channel.slug, 'Grace');
  await pictureReady(a.page);
  // Its own jump is over before anything is counted: a film that runs on until the jump arrives runs as well.
  await expect(a.page.locator('[data-sync=locked]')).toHaveCount(1);
  const landed = a.page.evaluate(() => new Promise<void>((resolve) => {
    document.querySelector('video')?.addEventListener('seeked', () => resolve(), { once: true });
  }));
  await jump(a.page, 2);
  await landed;
  await runs(a.page);
  await expect(a.page.locator('[data-sync=locked]')).toHaveCount(1);
  const measuring = a.page.evaluate(async () => {
    const video = document.querySelector('video');
    const seen = { seeks: 0, pauses: 0 };
    video?.addEventListener('seeking', () => (seen.seeks += 1));
    video?.addEventListener('pause', () => (seen.pauses += 1));
    (globalThis as { __seen?: typeof seen }).__seen = seen;
  });
  await measuring;
  const b = await guest(browser, server.url, channel.slug, 'Late');
  await runs(b.page);
  await b.page.reload();
  const seen = await a.page.evaluate(() => (globalThis as { __seen?: { seeks: number; pauses: number } }).__seen);
  expect(seen).toEqual({ seeks: 0, pauses: 0 });
  await a.context.close();
  await b.context.close();
});
