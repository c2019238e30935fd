// Sign-in with a provider as people meet it: arriving, coming back, turning back, choosing a name, linking, and what asks
// others for a password.

import { type Browser, expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { signIn } from '../fixtures/browser.ts';
import { FakeProvider } from '../fixtures/provider.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const ADA = 'correct horse battery';
const NAME = 'Company account';

let provider: FakeProvider;
let server: Server;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  provider = await FakeProvider.start();
  server = await Server.start({ env: { ...provider.env(NAME), LOCKSTEP_REGISTRATION: 'open' } });
  await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  await server?.stop();
  await provider?.stop();
});

async function device(browser: Browser): Promise<Page> {
  return (await browser.newContext()).newPage();
}

/** At the provider: says who one is, or turns back. */
async function answer(page: Page, subject: string | null): Promise<void> {
  await expect(page.getByRole('heading', { name: 'Who are you?' })).toBeVisible();
  if (subject !== null) await page.getByLabel('Name at the provider').fill(subject);
  await page.getByRole('button', { name: subject === null ? 'Not now' : 'That is me' }).click();
}

async function arrive(page: Page, subject: string): Promise<void> {
  await page.goto(`${server.url}/sign-in`);
  await page.getByRole('button', { name: `Continue with ${NAME}` }).click();
  await answer(page, subject);
}

function menu(page: Page, name: string): ReturnType<Page['getByRole']> {
  return page.getByRole('button', { name: `Account: ${name}` });
}

/** The account's id, as the page's own session sees it. */
async function account(page: Page): Promise<string> {
  const answer = await page.request.post(`${server.url}/graphql`, { data: { query: '{ me { id } }' }, headers: { origin: server.url } });
  return ((await answer.json()) as { data: { me: { id: string } } }).data.me.id;
}

test('somebody signs up with the provider, signs out, and comes back as the same', async ({ browser }) => {
  const page = await device(browser);
  await page.goto(`${server.url}/register`);
  await expect(page.getByRole('button', { name: `Continue with ${NAME}` })).toBeVisible();
  await clean(page, 'register');
  await page.goto(`${server.url}/sign-in`);
  await expect(page.getByRole('button', { name: `Continue with ${NAME}` })).toBeVisible();
  await clean(page, 'sign-in');
  await fits(page, 'sign-in');
  await arrive(page, 'Bea');
  await expect(menu(page, 'Bea')).toBeVisible();
  const first = await account(page);
  await menu(page, 'Bea').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('link', { name: 'Sign in' }).first()).toBeVisible();
  await arrive(page, 'Bea');
  await expect(menu(page, 'Bea')).toBeVisible();
  expect(await account(page)).toBe(first);
});

test('who turns back at the provider is told kindly and may try again', async ({ browser }) => {
  const page = await device(browser);
  await page.goto(`${server.url}/sign-in?next=%2Fstatus`);
  await page.getByRole('button', { name: `Continue with ${NAME}` }).click();
  await answer(page, null);
  await expect(page.getByText('You turned back at your provider.')).toBeVisible();
  await clean(page, 'cancelled');
  await page.getByRole('button', { name: `Continue with ${NAME}` }).click();
  await answer(page, 'Bea');
  await expect(page).toHaveURL(`${server.url}/status`);
  await page.goto(`${server.url}/auth/oidc/callback?code=old&state=old`);
  await expect(page.getByText('That sign-in took too long or was used already.')).toBeVisible();
});

test('whose name is taken chooses another one, and gets an account of their own', async ({ browser }) => {
  const page = await device(browser);
  await arrive(page, 'Ada');
  await expect(page.getByRole('heading', { name: 'Choose a name' })).toBeVisible();
  await expect(page.getByText('“Ada” is taken')).toBeVisible();
  await clean(page, 'choose a name');
  await fits(page, 'choose a name');
  await page.getByLabel('Your name').fill('ada');
  await page.getByRole('button', { name: 'Create the account' }).click();
  await expect(page.getByText('Someone has this name already.')).toBeVisible();
  await page.getByLabel('Your name').fill('Ada of the company');
  await page.getByRole('button', { name: 'Create the account' }).click();
  await expect(menu(page, 'Ada of the company')).toBeVisible();
});

test('somebody with a password links the provider, comes in by it, and unlinks it', async ({ browser }) => {
  const page = await device(browser);
  await signIn(page, server.url, 'Ada', ADA);
  await page.goto(`${server.url}/account`);
  const card = page.getByRole('region', { name: 'Other ways to sign in' });
  await card.getByLabel('Your password').fill(ADA);
  await clean(page, 'account');
  await fits(page, 'account');
  await card.getByRole('button', { name: `Link ${NAME}` }).click();
  await answer(page, 'ada-at-work');
  await expect(card.getByText(/^linked/)).toBeVisible();
  const phone = await device(browser);
  await arrive(phone, 'ada-at-work');
  await expect(menu(phone, 'Ada')).toBeVisible();
  await card.getByLabel('Your password').fill('not this one');
  await card.getByRole('button', { name: `Unlink ${NAME}` }).click();
  await expect(card.getByText('The current password is not right.')).toBeVisible();
  await card.getByLabel('Your password').fill(ADA);
  await card.getByRole('button', { name: `Unlink ${NAME}` }).click();
  await expect(card.getByRole('button', { name: `Link ${NAME}` })).toBeVisible();
});

test('an account without a password confirms with the provider, makes a token and sets a password', async ({ browser }) => {
  const page = await device(browser);
  await arrive(page, 'Cid');
  await expect(menu(page, 'Cid')).toBeVisible();
  // The sign-in itself was asked for just now; a quarter of an hour later it would not count.
  await page.goto(`${server.url}/account`);
  const tokens = page.getByRole('region', { name: 'API tokens' });
  await expect(tokens.getByText('Your provider has just confirmed that it is you.')).toBeVisible();
  await clean(page, 'account without a password');
  await tokens.getByLabel('What it is for').fill('script');
  await tokens.getByRole('button', { name: 'Make the token' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
  await page.getByLabel('New password').fill('a first good one');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByText('You sign in as “Cid”.')).toBeVisible();
  const phone = await device(browser);
  await signIn(phone, server.url, 'Cid', 'a first good one');
  await phone.goto(`${server.url}/account`);
  await expect(phone.getByRole('region', { name: 'API tokens' }).getByLabel('Your password')).toBeVisible();
});

test('while the provider is away the page says so and passwords go on', async ({ browser }) => {
  const page = await device(browser);
  provider.isDown = true;
  await arrive(page, 'Bea');
  await expect(page.getByText('Your provider does not answer right now.')).toBeVisible();
  provider.isDown = false;
  await signIn(page, server.url, 'Ada', ADA);
  await page.goto(`${server.url}/sign-in?problem=%3Cimg%20src=x%3E`);
  await expect(page.getByText('Signing in with your provider did not work.')).toBeVisible();
});
