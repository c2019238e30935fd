// Uploads that survive: a closed tab, another browser, a cut network; and files that are not films beside files that are.

import { closeSync, copyFileSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, type BrowserContext, type Locator, type Page, type Route } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';

const SIZE_BYTES = 300_000_000;
const PARTS = 36;
/** About 60 %. */
const SENT_BEFORE_CLOSING = 22;
const SENT_BEFORE_LEAVING = 6;
/** Ten parts. */
const KEPT_BYTES = 80_000_000;
const KEPT_BEFORE_CLOSING = 4;
const CUT_MS = 20_000;
/** How long sending may take on a busy machine. */
const SENT_MS_MAX = 90_000;
const PASSWORD = 'correct horse battery';

let server: Server;
let ada: Api;
const folder = mkdtempSync(join(tmpdir(), 'lockstep-uploads-'));

test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A real film of this size: a box players skip is put behind it. Sparse, so it costs no disk. */
function film(name: string, bytes: number): string {
  const path = join(folder, name);
  copyFileSync(clip('bbb720.mp4'), path);
  const at = statSync(path).size;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(bytes - at, 0);
  header.write('free', 4, 'latin1');
  const file = openSync(path, 'r+');
  writeSync(file, header, 0, 8, at);
  ftruncateSync(file, bytes);
  closeSync(file);
  return path;
}

interface Counted {
  readonly parts: number[];
  /** Before its page is closed: a request that is only held goes out when nobody holds it any more. Leaves the context offline. */
  cut(): Promise<void>;
}

/** Counts the PUTs to the store; after `most` of them the next are held, until all that is sent is cut off. */
async function count(context: BrowserContext, most = Infinity): Promise<Counted> {
  const parts: number[] = [];
  const held: Route[] = [];
  let isCut = false;
  await context.route(/lockstep-interim/, async (route) => {
    if (route.request().method() !== 'PUT') return route.continue();
    if (isCut) return route.abort();
    if (parts.length >= most) return void held.push(route);
    parts.push(Number(new URL(route.request().url()).searchParams.get('partNumber')));
    await route.continue();
  });
  const cut = async () => {
    isCut = true;
    // Nor may one go out that is tried again just now and is not held yet.
    await context.setOffline(true);
    await Promise.all(held.splice(0).map((route) => route.abort()));
  };
  return { parts, cut };
}

function tray(page: Page): Locator {
  return page.getByRole('region', { name: 'Uploads' });
}

async function choose(page: Page, ...files: string[]): Promise<void> {
  await page.locator('input[type=file]').first().setInputFiles(files);
}

async function received(name: string): Promise<number[]> {
  const data = await ada.ask('{ unfinishedUploads { fileName received } }');
  const uploads = data['unfinishedUploads'] as { fileName: string; received: number[] }[];
  return uploads.find(({ fileName }) => fileName === name)?.received ?? [];
}

test('an upload broken off by closing the tab goes on with what is missing, then in another browser', async ({ browser }) => {
  const path = film('holiday.mp4', SIZE_BYTES);
  const first = await browser.newContext();
  const page = await first.newPage();
  await signIn(page, server.url, 'Ada', PASSWORD);
  const once = await count(first, SENT_BEFORE_CLOSING);
  await choose(page, path);
  await expect.poll(async () => (await received('holiday.mp4')).length, { timeout: SENT_MS_MAX }).toBe(SENT_BEFORE_CLOSING);
  await expect(page).toHaveTitle(/^6\d % · /);
  await expect(tray(page).getByRole('img', { name: `${SENT_BEFORE_CLOSING} of ${PARTS} parts have arrived` })).toBeVisible();
  await once.cut();
  await page.close();
  await first.setOffline(false);
  expect(once.parts).toHaveLength(SENT_BEFORE_CLOSING);

  // The same browser, a new tab: the server says what is unfinished.
  await first.unroute(/lockstep-interim/);
  const again = await first.newPage();
  const twice = await count(first, SENT_BEFORE_LEAVING);
  await again.goto(server.url);
  await expect(tray(again).getByText('Drop holiday.mp4 again to continue at 61 %')).toBeVisible();
  await clean(again);
  await choose(again, path);
  await expect.poll(async () => (await received('holiday.mp4')).length, { timeout: SENT_MS_MAX }).toBe(SENT_BEFORE_CLOSING + SENT_BEFORE_LEAVING);
  await twice.cut();
  await first.close();

  // Another browser that has never seen the file.
  const other = await browser.newContext();
  const elsewhere = await other.newPage();
  const thrice = await count(other);
  await signIn(elsewhere, server.url, 'Ada', PASSWORD);
  await expect(tray(elsewhere).getByText('Drop holiday.mp4 again to continue at 78 %')).toBeVisible();
  await choose(elsewhere, path);
  await expect(tray(elsewhere).getByText(/Looking into the file|Encoding|Waiting for its turn|Packing/).first()).toBeVisible({ timeout: SENT_MS_MAX });
  expect(thrice.parts).toHaveLength(PARTS - SENT_BEFORE_CLOSING - SENT_BEFORE_LEAVING);
  const all = [...once.parts, ...twice.parts, ...thrice.parts].sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: PARTS }, (_, index) => index + 1));
  expect(await received('holiday.mp4')).toEqual([]);
  // The same file once more: it is there, and a person is asked.
  await choose(elsewhere, path);
  await expect(tray(elsewhere).getByText('You have uploaded this file already.')).toBeVisible();
  expect(thrice.parts).toHaveLength(PARTS - SENT_BEFORE_CLOSING - SENT_BEFORE_LEAVING);
  await other.close();
});

