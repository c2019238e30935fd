// The library in a browser: found with a typo, edited, deleted by the dozen with everything stored, the trash and back.

import { type Dirent, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, pictureReady, press, signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const PASSWORD = 'correct horse battery';
/** A purge is a reaction to its event, and the sweep comes every 15 s if that fails. */
const PURGED_WITHIN_MS = 40_000;
/** The first segment of a film that does not come while its network stalls. */
const STALLED_FROM = 2;

let server: Server;
let ada: Api;
let films: string[] = [];

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  test.setTimeout(300_000);
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  films = [await ada.upload(clip('bbb720.mp4')), await ada.upload(clip('bbb720.mp4')), await ada.upload(clip('bbb720.mp4'))];
  for (const film of films) await ada.ready(film);
  for (const [number, title] of ['Holiday in Lisbon', 'Winter walk', 'Birthday'].entries()) {
    await ada.change('editFilm', 'EditFilmInput', { video: films[number], title });
  }
});
test.afterAll(async () => {
  await server?.stop();
});

/** The store's files of a film in the data folder. */
function stored(film: string): string[] {
  const found: string[] = [];
  const list = (folder: string): Dirent[] => {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch (cause) {
      // Removed while this looks.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      return [];
    }
  };
  const walk = (folder: string): void => {
    for (const entry of list(folder)) {
      const path = join(folder, entry.name);
      if (entry.name === 'postgres') continue;
      if (entry.isDirectory()) walk(path);
      else if (path.includes(film)) found.push(path);
    }
  };
  walk(server.data);
  return found;
}

async function open(page: Page): Promise<void> {
  await signIn(page, server.url, 'Ada', PASSWORD);
  await page.goto(`${server.url}/library`);
  await expect(page.getByRole('heading', { name: 'Library', level: 1 })).toBeVisible();
}

const film = (page: Page, title: string) => page.getByRole('listitem', { name: title, exact: true });

test('a search finds a title with one wrong letter, live', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('list', { name: 'Library' }).getByRole('listitem')).toHaveCount(3);
  await page.getByRole('searchbox').fill('holidya');
  await expect(page.getByText('These come close')).toBeVisible();
  await expect(film(page, 'Holiday in Lisbon')).toBeVisible();
  await expect(film(page, 'Winter walk')).toHaveCount(0);
  await page.getByRole('searchbox').fill('lis');
  await expect(film(page, 'Holiday in Lisbon').getByText('Lisbon', { exact: true })).toBeVisible();
  await page.getByRole('searchbox').fill('');
  await expect(film(page, 'Winter walk')).toBeVisible();
  await clean(page, 'library-grid');
  await fits(page, 'library-grid');
  await page.getByRole('button', { name: 'List' }).click();
  await clean(page, 'library-list');
  await fits(page, 'library-list');
  await page.reload();
  await expect(page.getByRole('button', { name: 'List' })).toHaveAttribute('aria-pressed', 'true');
});

test('a film is edited on its own page, and says what happened', async ({ page }) => {
  await open(page);
  await film(page, 'Winter walk').getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'Winter walk', level: 1 })).toBeVisible();
  await page.getByLabel('Title').fill('A walk in the snow');
  await page.getByLabel('Description').fill('Cold hands, warm tea.');
  await page.getByLabel('Tags').fill('snow, family');
  await page.getByLabel('Only me').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'A walk in the snow', level: 1 })).toBeVisible();
  await expect(page.getByText('#snow')).toBeVisible();
  await expect(page.getByText('Who can find it changed')).toBeVisible();
  await clean(page, 'film');
  await fits(page, 'film');
  await page.getByRole('link', { name: 'Library' }).first().click();
  await page.getByRole('searchbox').fill('tea');
  await expect(film(page, 'A walk in the snow')).toBeVisible();
});

test('a film is watched alone, and goes on where it was left', async ({ page }) => {
  await open(page);
  await film(page, 'Birthday').getByRole('link').click();
  await page.getByRole('button', { name: 'Watch here' }).click();
  await pictureReady(page);
  const at = () => page.evaluate(() => document.querySelector('video')?.currentTime ?? -1);
  await press(page, 'k');
  await expect.poll(at).toBeGreaterThan(2);
  await press(page, 'k');
  await expect(page.getByRole('button', { name: 'Play', exact: true })).toBeVisible();
  const left = await at();
  await clean(page, 'film-alone');
  await page.reload();
  await page.getByRole('button', { name: /^Go on at 0:0\d$/ }).click();
  await pictureReady(page);
  await expect.poll(async () => Math.abs((await at()) - left), 'where it was left').toBeLessThan(0.3);
  await press(page, '0');
  await expect.poll(at).toBeLessThan(0.1);
});

