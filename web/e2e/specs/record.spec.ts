// Who did what, as people meet it: a jump taken back before two viewers, a notification that comes live and leads
// somewhere, and the list of a channel's recorded events.

import { type Browser, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { guest, jump, pictureReady, signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const PASSWORD = 'correct horse battery';

let server: Server;
let ada: Api;
let film: string;
let owner: Page;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  owner = await (await browser.newContext()).newPage();
  await signIn(owner, server.url, 'Ada', PASSWORD);
});
test.afterAll(async () => {
  await owner?.context().close();
  await server?.stop();
});

async function bell(page: Page, unread: number): Promise<void> {
  const name = unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`;
  await expect(page.getByRole('button', { name, exact: true })).toBeVisible();
}

test('a notification comes live, leads to its film, and is read on every device', async ({ browser }) => {
  await bell(owner, 0);
  const elsewhere = await signedIn(browser);
  film = await ada.upload(clip('sixty.mp4'));
  await ada.ready(film);
  await bell(owner, 1);
  await bell(elsewhere, 1);
  await owner.getByRole('button', { name: 'Notifications, 1 unread' }).click();
  await clean(owner, 'bell');
  await fits(owner, 'bell');
  await owner.getByRole('link', { name: /sixty\.mp4 is ready to watch/ }).click();
  await expect(owner.getByRole('dialog')).toContainText('sixty.mp4');
  await expect(owner).toHaveURL(`${server.url}/?video=${film}`);
  await owner.keyboard.press('Escape');
  await bell(owner, 0);
  await bell(elsewhere, 0);
  await elsewhere.goto(`${server.url}/notifications`);
  const list = elsewhere.getByRole('list', { name: 'Notifications' });
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await elsewhere.getByLabel('Unread only').check();
  await expect(elsewhere.getByText('Nothing new.')).toBeVisible();

  const { id, slug } = await ada.channel('Secret cinema');
  await ada.ask('mutation($i: ChangeVisibilityInput!) { changeChannelVisibility(input: $i) { __typename } }', {
    i: { operationId: crypto.randomUUID(), channel: id, visibility: 'PRIVATE' },
  });
  const grace = await Api.guest(server.url, 'Grace');
  await grace.ask('mutation($i: ChannelInput!) { askToJoin(input: $i) { __typename } }', { i: { operationId: crypto.randomUUID(), channel: id } });
  await elsewhere.getByLabel('Unread only').uncheck();
  await bell(elsewhere, 1);
  await clean(elsewhere, 'notifications');
  await fits(elsewhere, 'notifications');
  await elsewhere.getByRole('main').getByRole('link', { name: /Grace asks to join Secret cinema/ }).click();
  await expect(elsewhere).toHaveURL(`${server.url}/c/${slug}?settings=requests`);
  await expect(elsewhere.getByRole('tab', { name: 'Requests', exact: true })).toHaveAttribute('aria-selected', 'true');
  await elsewhere.getByRole('button', { name: 'Let in' }).click();
  await bell(elsewhere, 0);
  await elsewhere.context().close();
});

test('a jump is taken back before two viewers, once, and the list says so', async ({ browser }) => {
  const { id, slug } = await ada.channel('Undo club');
  await ada.load(id, film);
  const viewer = await guest(browser, server.url, slug, 'Grace');
  await owner.goto(`${server.url}/c/${slug}`);
  for (const page of [owner, viewer.page]) await pictureReady(page);
  await jump(viewer.page, 5);
  for (const page of [owner, viewer.page]) await at(page, 30);
  await owner.getByRole('tab', { name: 'Activity' }).click();
  const actions = owner.getByRole('region', { name: 'Activity' }).getByRole('listitem');
  const jumped = actions.filter({ hasText: 'Grace jumped from 0:00 to 0:30' });
  await expect(jumped).toHaveCount(1);
  await clean(owner, 'activity');
  await fits(owner, 'activity');
  await jumped.getByRole('button', { name: 'Undo: Grace jumped from 0:00 to 0:30' }).click();
  for (const page of [owner, viewer.page]) await at(page, 0);
  await expect(actions.filter({ hasText: 'Ada jumped from 0:30 to 0:00 (taking back)' })).toHaveCount(1);
  await expect(jumped.getByRole('button')).toHaveCount(0);

  // From the short offer; and refused with the reason when somebody else has jumped since.
  await jump(viewer.page, 2);
  await at(owner, 12);
  const offered = owner.getByRole('status', { name: 'Messages from Lockstep' }).getByText('Grace jumped to 0:12');
  await expect(offered).toBeVisible();
  const position = await last(id, 'Seeked');
  await ada.ask('mutation($i: SeekInput!) { seek(input: $i) { __typename } }', { i: { operationId: crypto.randomUUID(), channel: id, positionUs: 24e6 } });
  await at(viewer.page, 24);
  const grace = await viewer.page.evaluate(
    async ({ channel, position }) => {
      const query = 'mutation($i: UndoInput!) { undo(input: $i) { ... on Refused { code message } } }';
      const body = JSON.stringify({ query, variables: { i: { channel, position } } });
      return (await (await fetch('/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()) as { data: { undo: unknown } };
    },
    { channel: id, position },
  );
  expect(grace.data.undo).toEqual({ code: 'overtaken', message: 'Ada jumped or loaded a film again since' });
  await viewer.context.close();
});

test('what was recorded in a channel is listed for its owner, narrowed, and opened', async ({ browser }) => {
  const { id, slug } = await ada.channel('Minutes');
  await ada.ask('mutation($i: RenameChannelInput!) { renameChannel(input: $i) { __typename } }', { i: { operationId: crypto.randomUUID(), channel: id, name: 'Minutes kept' } });
  await (await Api.guest(server.url, 'Linus')).join(id);
  await owner.goto(`${server.url}/c/${slug}`);
  await owner.getByRole('tab', { name: 'Activity' }).click();
  await owner.getByRole('link', { name: 'Audit' }).click();
  await expect(owner).toHaveURL(`${server.url}/c/${slug}/audit`);
  const rows = owner.getByRole('table', { name: 'Audit' }).getByRole('row');
  await expect(rows.filter({ hasText: 'renamed' })).toHaveCount(1);
  await rows.filter({ hasText: 'renamed' }).getByRole('button', { name: /Show event/ }).click();
  const event = owner.getByRole('region', { name: /^Event / });
  await expect(event).toContainText('As owner, who may: edit channel');
  await expect(event).toContainText('"name": "Minutes kept"');
  await clean(owner, 'audit');
  await fits(owner, 'audit');
  await owner.getByLabel('Kind').selectOption('member');
  await owner.getByRole('button', { name: 'Filter', exact: true }).click();
  await expect(rows.filter({ hasText: 'channel:' })).toHaveCount(0);
  await owner.getByRole('button', { name: /Only what Linus did/ }).first().click();
  await expect(owner.getByText('Only what Linus did is shown.')).toBeVisible();
  await expect(rows.filter({ hasText: 'Ada' })).toHaveCount(0);
  await expect(rows.filter({ hasText: 'Linus' })).not.toHaveCount(0);
  await owner.getByLabel('Until').fill('2020-01-01T00:00');
  await owner.getByRole('button', { name: 'Filter', exact: true }).click();
  await expect(owner.getByText('No event meets this filter.')).toBeVisible();
  await owner.getByRole('button', { name: 'Clear', exact: true }).click();
  await expect(rows.filter({ hasText: 'renamed' })).toHaveCount(1);

  // Nobody else is told that there is such a list.
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(`${server.url}/c/${slug}/audit`);
  await expect(stranger.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
});

async function signedIn(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await signIn(page, server.url, 'Ada', PASSWORD);
  return page;
}

/** Waits until the picture stands at this second of the film. */
async function at(page: Page, second: number): Promise<void> {
  await page.waitForFunction((second) => Math.abs((document.querySelector('video')?.currentTime ?? -9) - second) < 0.5, second);
}

/** Where the newest action of this type is in the log. */
async function last(channel: string, eventType: string): Promise<string> {
  const found = await ada.ask('query($id: UUID!) { channel(id: $id) { activity(first: 10) { nodes { position eventType } } } }', { id: channel });
  const { nodes } = (found['channel'] as { activity: { nodes: { position: string; eventType: string }[] } }).activity;
  return nodes.find((node) => node.eventType === eventType)?.position ?? '';
}