test('a file chosen with the picker goes on with one click after the tab was closed', async ({ browser }) => {
  const context = await browser.newContext();
  // The picker itself is the system's; the handle it gives is a real one, of a file in the browser's own storage.
  await context.addInitScript(() => {
    const pick = async () => [await (await navigator.storage.getDirectory()).getFileHandle('kept.mp4', { create: true })];
    Object.assign(globalThis, { showOpenFilePicker: pick });
  });
  const page = await context.newPage();
  await signIn(page, server.url, 'Ada', PASSWORD);
  const head = readFileSync(film('kept.mp4', KEPT_BYTES)).subarray(0, statSync(clip('bbb720.mp4')).size + 8).toString('base64');
  await page.evaluate(async ([base64, bytes]) => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('kept.mp4', { create: true });
    const file = await handle.createWritable();
    await file.write(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
    await file.truncate(bytes);
    await file.close();
  }, [head, KEPT_BYTES] as const);
  const once = await count(context, KEPT_BEFORE_CLOSING);
  await page.getByRole('button', { name: 'Add videos' }).first().click();
  await expect.poll(async () => (await received('kept.mp4')).length, { timeout: SENT_MS_MAX }).toBe(KEPT_BEFORE_CLOSING);
  await once.cut();
  await page.close();

  await context.setOffline(false);
  await context.unroute(/lockstep-interim/);
  const again = await context.newPage();
  const twice = await count(context);
  await again.goto(server.url);
  await clean(again);
  await tray(again).getByRole('button', { name: 'Go on with kept.mp4' }).click();
  const row = tray(again).getByRole('listitem', { name: 'kept.mp4' });
  await expect(row.getByText(/Looking into|Encoding|Waiting for its turn|Packing|Ready/).first()).toBeVisible({ timeout: SENT_MS_MAX });
  expect([...once.parts, ...twice.parts].sort((a, b) => a - b), 'each part once').toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await context.close();
});

test('of six files dropped together the three bad ones are refused and cost no request', async ({ page }) => {
  await signIn(page, server.url, 'Ada', PASSWORD);
  const asked: string[] = [];
  const sent: string[] = [];
  page.on('request', (request) => {
    sent.push(`${request.url()} ${request.postData() ?? ''}`);
    const wish = /"fileName":"([^"]+)"/.exec(request.postData() ?? '')?.[1];
    if (wish) asked.push(wish);
  });
  const good = (number: number) => film(`good${number}.mp4`, 3_000_000 + number);
  const written = (name: string, bytes: Buffer) => (writeFileSync(join(folder, name), bytes), join(folder, name));
  const files = [
    good(1),
    written('picture.mp4', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
    good(2),
    written('sound.wav', Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1')),
    written('empty.mp4', Buffer.alloc(0)),
    good(3),
  ];
  const dropped = files.map((path) => ({ name: path.split('/').at(-1) ?? '', base64: readFileSync(path).toString('base64') }));
  await page.evaluate((all) => {
    const data = new DataTransfer();
    for (const [index, { name, base64 }] of all.entries()) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      data.items.add(new File([bytes], name, { lastModified: index }));
    }
    const send = (type: string) => window.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    send('dragenter');
    send('drop');
  }, dropped);
  for (const says of [/PNG picture/, /WAV sound/, /is empty/]) await expect(tray(page).getByText(says)).toBeVisible();
  for (const name of ['good1.mp4', 'good2.mp4', 'good3.mp4']) {
    await expect(tray(page).getByRole('listitem', { name }).getByText(/Looking into|Encoding|Waiting for its turn|Packing|Ready/).first()).toBeVisible({ timeout: 30_000 });
  }
  expect(asked.sort()).toEqual(['good1.mp4', 'good2.mp4', 'good3.mp4']);
  expect(sent.filter((request) => /picture|sound|empty/.test(request)), 'no request names a bad file').toEqual([]);
  expect(sent.filter((request) => request.includes('lockstep-interim/u/')).length, 'three files go to the store').toBe(3);
});

