// Every page there is, as far as a program can judge it: accessible in the dark and in the light, fitting a phone, and
// quiet in the console. A new route without a visit here fails.

import { readFileSync } from 'node:fs';
import { type BrowserContext, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { CHROMIUM_ARGS, pictureReady, signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const ROUTES = readFileSync(new URL('../../ui/src/app/routes.ts', import.meta.url), 'utf8');
/** Names of the routes that were looked at. */
const visited = new Set<string>();

let server: Server;
let ada: Api;
let channel: { id: string; slug: string };

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  test.setTimeout(300_000);
  server = await Server.start();
});
test.afterAll(async () => {
  await server?.stop();
});

/** Opens a page, waits for its heading and judges it. */
async function look(page: Page, route: string, path: string, heading: string | RegExp): Promise<void> {
  const noise: string[] = [];
  page.on('console', (line) => line.type() === 'error' && noise.push(line.text()));
  page.on('pageerror', (error) => noise.push(error.message));
  await page.goto(new URL(path, server.url).href);
  await expect(page.getByRole('heading', { name: heading }).first()).toBeVisible();
  await clean(page, route);
  await fits(page, route);
  expect(noise, `${route}: the console`).toEqual([]);
  visited.add(route);
}

async function owner(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  return page;
}

test('pages of a visitor', async ({ browser }) => {
  const page = await (await browser.newContext()).newPage();
  await look(page, 'setUp', server.setupLink ?? '', /Welcome|Set up|administrator/i);
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  channel = await ada.channel('Open house');
  await look(page, 'home', '/', /Lockstep|Watch/);
  await look(page, 'signIn', '/sign-in', 'Sign in');
  await look(page, 'chooseName', '/sign-in/name#Ada', 'Choose a name');
  await look(page, 'register', '/register?token=none', /./);
  await look(page, 'reset', '/reset?token=none', /./);
  await look(page, 'invite', '/i/0123456789abcdef', /./);
  await look(page, 'status', '/status', /./);
  await look(page, 'notFound', '/nowhere', /./);
  await look(page, 'channel', `/c/${channel.slug}`, 'Open house');
});

test('pages of somebody who is signed in', async ({ browser }) => {
  test.setTimeout(300_000);
  const film = await ada.upload(clip('bbb720.mp4'));
  await ada.ready(film);
  await ada.load(channel.id, film);
  const page = await owner(await browser.newContext());
  await look(page, 'home', '/', 'Videos');
  await look(page, 'library', '/library', 'Library');
  await look(page, 'film', `/film/${film}`, 'bbb720.mp4');
  await look(page, 'account', '/account', /./);
  await look(page, 'admin', '/admin', /./);
  await look(page, 'audit', '/admin/audit', /./);
  await look(page, 'channelAudit', `/c/${channel.slug}/audit`, /./);
  await look(page, 'notifications', '/notifications', /./);
  await look(page, 'channel', `/c/${channel.slug}`, 'bbb720.mp4');
  await pictureReady(page);
  for (const tab of ['People', 'Queue', 'Activity', 'Chat']) {
    await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
    await clean(page, `channel-${tab}`);
    await fits(page, `channel-${tab}`);
  }
  for (const [open, dialog] of [['Invite', 'Invite'], ['Channel settings', 'Channel settings'], ['Search messages', 'Search'], ['Pinned messages', 'Pinned'], ['Reports', 'Reports']] as const) {
    await page.getByRole('button', { name: open, exact: true }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await clean(page, `channel-${dialog}`);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
});

test('no page was left out', () => {
  const names = [...ROUTES.matchAll(/\{ name: "(\w+)"/g)].map(([, name]) => name ?? '');
  expect([...new Set(names)].filter((name) => !visited.has(name))).toEqual([]);
});