test('a moment of a film or a picture stands for it, everywhere, and the one before goes', async ({ page }) => {
  test.setTimeout(120_000);
  const birthday = films[2] ?? '';
  const pictures = () => stored(birthday).filter((path) => path.includes('/poster/'));
  await open(page);
  await film(page, 'Birthday').getByRole('link').click();
  const shown = page.locator('.head img').first();
  await expect(shown).toHaveAttribute('src', /thumb\.jpg$/);
  const choose = () => page.getByRole('button', { name: 'Change picture' }).click();
  const dialog = page.getByRole('dialog', { name: 'The picture of this video' });
  await choose();
  await expect(dialog.getByRole('button', { name: 'Picture at 0:00' })).toBeVisible();
  await clean(page, 'film-picture');
  await fits(page, 'film-picture');
  await dialog.getByRole('button', { name: /^Picture at/ }).nth(2).click();
  await expect(page.getByText('It has another picture.').first()).toBeVisible();
  await expect(shown).toHaveAttribute('src', /poster\/[0-9a-f]{32}\.jpg$/);
  // The film's own picture, not the small one that was clicked.
  await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalHeight)).toBe(720);
  expect(pictures()).toHaveLength(1);
  const first = pictures()[0] ?? '';

  await choose();
  const file = (name: string, buffer: Buffer) => dialog.locator('input[type=file]').setInputFiles({ name, mimeType: 'image/png', buffer });
  await file('words.png', Buffer.from('not a picture'));
  await expect(dialog.getByRole('alert')).toHaveText(/cannot be read as a picture/);
  const drawn = await page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1_600, 900];
    canvas.getContext('2d')?.fillRect(0, 0, 800, 900);
    return canvas.toDataURL('image/png').split(',')[1] ?? '';
  });
  await file('card.png', Buffer.from(drawn, 'base64'));
  await expect(shown).not.toHaveAttribute('src', new RegExp(basename(first)));
  await expect.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth), 'drawn smaller').toBe(1_280);
  await expect.poll(() => pictures().length, { timeout: PURGED_WITHIN_MS }).toBe(1);
  expect(pictures()[0]).not.toBe(first);
  await expect(page.getByText('Another picture').first()).toBeVisible();
  await page.goto(`${server.url}/library`);
  await expect(film(page, 'Birthday').locator('img')).toHaveAttribute('src', /poster\//);

  await film(page, 'Birthday').getByRole('link').click();
  await choose();
  await dialog.getByRole('button', { name: 'Back to the first picture' }).click();
  await expect(shown).toHaveAttribute('src', /thumb\.jpg$/);
  await expect.poll(pictures, { timeout: PURGED_WITHIN_MS }).toEqual([]);
});

test('alone nothing is missed while the network stalls: the film waits and goes on from there', async ({ page }) => {
  await open(page);
  await film(page, 'Birthday').getByRole('link').click();
  let go = (): void => undefined;
  const still = new Promise<void>((resolve) => (go = resolve));
  let held = 0;
  // The beginning comes, what is behind it only when told.
  await page.route(/\.m4s/, async (route) => {
    const number = Number(/(\d+)\.m4s/.exec(route.request().url())?.[1] ?? 0);
    if (number >= STALLED_FROM) {
      held += 1;
      await still;
    }
    await route.continue();
  });
  await page.getByRole('button', { name: 'Watch here' }).click();
  await pictureReady(page);
  await page.evaluate(() => {
    const seen: [number, number][] = [];
    Object.assign(globalThis, { seen });
    const video = document.querySelector('video');
    const look = (): void => void (seen.push([performance.now() / 1_000, video?.currentTime ?? 0]), requestAnimationFrame(look));
    look();
  });
  await press(page, 'k');
  const stuck = () => page.evaluate(() => (document.querySelector('video')?.readyState ?? 4) < 3);
  await expect.poll(stuck, { timeout: 30_000 }).toBe(true);
  expect(held).toBeGreaterThan(0);
  const at = await page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
  await page.waitForFunction((since) => performance.now() - since > 3_000, await page.evaluate(() => performance.now()));
  go();
  await expect.poll(() => page.evaluate(() => document.querySelector('video')?.currentTime ?? 0)).toBeGreaterThan(at + 1);
  const gaps = await page.evaluate(() => {
    // Beyond what passed: a page that draws no frame for a while is no jump.
    const { seen } = globalThis as unknown as { seen: [number, number][] };
    return seen.slice(1).map(([now, at], index) => at - (seen[index]?.[1] ?? 0) - (now - (seen[index]?.[0] ?? 0)));
  });
  expect(Math.max(...gaps), 'the longest jump, s').toBeLessThan(0.3);
});

test('many are deleted at once, wait in the trash, and one comes back', async ({ page }) => {
  test.setTimeout(120_000);
  const [lisbon = '', walk = '', birthday = ''] = films;
  for (const id of films) expect(stored(id).length, id).toBeGreaterThan(3);
  await open(page);
  for (const title of ['Holiday in Lisbon', 'A walk in the snow', 'Birthday']) {
    await page.getByRole('checkbox', { name: `Select ${title}` }).check();
  }
  await expect(page.getByText('3 selected')).toBeVisible();
  await clean(page, 'library-selected');
  await page.getByRole('region', { name: 'For the selected videos' }).getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('3 videos are in the trash')).toBeVisible();
  await page.getByRole('button', { name: 'Trash' }).click();
  await expect(film(page, 'Birthday').getByText('Removed for good')).toBeVisible();
  await clean(page, 'library-trash');
  expect(stored(birthday).length, 'the trash keeps everything').toBeGreaterThan(3);
  await page.getByRole('checkbox', { name: 'Select Birthday' }).check();
  await page.getByRole('button', { name: 'Restore' }).click();
  await expect(film(page, 'Birthday')).toHaveCount(0);
  await page.getByRole('button', { name: 'Select all shown' }).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('The trash is empty.')).toBeVisible();
  await expect.poll(() => [...stored(lisbon), ...stored(walk)], { timeout: PURGED_WITHIN_MS }).toEqual([]);
  expect(stored(birthday).length).toBeGreaterThan(3);
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await expect(page.getByRole('list', { name: 'Library' }).getByRole('listitem')).toHaveCount(1);
  await page.goto(`${server.url}/film/${lisbon}`);
  await expect(page.getByText('There is no such video').last()).toBeVisible();
});
