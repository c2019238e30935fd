// API tokens and webhooks as people meet them: made on the account page, used by a program, ended.

import { createServer, type IncomingHttpHeaders, type Server as Http } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { clean, fits } from '../fixtures/axe.ts';
import { signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

const PASSWORD = 'correct horse battery';

interface Message {
  headers: IncomingHttpHeaders;
  body: string;
}

let server: Server;
let ada: Api;
let receiver: Http;
const received: Message[] = [];

/** As Standard Webhooks describes it. */
async function signature(secret: string, message: Message | undefined): Promise<string> {
  const { headers, body } = message ?? { headers: {}, body: '' };
  const key = await crypto.subtle.importKey('raw', Buffer.from(secret.slice(6), 'base64'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return `v1,${Buffer.from(await crypto.subtle.sign('HMAC', key, Buffer.from(text))).toString('base64')}`;
}

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  server = await Server.start({ env: { LOCKSTEP_WEBHOOKS_LOCAL: 'on' } });
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
test.afterAll(async () => {
  receiver?.close();
  await server?.stop();
});

test('a token is made with the password, acts for a program within its scopes, and is revoked', async ({ page }) => {
  await signIn(page, server.url, 'Ada', PASSWORD);
  await page.goto(`${server.url}/account`);
  const tokens = page.getByRole('region', { name: 'API tokens' });
  await tokens.getByLabel('What it is for').fill('backup script');
  await tokens.getByLabel('Read notifications').check();
  await tokens.getByLabel('Your password').fill('a wrong guess');
  await tokens.getByRole('button', { name: 'Make the token' }).click();
  await expect(tokens.getByText('The current password is not right.')).toBeVisible();
  await tokens.getByLabel('Your password').fill(PASSWORD);
  await tokens.getByRole('button', { name: 'Make the token' }).click();
  const token = await page.getByRole('dialog').getByRole('textbox', { name: 'Copy token' }).inputValue();
  expect(token).toMatch(/^lsk_[\w-]{43}$/);
  await clean(page, 'account-token');
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
  await expect(tokens.getByText(`${token.slice(0, 10)}…`)).toBeVisible();
  await expect(page.getByText(token)).toHaveCount(0);
  await clean(page, 'account-tokens');
  await fits(page, 'account-tokens');

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(server.url + path, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  expect((await ask('/api/videos')).status).toBe(200);
  expect((await ask('/api/notifications')).status).toBe(200);
  const upload = await ask('/api/upload/generate-presigned-url', { method: 'POST', body: '{"fileName":"a.mp4","fileSize":9,"contentType":"video/mp4"}' });
  expect([upload.status, (await upload.json()).error.code]).toEqual([403, 'scope']);
  const graphql = (query: string): Promise<Response> => ask('/graphql', { method: 'POST', body: JSON.stringify({ query }) });
  expect((await (await graphql('{ me { name } videos { totalCount } }')).json()).data.me.name).toBe('Ada');
  expect((await (await graphql('{ apiTokens { id } }')).json()).errors[0].extensions.code).toBe('scope');

  // Asked once more, and by the keyboard the harmless answer comes first.
  await tokens.getByRole('button', { name: 'Revoke backup script' }).press('Enter');
  await page.keyboard.press('Enter');
  expect((await ask('/api/videos')).status).toBe(200);
  await expect(tokens.getByRole('button', { name: 'Revoke backup script' })).toBeFocused();
  await page.keyboard.press('Enter');
  await tokens.getByRole('button', { name: 'Revoke it' }).click();
  await expect(tokens.getByText('You have no tokens.')).toBeVisible();
  expect((await ask('/api/videos')).status).toBe(401);
  expect((await graphql('{ me { name } }')).status).toBe(401);
});

test('a webhook is told of a film, shows what it was sent, and sends it again', async ({ page }) => {
  test.setTimeout(180_000);
  await signIn(page, server.url, 'Ada', PASSWORD);
  await page.goto(`${server.url}/account`);
  const webhooks = page.getByRole('region', { name: 'Webhooks' });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  await webhooks.getByLabel('Address').fill('http://hooks.example.org');
  await webhooks.getByRole('button', { name: 'Add the webhook' }).click();
  await expect(webhooks.getByText(/An address is https/)).toBeVisible();
  await webhooks.getByLabel('Address').fill(url);
  await webhooks.getByLabel('A file arrived').check();
  await webhooks.getByRole('button', { name: 'Add the webhook' }).click();
  const secret = await page.getByRole('dialog').getByRole('textbox', { name: 'Copy secret' }).inputValue();
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
  const film = await ada.upload(clip('bbb720.mp4'));
  await expect.poll(() => received.length, { timeout: 30_000 }).toBeGreaterThan(0);
  const first = received[0];
  expect(JSON.parse(first?.body ?? '')).toMatchObject({ type: 'video.uploaded', data: { videoId: film } });
  const id = String(first?.headers['webhook-id']);
  expect(first?.headers['webhook-signature']).toBe(await signature(secret, first));
  // The list is as it was when it was opened; what was received is noted a moment later.
  const sent = webhooks.getByRole('button', { name: `What it was sent: ${url}` });
  await expect(async () => {
    if ((await sent.getAttribute('aria-expanded')) === 'true') await sent.click();
    await sent.click();
    await expect(webhooks.getByText(/A file arrived/).first()).toBeVisible({ timeout: 2_000 });
    await expect(webhooks.getByText('delivered').first()).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await clean(page, 'account-webhooks');
  await fits(page, 'account-webhooks');
  await webhooks.getByRole('button', { name: /^Send again: A file arrived/ }).click();
  await expect.poll(() => received.filter((one) => one.headers['webhook-id'] === id).length, { timeout: 15_000 }).toBe(2);
  await webhooks.getByRole('button', { name: `New secret: ${url}` }).click();
  await webhooks.getByRole('button', { name: 'Make the new secret' }).click();
  const second = await page.getByRole('dialog').getByRole('textbox', { name: 'Copy secret' }).inputValue();
  expect(second).not.toBe(secret);
  await page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true }).click();
  await expect(webhooks.getByText(/^Signed with the old secret too, until/)).toBeVisible();
  await clean(page, 'account-webhooks-rotated');
  await webhooks.getByRole('button', { name: /^Send again: A file arrived/ }).click();
  await expect.poll(() => received.filter((one) => one.headers['webhook-id'] === id).length, { timeout: 15_000 }).toBe(3);
  const both = received.findLast((one) => one.headers['webhook-id'] === id);
  expect(String(both?.headers['webhook-signature']).split(' ')).toEqual([await signature(second, both), await signature(secret, both)]);
  await webhooks.getByRole('button', { name: `Remove ${url}` }).click();
  await webhooks.getByRole('button', { name: 'Remove it' }).click();
  await expect(webhooks.getByText('You have no webhooks.')).toBeVisible();
});
