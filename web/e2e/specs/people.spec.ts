// Accounts as people meet them: registering, the devices one is signed in on, a new password, and an administrator's day.

import { type Browser, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean } from '../fixtures/axe.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const ADA = 'correct horse battery';
const BOB = 'staple under the stairs';
const NEWER = 'another one for the road';
/** What is promised of a session that ends. */
const CLOSED_WITHIN_MS = 1_000;
const PAGE_ROWS = 24;

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

/** A device: a browser without anything of the others. */
async function device(browser: Browser): Promise<Page> {
  return (await browser.newContext()).newPage();
}

/** Opens a page from the menu of the person who is signed in. */
async function fromMenu(page: Page, name: string, link: string): Promise<void> {
  await page.getByRole('button', { name: `Account: ${name}` }).click();
  await page.getByRole('link', { name: link }).click();
  await expect(page.getByRole('heading', { name: link, level: 1 })).toBeVisible();
}

/** Resolves with when the page's channel socket closed. */
function socketClosed(page: Page): { opened: Promise<void>; closedAt: Promise<number> } {
  let tellOpened = (): void => {};
  const opened = new Promise<void>((resolve) => (tellOpened = resolve));
  const closedAt = new Promise<number>((resolve) => {
    page.on('websocket', (socket) => {
      if (!socket.url().endsWith('/sync')) return;
      tellOpened();
      socket.on('close', () => resolve(performance.now()));
    });
  });
  return { opened, closedAt };
}

/** Sits in a channel with an open socket. */
async function sitIn(page: Page, slug: string): Promise<ReturnType<typeof socketClosed>> {
  const watched = socketClosed(page);
  await page.goto(`${server.url}/c/${slug}`);
  const join = page.getByRole('button', { name: 'Join', exact: true });
  const inside = page.getByRole('tab', { name: /^People/ });
  await expect(join.or(inside)).toBeVisible();
  if (await join.isVisible()) await join.click();
  await expect(inside).toBeVisible();
  await watched.opened;
  return watched;
}

/** The secret of the link that the administrator is shown. */
async function shownLink(page: Page): Promise<string> {
  return page.getByRole('dialog').getByRole('textbox', { name: 'Copy link' }).inputValue();
}

async function closeDialog(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
}

test('a link lets somebody register, and a new password signs out the other devices', async ({ browser }) => {
  const { slug } = await ada.channel('Late show');
  const admin = await device(browser);
  await signIn(admin, server.url, 'Ada', ADA);
  await fromMenu(admin, 'Ada', 'Administration');
  await admin.getByLabel('How many people').fill('1');
  await admin.getByRole('button', { name: 'Make the link' }).click();
  const link = await shownLink(admin);
  await clean(admin);
  await closeDialog(admin);
  await expect(admin.getByText('0 of 1 used')).toBeVisible();

  const phone = await device(browser);
  await phone.goto(link);
  await clean(phone);
  await phone.getByLabel('Your name').fill('Bob');
  await phone.getByLabel('Password', { exact: true }).fill('password');
  await phone.getByRole('button', { name: 'Create the account' }).click();
  await expect(phone.getByText('on every list of common ones')).toBeVisible();
  await phone.getByLabel('Password', { exact: true }).fill(BOB);
  await phone.getByRole('button', { name: 'Create the account' }).click();
  await expect(phone.getByRole('heading', { name: 'Videos' })).toBeVisible();
  const late = await device(browser);
  await late.goto(link);
  await expect(late.getByText('This link does not work any more.')).toBeVisible();

  const laptop = await device(browser);
  await signIn(laptop, server.url, 'Bob', BOB);
  const { closedAt } = await sitIn(laptop, slug);
  await fromMenu(phone, 'Bob', 'Your account');
  await expect(phone.getByRole('listitem').filter({ hasText: 'Chrome on Linux' })).toHaveCount(2);
  await clean(phone);
  await phone.getByLabel('Current password').fill('not this one');
  await phone.getByLabel('New password').fill(NEWER);
  await phone.getByRole('button', { name: 'Change the password' }).click();
  await expect(phone.getByText('The current password is not right.')).toBeVisible();
  await phone.getByLabel('Current password').fill(BOB);
  const changed = phone.waitForResponse((answer) => answer.request().postData()?.includes('"ChangePassword"') ?? false);
  await phone.getByRole('button', { name: 'Change the password' }).click();
  await changed;
  const changedAt = performance.now();
  expect((await closedAt) - changedAt).toBeLessThan(CLOSED_WITHIN_MS);
  await expect(laptop.getByRole('heading', { name: 'Your session has ended' })).toBeVisible();
  await expect(phone.getByRole('listitem').filter({ hasText: 'Chrome on Linux' })).toHaveCount(1);

  await laptop.getByRole('button', { name: 'Join again' }).click();
  await expect(laptop.getByLabel('Your name')).toBeVisible();
  await signIn(laptop, server.url, 'Bob', NEWER);
  await phone.reload();
  await phone.getByRole('button', { name: 'Sign out Chrome on Linux' }).click();
  await expect(phone.getByText('Signed out there.')).toBeVisible();
  await laptop.goto(`${server.url}/account`);
  await expect(laptop.getByText('You are signed out.')).toBeVisible();
});