test('a network that is cut for twenty seconds costs time alone; pausing costs nothing', async () => {
  const proxy = await FaultProxy.start({ targetPort: server.port });
  const { hostname } = new URL(server.url);
  const through = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...CHROMIUM_ARGS, viaProxy(server.port, proxy.port, hostname)] });
  try {
    const page = await through.newPage();
    await signIn(page, server.url, 'Ada', PASSWORD);
    await choose(page, film('voyage.mp4', SIZE_BYTES + 1_000_000));
    await expect.poll(async () => (await received('voyage.mp4')).length, { intervals: [20], timeout: SENT_MS_MAX }).toBeGreaterThan(3);
    proxy.cut();
    const cutAt = performance.now();
    const before = (await received('voyage.mp4')).length;
    await expect.poll(() => performance.now() - cutAt, { timeout: CUT_MS + 5_000 }).toBeGreaterThan(CUT_MS);
    expect((await received('voyage.mp4')).length, 'nothing that arrived is lost').toBeGreaterThanOrEqual(before);
    expect(before).toBeLessThan(PARTS);
    proxy.restore();
    const row = tray(page).getByRole('listitem', { name: 'voyage.mp4' });
    await expect(row.getByText(/Looking into|Encoding|Waiting for its turn|Packing|Ready/).first()).toBeVisible({ timeout: SENT_MS_MAX });
    // By hand: nothing is sent while it is paused, and it goes on where it was.
    await choose(page, film('pause.mp4', SIZE_BYTES + 2_000_000));
    const paused = tray(page).getByRole('listitem', { name: 'pause.mp4' });
    await paused.getByRole('button', { name: 'Pause pause.mp4' }).click();
    await expect(paused.getByText('Paused')).toBeVisible();
    await paused.getByRole('button', { name: 'Go on with pause.mp4' }).click();
    await expect(paused.getByText(/Looking into|Encoding|Waiting for its turn|Packing|Ready/).first()).toBeVisible({ timeout: SENT_MS_MAX });
  } finally {
    await through.close();
    await proxy.close();
  }
});

test('files that wait are put into another order, and what is sent waits while there is no network', async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, server.url, 'Ada', PASSWORD);
  const sent = await count(context, 2);
  const asked: string[] = [];
  page.on('request', (request) => {
    const wish = /"fileName":"([^"]+)"/.exec(request.postData() ?? '')?.[1];
    if (wish) asked.push(wish);
  });
  // One large file goes at a time: the others wait.
  await choose(page, ...['first', 'second', 'third'].map((name, at) => film(`${name}.mp4`, KEPT_BYTES + 10 + at)));
  const names = () => tray(page).getByRole('listitem').evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label')).filter((name) => /^(first|second|third)/.test(name ?? '')));
  await expect.poll(() => sent.parts.length, { timeout: SENT_MS_MAX }).toBe(2);
  expect(await names()).toEqual(['first.mp4', 'second.mp4', 'third.mp4']);
  // Chosen once more in another tab, the file is not taken from the one that sends it.
  const other = await context.newPage();
  await other.goto(server.url);
  await choose(other, join(folder, 'first.mp4'));
  await expect(tray(other).getByRole('alert')).toHaveText('This file is on its way already, in this tab or another.');
  await other.close();
  await tray(page).getByRole('button', { name: 'Upload third.mp4 earlier' }).click();
  await expect.poll(names).toEqual(['first.mp4', 'third.mp4', 'second.mp4']);
  await context.setOffline(true);
  const row = tray(page).getByRole('listitem', { name: 'first.mp4' });
  await expect(row.getByText('You are offline. It goes on by itself when you are back.')).toBeVisible();
  await context.unroute(/lockstep-interim/);
  await context.setOffline(false);
  await expect(row.getByText(/Looking into|Encoding|Waiting for its turn|Packing|Ready/).first()).toBeVisible({ timeout: SENT_MS_MAX });
  await expect.poll(() => asked, { timeout: SENT_MS_MAX }).toEqual(['first.mp4', 'third.mp4', 'second.mp4']);
  await context.close();
});
