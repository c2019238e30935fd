// The queue: two people fill and order it, it plays to its end by itself with both in the same film, votes, the last queue.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, guest, pictureReady, press, runs, type Viewer } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const FILM_S = 8;
/** A film, the hold before the next, and a busy machine. */
const NEXT_MS = (FILM_S + 20) * 1_000;

let server: Server;
let folder: string;
let channel: { id: string; slug: string };
let films: { id: string; title: string }[];
let a: Viewer;
let b: Viewer;

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });

test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  server = await Server.start();
  folder = mkdtempSync(join(tmpdir(), 'lockstep-queue-'));
  const ada = await Api.setUp(server.url, server.setupLink ?? '');
  films = [];
  for (const [index, title] of ['one.mp4', 'two.mp4', 'three.mp4'].entries()) {
    const file = join(folder, title);
    const from = String(index * (FILM_S + 1));
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-ss', from, '-i', clip('sixty.mp4'), '-t', String(FILM_S), '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', file]);
    films.push({ id: await ada.upload(file), title });
  }
  for (const film of films) await ada.ready(film.id);
  channel = await ada.channel('Short films');
  await ada.load(channel.id, films[0]?.id ?? '');
  [a, b] = [await guest(browser, server.url, channel.slug, 'Grace'), await guest(browser, server.url, channel.slug, 'Linus')];
  // Ordering is for moderators; here everybody may.
  for (const viewer of [a, b]) {
    const me = await own(viewer.page);
    await ada.ask('mutation($i: GrantRoleInput!) { grantRole(input: $i) { __typename } }', { i: { operationId: crypto.randomUUID(), channel: channel.id, account: me, role: 'MODERATOR' } });
  }
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
});
test.afterAll(async () => {
  for (const viewer of [a, b]) await viewer?.context.close();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function ask(page: Page, query: string, variables: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return page.evaluate(async ([text, values]) => {
    const answer = await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: text, variables: values }) });
    return ((await answer.json()) as { data: Record<string, unknown> }).data;
  }, [query, variables] as const);
}
async function own(page: Page): Promise<string> {
  return ((await ask(page, '{ me { id } }'))['me'] as { id: string }).id;
}
async function enqueue(viewer: Viewer, film: number): Promise<void> {
  const input = { operationId: crypto.randomUUID(), channel: channel.id, video: films[film]?.id };
  await ask(viewer.page, 'mutation($i: QueueVideoInput!) { queueVideo(input: $i) { __typename } }', { i: input });
}
async function tab(viewer: Viewer): Promise<void> {
  await viewer.page.getByRole('tab', { name: /^Queue/ }).click();
}
const titles = (viewer: Viewer) => viewer.page.getByRole('list', { name: 'Films that come next' }).locator('p.font-medium').allTextContents();
const both = () => [a, b];

/** Both have this film on, and it runs for both. */
async function together(title: string): Promise<void> {
  for (const viewer of both()) await expect(viewer.page.getByRole('heading', { level: 1 })).toHaveText(title, { timeout: NEXT_MS });
  await Promise.all(both().map((viewer) => runs(viewer.page)));
}

test('two people fill the queue, order it, and it plays to its end by itself', async () => {
  test.setTimeout(120_000);
  await enqueue(a, 1);
  await enqueue(b, 2);
  for (const viewer of both()) await tab(viewer);
  for (const viewer of both()) await expect.poll(() => titles(viewer)).toEqual(['two.mp4', 'three.mp4']);
  await b.page.getByRole('button', { name: 'Move three.mp4 up' }).click();
  for (const viewer of both()) await expect.poll(() => titles(viewer)).toEqual(['three.mp4', 'two.mp4']);
  await press(a.page, 'k');
  await together('one.mp4');
  await together('three.mp4');
  await expect.poll(() => titles(a)).toEqual(['two.mp4']);
  await together('two.mp4');
  for (const viewer of both()) await expect(viewer.page.getByText('Nothing is queued.')).toBeVisible();
});

test('the last queue comes back, and enough votes skip', async () => {
  test.setTimeout(120_000);
  await b.page.getByRole('button', { name: 'Restore the last queue (2 videos)' }).click();
  for (const viewer of both()) await expect.poll(() => titles(viewer)).toEqual(['two.mp4', 'three.mp4']);
  await a.page.getByRole('button', { name: 'Play two.mp4 now' }).click();
  await together('two.mp4');
  await a.page.getByRole('button', { name: 'Vote to skip' }).click();
  await expect(b.page.getByRole('button', { name: /Vote to skip.*1 of 2/ })).toBeVisible();
  await b.page.getByRole('button', { name: /Vote to skip/ }).click();
  await together('three.mp4');
});
