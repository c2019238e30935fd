// The limits that an installation has by itself let a person use the pages.

import { expect, test } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';

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
  expect(refused).toEqual([]);
  expect(limit).toBeGreaterThan(0);
  expect(least, 'half of a minute\'s budget is left after six pages').toBeGreaterThan(limit / 2);
  await server.stop();
});
