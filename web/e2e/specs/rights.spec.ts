// Rights as people meet them: the settings, a private channel's door, an invite, and being sent away.

import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean } from '../fixtures/axe.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

let server: Server;
let ada: Api;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  await server?.stop();
});

async function settings(page: Page, tab: string): Promise<void> {
  await page.getByRole('button', { name: 'Channel settings' }).click();
  await page.getByRole('tab', { name: tab, exact: true }).click();
}

async function close(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
}

test('a private channel opens by knocking, by an invite, and closes by a removal', async ({ browser }) => {
  const { slug } = await ada.channel('Secret cinema');
  const owner = await (await browser.newContext()).newPage();
  await signIn(owner, server.url, 'Ada', 'correct horse battery');
  await owner.goto(`${server.url}/c/${slug}`);
  await settings(owner, 'General');
  await owner.getByLabel('Description').fill('Old films, quietly');
  await owner.getByLabel('Private: only people you let in').check();
  await owner.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByText('Saved')).toBeVisible();
  await clean(owner);
  for (const tab of ['Permissions', 'Who controls', 'Members', 'Requests']) {
    await owner.getByRole('tab', { name: tab, exact: true }).click();
    await expect(owner.getByRole('tabpanel', { name: tab, exact: true })).not.toContainText('Loading');
    await clean(owner);
  }

  const guest = await (await browser.newContext()).newPage();
  await guest.goto(`${server.url}/c/${slug}`);
  await expect(guest.getByRole('heading', { name: 'This channel is private' })).toBeVisible();
  await expect(guest.locator('body')).not.toContainText('Secret cinema');
  await clean(guest);
  await guest.getByLabel('Your name').fill('Grace');
  await guest.getByRole('button', { name: 'Ask to join' }).click();
  await expect(guest.getByRole('status').filter({ hasText: 'You have asked' })).toBeVisible();
  await owner.getByRole('tab', { name: 'Requests', exact: true }).click();
  // The answer is on its way: what stands there is not asked any more, and would be said to the next question.
  const go = await held(owner);
  await owner.getByRole('button', { name: 'Decline' }).click();
  await expect(guest.getByText('Not this time')).toBeVisible();
  await expect(owner.getByRole('button', { name: 'Let in' })).toBeDisabled();
  await go();
  await guest.getByRole('button', { name: 'Ask to join' }).click();
  await owner.getByRole('button', { name: 'Let in' }).click();
  await expect(guest.getByRole('heading', { name: 'Secret cinema' })).toBeVisible();

  await owner.getByRole('tab', { name: 'Invites', exact: true }).click();
  await owner.getByRole('button', { name: 'Create a link' }).click();
  await owner.getByRole('button', { name: 'QR code' }).click();
  await expect(owner.getByRole('img', { name: 'QR code of the invite link' })).toBeVisible();
  await clean(owner);
  const link = await invite(slug);
  const friend = await (await browser.newContext()).newPage();
  await friend.goto(link);
  await expect(friend.getByText('Old films, quietly')).toBeVisible();
  await clean(friend);
  await friend.getByLabel('Your name').fill('Linus');
  await friend.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(friend).toHaveURL(`${server.url}/c/${slug}`);
  await expect(friend.getByRole('heading', { name: 'Secret cinema' })).toBeVisible();

  await close(owner);
  await owner.getByRole('tab', { name: /^People/ }).click();
  await owner.getByRole('button', { name: 'What you can do for Linus' }).click();
  await owner.getByRole('button', { name: 'Remove from the channel' }).click();
  await owner.getByLabel('Reason, if you like to give one').fill('Spoilers');
  await owner.getByRole('button', { name: 'Remove from the channel' }).click();
  await expect(friend.getByRole('heading', { name: 'You were removed from this channel' })).toBeVisible();
});

test('a right taken away shows at once, and says why', async ({ browser }) => {
  const { slug } = await ada.channel('One remote');
  const guest = await (await browser.newContext()).newPage();
  await guest.goto(`${server.url}/c/${slug}`);
  await guest.getByLabel('Your name').fill('Grace');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await guest.getByRole('tab', { name: /^People/ }).click();
  const owner = await (await browser.newContext()).newPage();
  await signIn(owner, server.url, 'Ada', 'correct horse battery');
  await owner.goto(`${server.url}/c/${slug}`);
  await settings(owner, 'Who controls');
  await owner.getByLabel('One remote, in one person’s hand').check();
  await expect(owner.getByText('You have the remote.')).toBeVisible();
  await expect(guest.getByRole('img', { name: 'has the remote' })).toBeVisible();
  await owner.getByRole('button', { name: 'Give', exact: true }).click();
  await expect(owner.getByText('Grace has the remote.')).toBeVisible();
  await close(owner);
  await owner.getByRole('button', { name: 'Load a video' }).click();
  await expect(owner.getByText('Grace has the remote. Ask Grace for it.')).toBeVisible();
  await expect(owner.getByRole('dialog')).toHaveCount(0);
});

/** Answers to a page stay under way until the returned function is called. */
async function held(page: Page): Promise<() => Promise<void>> {
  let go: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => (go = resolve));
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    await wait;
    await route.fulfill({ response });
  });
  return async () => {
    go();
    await page.unrouteAll({ behavior: 'wait' });
  };
}

/** The link of a fresh invite. */
async function invite(slug: string): Promise<string> {
  const found = await ada.ask('query($s: String!) { channel(slug: $s) { id } }', { s: slug });
  const { id } = found['channel'] as { id: string };
  const issued = await ada.ask(
    'mutation($i: IssueInviteInput!) { issueInvite(input: $i) { ... on InviteIssued { code } } }',
    { i: { operationId: crypto.randomUUID(), channel: id, expiresAt: new Date(Date.now() + 86_400_000).toISOString(), usesMax: 1 } },
  );
  return `${server.url}/i/${(issued['issueInvite'] as { code: string }).code}`;
}
