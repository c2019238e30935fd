// A party as people meet it: in by one click, moderation that bites at once, one remote, chat in full screen and on a
// small phone.

import { type Browser, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, guest, pictureReady, press, runs, type Viewer } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';
import { measureSkew } from '../harness/measure.ts';

/** What a moderator does bites within this. */
const BITES_MS = 1_000;
const IN_STEP_MS = 3_000;
/** Browsers that ask for a gesture before there is sound, as those of people do. */
const STRICT = CHROMIUM_ARGS.filter((arg) => !arg.startsWith('--autoplay-policy'));

let server: Server;
let ada: Api;
let film: string;

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  test.setTimeout(300_000);
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  film = await ada.upload(clip('sixty.mp4'));
  await ada.ready(film);
});
test.afterAll(async () => {
  await server?.stop();
});

async function channel(name: string): Promise<{ id: string; slug: string }> {
  const made = await ada.channel(name);
  await ada.load(made.id, film);
  return made;
}
async function account(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const answer = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: '{ me { id } }' }) });
    return ((await answer.json()) as { data: { me: { id: string } } }).data.me.id;
  });
}
async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
}
const log = (page: Page) => page.getByRole('log', { name: 'Chat messages' });

test('a guest is in by one link, one field and one click, with sound and in step within three seconds', async ({ playwright, browser }) => {
  const { slug } = await channel('One click');
  const a = await guest(browser, server.url, slug, 'Grace');
  await pictureReady(a.page);
  await press(a.page, 'k');
  await runs(a.page);
  const strict = await playwright.chromium.launch({ executablePath: '/usr/bin/chromium', args: STRICT });
  const page = await (await strict.newContext()).newPage();
  await page.goto(`${server.url}/c/${slug}`);
  await page.getByLabel('Your name').fill('Linus');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.locator('[data-sync=locked]').waitFor({ timeout: IN_STEP_MS });
  const sound = await page.evaluate(() => {
    const video = document.querySelector('video');
    return { muted: video?.muted, volume: video?.volume, paused: video?.paused };
  });
  expect(sound).toEqual({ muted: false, volume: 1, paused: false });
  const { skew } = await measureSkew(a.page, page);
  expect(skew.p95, 'p95 in ms').toBeLessThan(20);
  await strict.close();
  await a.context.close();
});

