// The player as people use it: small over other pages, chapters, captions as they like them, touch, the keyboard alone,
// and the numbers behind the picture.

import { type Browser, type BrowserContextOptions, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, guest, jump, pictureReady, press, runs, signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';
import { measureSkew } from '../harness/measure.ts';
import { readRecording, startRecording } from '../harness/sampler.ts';

const SKEW_MS = 20;
/** Tab stops from one end of a page to the other at most. */
const TABS_MAX = 120;

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

async function channel(name: string): Promise<{ id: string; slug: string }> {
  const made = await ada.channel(name);
  await ada.load(made.id, film);
  return made;
}
async function member(browser: Browser, slug: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  await page.goto(`${server.url}/c/${slug}`);
  await pictureReady(page);
  return page;
}
/** Brings the bar over a film that runs. */
async function wake(page: Page): Promise<void> {
  await page.mouse.move(300, 200);
  await page.mouse.move(320, 220);
}
const seconds = (page: Page) => page.evaluate(() => document.querySelector('video')?.currentTime ?? -1);
const mini = (page: Page) => page.getByRole('complementary', { name: 'The film you are watching' });

test('a film goes on small while its viewer looks at other pages, in step, with a way back and out', async ({ browser }) => {
  const { slug } = await channel('Small');
  const a = await member(browser, slug);
  const b = await guest(browser, server.url, slug, 'Grace');
  await pictureReady(b.page);
  await press(a, 'k');
  await Promise.all([runs(a), runs(b.page)]);
  // It is the same picture that goes on, not another one of the same film.
  await a.evaluate(() => document.querySelector('video')?.setAttribute('data-same', 'yes'));
  await a.getByRole('link', { name: 'Lockstep, home' }).click();
  await expect(a).toHaveURL(`${server.url}/`);
  await expect(a.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await expect(mini(a).locator('video[data-same]')).toBeVisible();
  const sound = await a.evaluate(() => {
    const video = document.querySelector('video');
    return { muted: video?.muted, paused: video?.paused };
  });
  expect(sound).toEqual({ muted: false, paused: false });
  const { skew } = await measureSkew(a, b.page);
  expect(skew.p95, 'p95 in ms').toBeLessThan(SKEW_MS);
  await clean(a, 'player-mini');
  await fits(a, 'player-mini');
  // The keys of the player are the page's own again.
  const before = await a.evaluate(() => document.querySelector('video')?.paused);
  await press(a, 'k');
  expect(await a.evaluate(() => document.querySelector('video')?.paused)).toBe(before);
  // The film has to last to the end of this.
  await jump(b.page, 0);
  await mini(a).getByRole('link', { name: 'Back to Small' }).click();
  await expect(a.getByRole('log', { name: 'Chat messages' })).toBeVisible();
  await expect(mini(a)).toHaveCount(0);
  await expect(a.locator('video[data-same]')).toBeVisible();
  // Once more, and out: the other one sees the viewer leave.
  await a.getByRole('link', { name: 'Lockstep, home' }).click();
  await mini(a).getByRole('button', { name: 'Close and leave the channel' }).click();
  await expect(mini(a)).toHaveCount(0);
  await expect(b.page.getByText('1 watching')).toBeVisible();
  // A film that stands still stays behind.
  await jump(b.page, 0);
  await a.goto(`${server.url}/c/${slug}`);
  await pictureReady(a);
  await runs(a);
  await press(a, 'k');
  // The button says what the channel does; the element itself pauses for a moment when it finds its place.
  await expect(a.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  await a.getByRole('link', { name: 'Lockstep, home' }).click();
  await expect(a.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await expect(mini(a)).toHaveCount(0);
  await a.context().close();
  await b.context.close();
});

test('chapters come from the film: marks, names over the bar, a menu, and keys for everybody', async ({ browser }) => {
  const { slug } = await channel('Parts');
  const a = await member(browser, slug);
  const b = await guest(browser, server.url, slug, 'Linus');
  await pictureReady(b.page);
  const bar = a.getByRole('slider', { name: 'Seek' });
  await expect(bar).toHaveAttribute('aria-valuetext', /^Beginning, /);
  await expect(bar.locator('[data-chapter]')).toHaveCount(1);
  const box = await bar.boundingBox();
  if (!box) throw new Error('there is no seek bar');
  const mark = await bar.locator('[data-chapter="End"]').boundingBox();
  expect(((mark?.x ?? 0) + (mark?.width ?? 0) / 2 - box.x) / box.width).toBeCloseTo(0.5, 2);
  await a.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2);
  await expect(bar).toContainText('End');
  await clean(a, 'player-chapters');
  await press(a, 'Control+ArrowRight');
  await Promise.all([a, b.page].map((page) => expect.poll(() => seconds(page)).toBeCloseTo(30, 0)));
  await expect(bar).toHaveAttribute('aria-valuetext', /^End, /);
  await press(a, 'Control+ArrowLeft');
  await Promise.all([a, b.page].map((page) => expect.poll(() => seconds(page)).toBeLessThan(1)));
  await wake(a);
  await a.getByRole('button', { name: 'Chapters, now Beginning' }).click();
  await a.getByRole('list', { name: 'Chapters' }).getByRole('button', { name: /^End/ }).click();
  await expect.poll(() => seconds(b.page)).toBeCloseTo(30, 0);
  await a.context().close();
  await b.context.close();
});

test('captions look as this viewer likes them, at once, and again the next time', async ({ browser }) => {
  const { slug } = await channel('Looks');
  const { page, context } = await guest(browser, server.url, slug, 'Grace');
  await pictureReady(page);
  await press(page, 'c');
  const words = page.locator('[data-captions] p').first();
  await expect(words).toHaveText('Words at 0 seconds');
  const look = () =>
    words.evaluate((node) => {
      const { fontSize, color, backgroundColor, textShadow } = getComputedStyle(node);
      const box = node.getBoundingClientRect();
      const film = document.querySelector('video')?.getBoundingClientRect();
      return { size: parseFloat(fontSize), color, backgroundColor, edged: textShadow !== 'none', share: film ? (box.top - film.top) / film.height : -1 };
    });
  const first = await look();
  expect(first).toMatchObject({ color: 'rgb(255, 255, 255)', edged: false });
  expect(first.share).toBeGreaterThan(0.5);
  await wake(page);
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('button', { name: 'How captions look…' }).click();
  const dialog = page.getByRole('dialog', { name: 'How captions look' });
  const pick = (group: string, name: string) => dialog.getByRole('group', { name: group, exact: true }).getByRole('radio', { name, exact: true }).check();
  await pick('Size', 'Very large');
  await pick('Text', 'Yellow');
  await pick('Edge of the text', 'Outline');
  await pick('Background', 'None');
  await pick('Place', 'Top');
  await expect(dialog.locator('[data-caption-sample] p')).toHaveCSS('color', 'rgb(255, 225, 77)');
  await clean(page, 'player-captions');
  await fits(page, 'player-captions');
  await dialog.getByRole('button', { name: 'Close' }).click();
  const check = async (): Promise<void> => {
    await expect(words).toHaveText('Words at 0 seconds');
    const now = await look();
    expect(now).toMatchObject({ color: 'rgb(255, 225, 77)', backgroundColor: 'rgba(0, 0, 0, 0)', edged: true });
    expect(now.size).toBeCloseTo(first.size * 2, 0);
    expect(now.share).toBeLessThan(0.3);
  };
  await check();
  await page.reload();
  await pictureReady(page);
  await check();
  await context.close();
});

test('a double tap at a side skips for everybody and says so; a single tap shows the bar', async ({ browser }) => {
  const { slug } = await channel('Taps');
  const b = await guest(browser, server.url, slug, 'Linus');
  const context = await browser.newContext({ hasTouch: true, viewport: { width: 390, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${server.url}/c/${slug}`);
  await page.getByLabel('Your name').fill('Grace');
  await page.getByRole('button', { name: 'Join', exact: true }).tap();
  await Promise.all([pictureReady(page), pictureReady(b.page)]);
  const box = await page.locator('video').boundingBox();
  if (!box) throw new Error('there is no picture');
  const tap = (share: number) => page.touchscreen.tap(box.x + box.width * share, box.y + box.height * 0.4);
  await tap(0.5);
  expect(await page.evaluate(() => document.querySelector('video')?.paused)).toBe(true);
  // The other buttons of a mouse are not the film's.
  for (const button of ['right', 'middle'] as const) {
    await b.page.locator('video').click({ button, position: { x: 40, y: 60 } });
    expect(await b.page.getByRole('button', { name: 'Play', exact: true }).count(), button).toBe(1);
  }
  // Shown for a moment only: looked for before it is there.
  const said = page.getByText('+10 s').waitFor();
  await Promise.all([tap(0.9), tap(0.9)]);
  await said;
  await Promise.all([page, b.page].map((one) => expect.poll(() => seconds(one)).toBeCloseTo(10, 0)));
  await Promise.all([tap(0.1), tap(0.1)]);
  await Promise.all([page, b.page].map((one) => expect.poll(() => seconds(one)).toBeLessThan(1)));
  await context.close();
  await b.context.close();
});

test('theatre, picture in picture, numbers, a screen that stays on, and what is loaded', async ({ browser }) => {
  const { slug } = await channel('Devices');
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const held = { asked: 0, released: 0 };
    Object.assign(globalThis, { held });
    const lock = { release: () => Promise.resolve(void (held.released += 1)) };
    Object.defineProperty(navigator, 'wakeLock', { value: { request: () => Promise.resolve((held.asked += 1)).then(() => lock) } });
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/c/${slug}`);
  await page.getByLabel('Your name').fill('Grace');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await pictureReady(page);
  const locks = () => page.evaluate(() => (globalThis as unknown as { held: { asked: number; released: number } }).held);
  const kept = async (): Promise<number> => {
    const { asked, released } = await locks();
    return asked - released;
  };
  expect(await kept()).toBe(0);
  const width = () => page.locator('video').evaluate((video) => video.getBoundingClientRect().width);
  const narrow = await width();
  await press(page, 't');
  await expect.poll(width).toBeGreaterThan(narrow + 300);
  await press(page, 't');
  await expect.poll(width).toBe(narrow);
  await press(page, 'k');
  await runs(page);
  await expect.poll(kept).toBe(1);
  await press(page, 's');
  const numbers = page.getByRole('region', { name: 'Stats for nerds' });
  await expect(numbers).toContainText(/Sync error\s*[+−±]?\d+/);
  await expect(numbers).toContainText(/Clock bound\s*±\d/);
  await expect(numbers).toContainText(/Level\s*\d+p/);
  await expect(numbers).toContainText(/Resolution\s*\d+ × \d+/);
  await expect(numbers).toContainText(/Buffered ahead\s*[1-9][\d.]* s/);
  await expect(numbers).toContainText(/Dropped frames\s*\d+ \/ [1-9]/);
  const loaded = () => page.locator('.loaded').evaluateAll((parts) => Math.max(0, ...parts.map((part) => part.getBoundingClientRect().right)));
  const knob = () => page.locator('.played').evaluate((part) => part.getBoundingClientRect().right);
  expect(await loaded()).toBeGreaterThan(await knob());
  expect(await page.evaluate(() => navigator.mediaSession.metadata?.title)).toContain('rich720');
  await press(page, 'k');
  await expect.poll(kept).toBe(0);
  expect((await locks()).asked, 'not at every look at the clock').toBeLessThan(5);
  await context.close();
});

test('a browser that refuses sound plays muted and in step, and one tap brings the sound without a jump', async ({ browser }) => {
  const { slug } = await channel('Refused');
  const a = await guest(browser, server.url, slug, 'Grace');
  await pictureReady(a.page);
  await press(a.page, 'k');
  await runs(a.page);
  const { page, context } = await guest(browser, server.url, slug, 'Linus');
  // What a test asks of a page counts as a gesture, so the browser's own refusal cannot be had here: the page has one.
  await page.addInitScript(() => {
    let pressed = false;
    addEventListener('click', () => (pressed = true), true);
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      if (this.muted || pressed) return play.call(this);
      return Promise.reject(new DOMException('a gesture is needed', 'NotAllowedError'));
    };
  });
  await page.reload();
  const tap = page.getByRole('button', { name: 'Tap for sound' });
  await expect(tap).toBeVisible();
  await runs(page);
  // The browser's refusal is not taken for a wish: it is offered again.
  await page.reload();
  await expect(tap).toBeVisible();
  await runs(page);
  expect(await page.evaluate(() => document.querySelector('video')?.muted)).toBe(true);
  expect((await measureSkew(a.page, page)).skew.p95, 'muted, p95 in ms').toBeLessThan(SKEW_MS);
  await clean(page, 'player-muted');
  await startRecording(page);
  await tap.click();
  await expect(tap).toHaveCount(0);
  expect(await page.evaluate(() => document.querySelector('video')?.muted)).toBe(false);
  expect((await readRecording(page)).seeks).toEqual([]);
  expect((await measureSkew(a.page, page)).skew.p95, 'with sound, p95 in ms').toBeLessThan(SKEW_MS);
  await context.close();
  await a.context.close();
});

test('keys can be switched off, and that and the way quality changes are remembered', async ({ browser }) => {
  const { slug } = await channel('Switches');
  const { page, context } = await guest(browser, server.url, slug, 'Grace');
  await pictureReady(page);
  const quality = async () => {
    await wake(page);
    await page.getByRole('button', { name: 'Settings', exact: true }).click();
    return page.getByRole('group', { name: 'Quality' });
  };
  const group = await quality();
  await expect(group.getByRole('radio', { name: /^Auto/ })).toBeChecked();
  await group.getByRole('checkbox', { name: 'Change quality without a break' }).check();
  await page.keyboard.press('Escape');
  await press(page, '?');
  const toggle = page.getByRole('checkbox', { name: 'Use single-key shortcuts' });
  await toggle.uncheck();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await press(page, 't');
  await expect(page.getByRole('button', { name: 'Theatre mode' })).toHaveAttribute('aria-pressed', 'false');
  await page.reload();
  await pictureReady(page);
  await press(page, 't');
  await expect(page.getByRole('button', { name: 'Theatre mode' })).toHaveAttribute('aria-pressed', 'false');
  const again = await quality();
  await expect(again.getByRole('checkbox', { name: 'Change quality without a break' })).toBeChecked();
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await toggle.check();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await press(page, 'k');
  await runs(page);
  await context.close();
});

/** Tabs until what has the focus is this, with a ring to be seen at every stop. */
async function tabTo(page: Page, role: string, name: string | RegExp): Promise<void> {
  const target = page.getByRole(role as 'button', typeof name === 'string' ? { name, exact: true } : { name });
  // What is not there, or cannot be used yet, is no stop.
  await expect(target.first()).toBeEnabled();
  for (let stops = 0; stops < TABS_MAX; stops += 1) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const node = document.activeElement;
      if (!(node instanceof HTMLElement) || node === document.body) return 'nothing';
      const rings = (one: Element): boolean => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
      };
      // A link that stands for a whole card rings the card.
      const card = node.closest('.card');
      const ringed = rings(node) || (card !== null && rings(card));
      const box = node.getBoundingClientRect();
      const there = box.width > 0 && box.height > 0;
      return ringed || !there ? '' : `${node.tagName} ${node.getAttribute('aria-label') ?? node.textContent?.trim().slice(0, 40) ?? ''}`;
    });
    if (seen !== 'nothing') expect(seen, 'has the focus without a ring').toBe('');
    if ((await target.count()) > 0 && (await target.first().evaluate((node) => node === document.activeElement))) return;
  }
  throw new Error(`no way by Tab to ${role} ${String(name)}`);
}