test('an administrator finds people, gives a link for a new password, suspends and lets in again', async ({ browser }) => {
  const { slug } = await ada.channel('Matinee');
  for (let number = 0; number < PAGE_ROWS + 2; number += 1) await Api.guest(server.url, `Guest ${number}`);
  const admin = await device(browser);
  let asked = 0;
  admin.on('request', (request) => (asked += request.postData()?.includes('"operationName":"People"') ? 1 : 0));
  await signIn(admin, server.url, 'Ada', ADA);
  await fromMenu(admin, 'Ada', 'Administration');
  const rows = admin.getByRole('list', { name: 'People' }).getByRole('listitem');
  await expect(rows).toHaveCount(2);
  await admin.getByLabel('Show guests').check();
  await expect(rows).toHaveCount(PAGE_ROWS);
  await admin.getByRole('button', { name: 'Show more' }).click();
  await expect(rows).toHaveCount(PAGE_ROWS + 4);
  await admin.getByLabel('Search people').fill('bob');
  await expect(rows).toHaveCount(1);
  await admin.getByLabel('Show guests').uncheck();
  await clean(admin);
  expect(asked, 'each change of what is wanted asks once').toBeLessThanOrEqual(5);

  const bob = await device(browser);
  await signIn(bob, server.url, 'Bob', NEWER);
  const watched = await sitIn(bob, slug);
  await admin.getByRole('button', { name: 'Actions for Bob' }).click();
  await clean(admin);
  await admin.getByRole('button', { name: 'Link for a new password' }).click();
  const link = await shownLink(admin);
  await closeDialog(admin);
  const phone = await device(browser);
  await phone.goto(link);
  await clean(phone);
  await phone.getByLabel('New password').fill(BOB);
  await phone.getByRole('button', { name: 'Set the password' }).click();
  await expect(phone.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await watched.closedAt;
  await expect(bob.getByRole('heading', { name: 'Your session has ended' })).toBeVisible();
  await bob.goto(link);
  await bob.getByLabel('New password').fill('a third one, please');
  await bob.getByRole('button', { name: 'Set the password' }).click();
  await expect(bob.getByText('This link does not work any more.')).toBeVisible();

  const again = await sitIn(phone, slug);
  await admin.getByRole('button', { name: 'Actions for Bob' }).click();
  await admin.getByRole('button', { name: 'Suspend…' }).click();
  await admin.getByLabel('Reason').fill('Sells tickets');
  await clean(admin);
  const done = admin.waitForResponse((answer) => answer.request().postData()?.includes('"SuspendAccount"') ?? false);
  await admin.getByRole('button', { name: 'Suspend', exact: true }).click();
  await done;
  const suspendedAt = performance.now();
  expect((await again.closedAt) - suspendedAt).toBeLessThan(CLOSED_WITHIN_MS);
  await expect(rows.filter({ hasText: 'Suspended' })).toContainText('Sells tickets');
  await clean(admin);
  await phone.goto(`${server.url}/sign-in`);
  await phone.getByLabel('Name', { exact: true }).fill('Bob');
  await phone.getByLabel('Password', { exact: true }).fill(BOB);
  await phone.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(phone.getByText('This account is suspended.')).toBeVisible();
  await admin.getByRole('button', { name: 'Actions for Bob' }).click();
  await admin.getByRole('button', { name: 'Let in again' }).click();
  await expect(rows.filter({ hasText: 'Suspended' })).toHaveCount(0);
  await signIn(phone, server.url, 'Bob', BOB);

  await expect(admin.getByText('Done.')).toHaveCount(0);
  await admin.getByLabel('Nobody').check();
  await expect(admin.getByText('Done.')).toBeVisible();
  await bob.goto(`${server.url}/register`);
  await expect(bob.getByText('Nobody can register here now.')).toBeVisible();
  await clean(bob);
});

test('a form of another site changes nothing', async ({ browser }) => {
  const page = await device(browser);
  await signIn(page, server.url, 'Ada', ADA);
  for (const kind of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    await page.goto('about:blank');
    // The trick of forms that look like JSON: the name and the value of a field around one equals sign.
    await page.setContent(`<form method="post" enctype="${kind}" action="${server.url}/graphql">
      <input name='{"query":"mutation { signOut { __typename } }","x":"' value='"}'><button>Win a prize</button></form>`);
    const answer = page.waitForResponse(`${server.url}/graphql`);
    await page.getByRole('button', { name: 'Win a prize' }).click();
    expect((await answer).status(), kind).toBe(403);
  }
  await page.goto(server.url);
  await expect(page.getByRole('button', { name: 'Account: Ada' })).toBeVisible();
});