test('slow mode, a mute and a ban bite within a second, and say why', async ({ browser }) => {
  const { id, slug } = await channel('Order');
  const a = await guest(browser, server.url, slug, 'Grace');
  const b = await guest(browser, server.url, slug, 'Linus');
  const who = await account(b.page);
  const composer = b.page.getByRole('textbox', { name: 'Message' });
  await say(b.page, 'first');
  await expect(log(a.page).getByText('first')).toBeVisible();
  await ada.change('setSlowMode', 'SetSlowModeInput', { channel: id, seconds: 60 });
  await say(b.page, 'too soon');
  await expect(b.page.getByText(/Slow mode: you can write again in \d+ s\./)).toBeVisible({ timeout: BITES_MS });
  await expect(log(a.page).getByText('too soon')).toHaveCount(0);
  await ada.change('setSlowMode', 'SetSlowModeInput', { channel: id, seconds: 0 });
  await ada.change('muteMember', 'MuteMemberInput', { channel: id, account: who });
  await expect(b.page.getByText('You are muted here for now.')).toBeVisible({ timeout: BITES_MS });
  await expect(b.page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled();
  await ada.change('unmuteMember', 'MemberInput', { channel: id, account: who });
  await expect(b.page.getByText('You are muted here for now.')).toBeHidden({ timeout: BITES_MS });
  await composer.fill('back again');
  await composer.press('Enter');
  await expect(log(a.page).getByText('back again')).toBeVisible();
  await ada.change('banMember', 'ModerateInput', { channel: id, account: who });
  await expect(b.page.getByRole('heading', { name: 'You are banned from this channel' })).toBeVisible({ timeout: BITES_MS });
  await b.page.reload();
  await expect(b.page.getByText(/banned/)).toBeVisible();
  await closeAll(a, b);
});

test('the one remote is handed over, and playing with it', async ({ browser }) => {
  const { id, slug } = await channel('Remote');
  const [a, b] = [await guest(browser, server.url, slug, 'Grace'), await guest(browser, server.url, slug, 'Linus')];
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  await ada.change('changeRemoteMode', 'ChangeRemoteModeInput', { channel: id, holder: await account(a.page) });
  await expect(b.page.locator('.dimmed').first()).toBeVisible();
  await press(b.page, 'k');
  await expect(b.page.getByText('Grace has the remote. Ask Grace for it.')).toBeVisible();
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  await a.page.getByRole('tab', { name: /^People/ }).click();
  await a.page.getByRole('button', { name: 'What you can do for Linus' }).click();
  await a.page.getByRole('button', { name: 'Give the remote' }).click();
  await b.page.getByRole('tab', { name: /^People/ }).click();
  await expect(b.page.getByRole('listitem').filter({ hasText: 'Linus' }).getByRole('img', { name: 'has the remote' })).toBeVisible();
  await expect(a.page.getByRole('listitem').filter({ hasText: 'Linus' }).getByRole('img', { name: 'has the remote' })).toBeVisible();
  await press(a.page, 'k');
  await expect(a.page.getByText('Linus has the remote. Ask Linus for it.')).toBeVisible();
  await press(b.page, 'k');
  for (const { page } of [a, b]) await expect(page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  await closeAll(a, b);
});

test('one frame goes for everybody, earlier or later for one device, and that is remembered', async ({ browser }) => {
  const { slug } = await channel('Own ways');
  const [a, b] = [await guest(browser, server.url, slug, 'Grace'), await guest(browser, server.url, slug, 'Linus')];
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  const at = (page: Page) => page.evaluate(() => document.querySelector('video')?.currentTime ?? -1);
  const before = await at(b.page);
  await press(a.page, '.');
  // 25 frames a second: 40 ms each.
  await expect.poll(async () => Math.round(((await at(b.page)) - before) * 1_000)).toBe(40);
  const stepped = await at(b.page);
  await expect.poll(() => at(a.page)).toBe(stepped);
  await b.page.getByRole('region', { name: 'Video player' }).hover();
  await b.page.getByRole('button', { name: 'Settings', exact: true }).click();
  await b.page.getByRole('slider', { name: 'Earlier or later than everyone' }).fill('200');
  await clean(b.page, 'player-settings');
  await b.page.keyboard.press('Escape');
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  const shifted = await measureSkew(a.page, b.page, { settle_ms: 4_000, p95_ms: 230 });
  expect(Math.abs(shifted.skew.p50), 'one device is 200 ms earlier').toBeGreaterThan(180);
  expect(Math.abs(shifted.skew.p50)).toBeLessThan(220);
  expect(await a.page.evaluate(() => navigator.mediaSession.metadata?.title), 'for lock screens and headsets').toBe('sixty.mp4');
  await a.page.getByRole('region', { name: 'Video player' }).hover();
  await a.page.getByRole('button', { name: 'Picture in picture' }).click();
  await expect.poll(() => a.page.evaluate(() => document.pictureInPictureElement?.tagName)).toBe('VIDEO');
  await b.page.reload();
  await pictureReady(b.page);
  await b.page.getByRole('region', { name: 'Video player' }).hover();
  await b.page.getByRole('button', { name: 'Settings', exact: true }).click();
  await expect(b.page.getByRole('slider', { name: 'Earlier or later than everyone' })).toHaveValue('200');
  await closeAll(a, b);
});

test('the chat lies over the film in full screen', async ({ browser }) => {
  const { slug } = await channel('Full screen');
  const [a, b] = [await guest(browser, server.url, slug, 'Grace'), await guest(browser, server.url, slug, 'Linus')];
  await pictureReady(a.page);
  await press(a.page, 'f');
  await expect(a.page.getByRole('button', { name: 'Exit full screen' })).toBeVisible();
  const picture = await a.page.locator('video').boundingBox();
  const size = await a.page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
  expect(picture, 'the picture has the whole screen').toMatchObject(size);
  await press(a.page, 'Enter');
  await a.page.keyboard.type('from full screen');
  await a.page.keyboard.press('Enter');
  await expect(log(b.page).getByText('from full screen')).toBeVisible();
  await say(b.page, 'and back');
  await expect(log(a.page).getByText('and back')).toBeInViewport();
  await clean(a.page);
  await a.page.getByRole('region', { name: 'Video player' }).hover();
  await a.page.getByRole('button', { name: 'Hide the chat' }).click();
  await expect(log(a.page)).toBeHidden();
  await a.page.getByRole('button', { name: 'Show the chat' }).click();
  await expect(log(a.page)).toBeVisible();
  await closeAll(a, b);
});

test('watching and talking fit on a screen of 320 px', async ({ browser }) => {
  const { slug } = await channel('Small');
  const a = await small(browser, slug);
  const b = await guest(browser, server.url, slug, 'Linus');
  await pictureReady(a.page);
  await say(a.page, 'from a small phone');
  await expect(log(b.page).getByText('from a small phone')).toBeVisible();
  await say(b.page, 'a-long-word-without-any-place-to-break-it-'.repeat(8));
  await expect(log(a.page).getByText('a-long-word')).toBeVisible();
  for (const tab of [/^Chat/, /^People/, /^Queue/, /^Activity/]) {
    await a.page.getByRole('tab', { name: tab }).click();
    expect(await a.page.evaluate(() => document.documentElement.scrollWidth), 'nothing is wider than the screen').toBe(320);
    await clean(a.page);
  }
  await closeAll(a, b);
});

async function small(browser: Browser, slug: string): Promise<Viewer> {
  const context = await browser.newContext({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto(`${server.url}/c/${slug}`);
  await page.getByLabel('Your name').fill('Grace');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  return { context, page };
}
async function closeAll(...viewers: Viewer[]): Promise<void> {
  for (const { context } of viewers) await context.close();
}
