// The limits that an installation has by itself let a person use the pages.

import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

test('going from page to page is refused nothing under the limits of an installation', async ({ page }) => {
  const server = await Server.start({ env: { LOCKSTEP_LIMITS: 'default', LOCKSTEP_DEMO: 'on' } });
  const api = await Api.setUp(server.url, server.setupLink ?? '');
  const channel = await api.channel('Club');
  const refused: string[] = [];
  let [limit, least] = [0, Infinity];
  page.on('response', (answer) => {
    if (answer.status() === 429) refused.push(answer.url());
    const left = answer.url().endsWith('/graphql') ? answer.headers()['x-ratelimit-remaining'] : undefined;
    if (left === undefined) return;
    limit = Number(answer.headers()['x-ratelimit-limit']);
    least = Math.min(least, Number(left));
  });
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  for (const path of ['/', '/library', `/c/${channel.slug}`, '/', '/library', `/c/${channel.slug}`]) {
    await page.goto(server.url + path);
    await page.waitForLoadState('networkidle');
  }
  // By links: the page that is left asks nothing about what belongs to the next one.
  const wrong: string[] = [];
  page.on('response', async (answer) => {
    if (!answer.url().endsWith('/graphql')) return;
    const said = await answer.text().catch(() => '');
    if (said.includes('"errors"') && !said.includes('PERSISTED_QUERY_NOT_FOUND')) wrong.push(`${answer.request().postData()}: ${said}`);
  });
  await page.getByRole('link', { name: 'Lockstep, home' }).click();
  await expect(page.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await page.getByRole('link', { name: /Club/ }).first().click();
  await expect(page.getByRole('heading', { name: 'Club' })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Videos' })).toBeVisible();
  await page.waitForLoadState('networkidle');
  expect(wrong).toEqual([]);
  expect(refused).toEqual([]);
  expect(limit).toBeGreaterThan(0);
  expect(least, 'half of a minute\'s budget is left after six pages').toBeGreaterThan(limit / 2);
  await server.stop();
});

/** Requests that a page sends before it may, after it was told to wait. */
function impatience(page: Page): { refused: number; early: string[] } {
  /** What was under way when the refusal came is not early. */
  const UNDER_WAY_MS = 300;
  const heard = { refused: 0, early: [] as string[] };
  let [from, until] = [Infinity, 0];
  const ours = (url: string): boolean => url.endsWith('/graphql');
  page.on('response', (answer) => {
    if (!ours(answer.url()) || answer.status() !== 429) return;
    heard.refused += 1;
    from = performance.now() + UNDER_WAY_MS;
    until = Math.max(until, performance.now() + Number(answer.headers()['retry-after']) * 1_000 - UNDER_WAY_MS);
  });
  page.on('request', (request) => {
    const now = performance.now();
    if (ours(request.url()) && now > from && now < until) heard.early.push(request.postData() ?? '');
  });
  return heard;
}

test('a page that was refused waits as long as the server says, tells it, and goes on by itself', async ({ page }) => {
  const server = await Server.start({ env: { LOCKSTEP_LIMITS: 'default', LOCKSTEP_LIMIT_GRAPHQL: '4000/30', LOCKSTEP_LIMIT_AUTH: '1000/60' } });
  const api = await Api.setUp(server.url, server.setupLink ?? '');
  await api.channel('Club');
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  const heard = impatience(page);
  // Somebody spends what the account has: its pages are refused now.
  const dear = '{ videos(first: 100) { nodes { id title status } } }';
  const spend = async (): Promise<boolean> => api.ask(dear).then(() => true, (refused: Error) => !refused.message.includes('rate_limited'));
  while (await spend());
  await page.goto(`${server.url}/library`);
  await expect(page.getByText(/^Too many requests\. It goes on by itself in \d+ s\.$/)).toBeVisible();
  await expect(page.getByText(/^Too many requests/)).toHaveCount(0, { timeout: 80_000 });
  await expect(page.getByRole('heading', { name: 'Library' })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(heard.refused).toBeGreaterThan(0);
  expect(heard.early).toEqual([]);
  await server.stop();
});