test('the keyboard alone: sign in, find a film, watch it with others, talk and leave', async ({ browser }) => {
  await ada.channel('Keys only');
  const page = await (await browser.newContext()).newPage();
  const { keyboard } = page;
  await page.goto(`${server.url}/sign-in`);
  await tabTo(page, 'textbox', 'Name');
  await keyboard.type('Ada');
  await keyboard.press('Tab');
  await keyboard.type('correct horse battery');
  await keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await tabTo(page, 'link', /Keys only/);
  await keyboard.press('Enter');
  // Find a film and put it on.
  await tabTo(page, 'button', 'Load a video');
  await keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await tabTo(page, 'searchbox', /Search/);
  await keyboard.type('rich');
  await tabTo(page, 'button', /^Load rich720/);
  await keyboard.press('Enter');
  await pictureReady(page);
  await tabTo(page, 'button', 'Play');
  await keyboard.press('Enter');
  await runs(page);
  await tabTo(page, 'slider', 'Seek');
  await keyboard.press('PageUp');
  await keyboard.press('Home');
  await keyboard.press('ArrowRight');
  await expect.poll(async () => Math.abs((await seconds(page)) - 12)).toBeLessThan(8);
  // Quality and captions.
  await tabTo(page, 'button', 'Settings');
  await keyboard.press('Enter');
  await expect(page.getByRole('group', { name: 'Quality' })).toBeVisible();
  await tabTo(page, 'radio', /^Auto/);
  await keyboard.press('ArrowDown');
  await expect(page.getByRole('group', { name: 'Quality' }).getByRole('radio', { name: '720p' })).toBeChecked();
  await tabTo(page, 'radio', 'Off');
  await keyboard.press('ArrowDown');
  await expect(page.locator('[data-captions]')).toHaveCount(1);
  await keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Settings', exact: true })).toBeFocused();
  await expect.poll(() => page.evaluate(() => document.querySelector('video')?.videoHeight)).toBe(720);
  // Talk, and out of the field again.
  await keyboard.press('/');
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused();
  await keyboard.type('by keys alone');
  await keyboard.press('Enter');
  await expect(page.getByRole('log', { name: 'Chat messages' })).toContainText('by keys alone');
  await keyboard.press('Escape');
  await expect(page.getByRole('textbox', { name: 'Message' })).not.toBeFocused();
  await keyboard.press('k');
  await page.waitForFunction(() => document.querySelector('video')?.paused === true);
  await tabTo(page, 'link', 'Lockstep, home');
  await keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await expect(page.locator('video')).toHaveCount(0);
  await page.context().close();
});

test('the player and the library fit a screen of 320 px, and their controls can be reached', async ({ browser }) => {
  const { slug } = await channel('Narrow');
  const page = await member(browser, slug, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  await fits(page, 'player-320');
  await page.setViewportSize({ width: 320, height: 640 });
  for (const name of ['Play', 'Mute', 'Settings', 'Full screen']) {
    const box = await page.getByRole('button', { name, exact: true }).boundingBox();
    expect(box, name).not.toBeNull();
    expect(box?.x ?? -1, name).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 999), name).toBeLessThanOrEqual(320);
    expect(box?.width ?? 0, name).toBeGreaterThanOrEqual(24);
  }
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  const layer = await page.getByRole('group', { name: 'Settings' }).boundingBox();
  expect(layer?.x ?? -1).toBeGreaterThanOrEqual(0);
  expect((layer?.x ?? 0) + (layer?.width ?? 999)).toBeLessThanOrEqual(320);
  await page.keyboard.press('Escape');
  await page.goto(`${server.url}/library`);
  await expect(page.getByRole('link', { name: /rich720/ }).first()).toBeVisible();
  await fits(page, 'library-320');
  await page.context().close();
});
