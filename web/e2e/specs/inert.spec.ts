// What people write is text, wherever it is shown: sixty payloads as names, titles, channel names, chat, reports and
// reasons, and every view looked at. A dialog, a set flag or an element of theirs fails the test.

import { randomUUID } from 'node:crypto';
import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

/** Set by a payload that ran. */
const FLAG = '__ran';
const RUN = `window.${FLAG}=1;alert(1)`;
const NAME_CHARS_MAX = 40;
/** One person's messages within five seconds. */
const AT_ONCE = 5;

const PAYLOADS: readonly string[] = [
  `<script>${RUN}</script>`,
  `<ScRiPt>${RUN}</sCrIpT>`,
  `<script src=//x.invalid></script>`,
  `"><script>${RUN}</script>`,
  `'><script>${RUN}</script>`,
  `</script><script>${RUN}</script>`,
  `</textarea><script>${RUN}</script>`,
  `</title><script>${RUN}</script>`,
  `</style><script>${RUN}</script>`,
  `--><script>${RUN}</script>`,
  `]]><script>${RUN}</script>`,
  `<img src=x onerror=${RUN}>`,
  `<img src=x onerror="${RUN}">`,
  `"><img src=x onerror=${RUN}>`,
  `'"><img src=x onerror=${RUN}>`,
  `<img/src=x/onerror=${RUN}>`,
  `<img src="x\`\`onerror=${RUN}">`,
  `<image href=x onerror=${RUN}>`,
  `<svg onload=${RUN}>`,
  `<svg/onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x>`,
  `<svg><a href="javascript:${RUN}"><text>x</text></a>`,
  `<svg><foreignObject><img src=x onerror=${RUN}>`,
  `<math><mtext><img src=x onerror=${RUN}>`,
  `<math href="javascript:${RUN}">x</math>`,
  `<body onload=${RUN}>`,
  `<iframe src="javascript:${RUN}"></iframe>`,
  `<iframe srcdoc="<script>parent.${FLAG}=1</script>">`,
  `<object data="javascript:${RUN}">`,
  `<embed src="javascript:${RUN}">`,
  `<a href="javascript:${RUN}">x</a>`,
  `<a href=" javascript:${RUN}">x</a>`,
  `<a href="data:text/html,<script>${RUN}</script>">x</a>`,
  `<form action="javascript:${RUN}"><button>x`,
  `<button formaction="javascript:${RUN}">x</button>`,
  `<input autofocus onfocus=${RUN}>`,
  `<select autofocus onfocus=${RUN}>`,
  `<textarea autofocus onfocus=${RUN}>`,
  `<details open ontoggle=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<audio src=x onerror=${RUN}>`,
  `<video src=x onerror=${RUN}>`,
  `<marquee onstart=${RUN}>x</marquee>`,
  `<style>@import "//x.invalid";</style>`,
  `<style onload=${RUN}></style>`,
  `<link rel=stylesheet href=//x.invalid onerror=${RUN}>`,
  `<base href="//x.invalid/">`,
  `<meta http-equiv=refresh content="0;javascript:${RUN}">`,
  `<div style="background:url(javascript:${RUN})">x`,
  `<div onpointerenter=${RUN} style="position:fixed;inset:0">x</div>`,
  `javascript:${RUN}`,
  `JaVaScRiPt:${RUN}`,
  `https://x.invalid/"onmouseover="${RUN}`,
  `https://x.invalid/'><script>${RUN}</script>`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\${${RUN}}`,
  `{@html "<script>${RUN}</script>"}`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
];

let server: Server;
let ada: Api;
let channel: { id: string; slug: string };

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  test.setTimeout(240_000);
  // More unfinished uploads than one account usually has.
  server = await Server.start({ env: { LOCKSTEP_ACCOUNT_UPLOADS_MAX: '100' } });
  ada = await Api.setUp(server.url, server.setupLink ?? '');
  channel = await ada.channel(short(PAYLOADS[11] ?? ''));
  for (const payload of PAYLOADS) {
    await ada.ask(
      'mutation($i: RequestUploadInput!) { requestUpload(input: $i) { __typename } }',
      { i: { operationId: randomUUID(), title: payload.slice(0, 100), fileName: payload.slice(0, 100), sizeBytes: 1000, contentType: 'video/mp4' } },
    );
  }
  for (let from = 0; from < PAYLOADS.length; from += AT_ONCE) {
    const guest = await Api.guest(server.url, short(PAYLOADS[from] ?? ''));
    await guest.join(channel.id);
    for (const text of PAYLOADS.slice(from, from + AT_ONCE)) await say(guest, text);
  }
});
test.afterAll(async () => server?.stop());

/** As much of it as a name may have. */
function short(payload: string): string {
  return [...payload].slice(0, NAME_CHARS_MAX).join('').trim();
}

async function say(by: Api, text: string): Promise<string> {
  const id = randomUUID();
  const said = await by.ask('mutation($i: PostMessageInput!) { postMessage(input: $i) { __typename ... on Refused { code } } }', {
    i: { operationId: randomUUID(), channel: channel.id, id, text },
  });
  expect(said['postMessage'], text).toEqual({ __typename: 'MessagePosted' });
  return id;
}

/** Counts what ran. */
async function watch(page: Page): Promise<() => Promise<void>> {
  const dialogs: string[] = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  return async () => {
    expect(dialogs).toEqual([]);
    const seen = await page.evaluate(
      (flag) => ({
        ran: flag in window,
        foreign: document.querySelectorAll(
          'iframe, object, embed, base, marquee, math, foreignObject, [onerror], [onload], [onfocus], [ontoggle], [onstart], [onbegin], [onpointerenter], [onmouseover], [formaction], a[href^="javascript" i], a[href^="data" i], [src="x"]',
        ).length,
      }),
      FLAG,
    );
    expect(seen).toEqual({ ran: false, foreign: 0 });
  };
}

test('the check itself sees a payload that runs', async ({ page }) => {
  let dialogs = 0;
  page.on('dialog', (dialog) => {
    dialogs += 1;
    void dialog.dismiss();
  });
  await page.setContent(PAYLOADS[11] ?? '');
  await expect.poll(() => page.evaluate((flag) => flag in window, FLAG)).toBe(true);
  expect(dialogs).toBe(1);
});

test('sixty payloads are text in every view', async ({ page }) => {
  expect(new Set(PAYLOADS).size).toBe(60);
  const inert = await watch(page);
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  await expect(page.getByText(PAYLOADS[59]?.slice(0, 60) ?? '').first()).toBeVisible();
  await inert();

  await page.goto(`${server.url}/c/${channel.slug}`);
  const log = page.getByRole('log', { name: 'Chat messages' });
  await expect(log.getByText(PAYLOADS[59] ?? '', { exact: true })).toBeVisible();
  const older = page.getByRole('button', { name: 'Show older messages' });
  while (await older.isVisible()) {
    const before = await log.locator('[data-message]').count();
    await older.click();
    await expect.poll(() => log.locator('[data-message]').count()).toBeGreaterThan(before);
  }
  for (const payload of PAYLOADS) await expect(log.getByText(payload, { exact: true }).first()).toBeAttached();
  await inert();
  // A link among them leads where it says, and tells nobody where it was clicked.
  const links = await log.locator('a').evaluateAll((all) => all.map((link) => [link.getAttribute('rel'), new URL((link as HTMLAnchorElement).href).protocol]));
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(link).toEqual(['noopener noreferrer nofollow ugc', 'https:']);

  const last = log.locator('[data-message]').last();
  await last.getByRole('button', { name: /actions$/ }).click();
  await last.getByRole('button', { name: 'Pin', exact: true }).click();
  await page.getByRole('button', { name: 'Pinned messages' }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByText(PAYLOADS[59] ?? '')).toBeVisible();
  await inert();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Search messages' }).click();
  await sheet.getByRole('searchbox').fill('script');
  await expect(sheet.getByRole('listitem').first()).toBeVisible();
  await inert();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('tab', { name: /People/ }).click();
  await inert();

  await page.goto(`${server.url}/status`);
  await inert();
  await page.goto(server.url);
  await inert();
});

test('reports, reasons and answers are text too', async ({ page }) => {
  const payload = PAYLOADS[11] ?? '';
  const troll = await Api.guest(server.url, short(PAYLOADS[18] ?? ''));
  await troll.join(channel.id);
  const message = await say(troll, payload);
  await ada.ask('mutation($i: ReportMessageInput!) { reportMessage(input: $i) { __typename } }', {
    i: { operationId: randomUUID(), message, reason: payload },
  });
  await ada.ask('mutation($i: PostMessageInput!) { postMessage(input: $i) { __typename } }', {
    i: { operationId: randomUUID(), channel: channel.id, id: randomUUID(), text: 'an answer', replyTo: message },
  });
  const inert = await watch(page);
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  await page.goto(`${server.url}/c/${channel.slug}?m=${message}`);
  const log = page.getByRole('log', { name: 'Chat messages' });
  await expect(log.getByText('an answer')).toBeVisible();
  await inert();
  await page.getByRole('button', { name: 'Reports', exact: true }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByText(payload).first()).toBeVisible();
  await inert();
  await sheet.getByRole('button', { name: 'Close' }).click();
  await ada.ask('mutation($i: RedactMessageInput!) { redactMessage(input: $i) { __typename } }', {
    i: { operationId: randomUUID(), message, reason: payload },
  });
  await expect(log.getByText(`Reason: ${payload}`)).toBeVisible();
  await inert();
});
