// A viewer on each of two nodes whose clocks are two hours apart: one frame, and a node that is lost is not missed.

import { expect, type Page } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, guest, jump, pictureReady, press, runs, type Viewer } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { databaseUrl, freePort, Shared } from '../fixtures/shared.ts';
import { test } from '../fixtures/test.ts';
import { measureSkew, type Measured, readStill } from '../harness/measure.ts';
import { readRecording, startRecording } from '../harness/sampler.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';

const SKEW_P95_MS = 20;
/** How long a viewer of a lost node may be away. */
const BACK_MS_MAX = 3_000;
/** Two hours and 200 millionths apart. */
const CLOCKS = ['+3600000000us,+100ppm', '-3600000000us,-100ppm'];
/** What the second node's database is further away: without one moment for both, its viewers would be so late. */
const FURTHER = { base_ms: 20, jitter_ms: 0 };
const NOTHING = { seeks: 0, stalls: 0, paused: 0 };

let shared: Shared;
/** The one name of both, which leads to the first node until that is lost. */
let balancer: FaultProxy;
/** The second node's way to the database. */
let line: FaultProxy;
let nodes: Server[] = [];
let internal: number[] = [];

test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });
test.beforeAll(async () => {
  shared = await Shared.start();
  const ports = [await freePort(), await freePort()];
  internal = [await freePort(), await freePort()];
  balancer = await FaultProxy.start({ targetPort: ports[0] ?? 0 });
  line = await FaultProxy.start({ targetPort: shared.databasePort });
  for (const [at, port] of ports.entries()) {
    const own = { LOCKSTEP_HUB_CLOCK: CLOCKS[at] ?? '', LOCKSTEP_INTERNAL: `127.0.0.1:${internal[at]}` };
    const database = at === 0 ? shared.databasePort : line.port;
    const named = { LOCKSTEP_PUBLIC_URL: `http://localhost:${balancer.port}`, DATABASE_URL: databaseUrl(database) };
    nodes.push(await Server.start({ port, env: { ...shared.env, ...own, ...named } }));
  }
});
test.afterAll(async () => {
  for (const node of nodes) await node.stop();
  await balancer?.close();
  await line?.close();
  await shared?.stop();
});

/** Until each node hears so many others on the bus. */
async function hear(others: number): Promise<void> {
  const said = new RegExp(`^lockstep_hub_peers ${others}$`, 'm');
  for (const port of internal)
    await expect.poll(async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 30_000 }).toMatch(said);
}

function judge(name: string, { skew, ...measured }: Measured): void {
  console.log(`${name}: ${JSON.stringify({ skew, ...measured })}`);
  expect(skew.covered, `${name}: the window was measured`).toBeGreaterThan(0.9);
  expect(skew.rateA, `${name}: both play`).toBeGreaterThan(0.98);
  expect(skew.p95, `${name}: p95 in ms`).toBeLessThan(SKEW_P95_MS);
}

/** What has disturbed a film since its recording began. */
async function disturbed(page: Page): Promise<typeof NOTHING> {
  const { readings, seeks, stalls } = await readRecording(page);
  expect(readings.length, 'it was recorded').toBeGreaterThan(20);
  return { seeks: seeks.length, stalls: stalls.length, paused: readings.filter(({ paused }) => paused).length };
}

async function says(from: Viewer, to: Viewer, text: string): Promise<void> {
  const field = from.page.getByRole('textbox', { name: 'Message' });
  await field.fill(text);
  await field.press('Enter');
  await expect(to.page.getByRole('log', { name: 'Chat messages' }).getByText(text)).toBeVisible();
}

/** The messages of this test, as this page lists them. */
async function heard(viewer: Viewer): Promise<string[]> {
  const texts = await viewer.page.getByRole('log', { name: 'Chat messages' }).locator('[data-message]').allInnerTexts();
  return texts.flatMap((text) => /word \d of \w+/.exec(text) ?? []);
}

test('viewers on two nodes see the same frame; without Redis and without the one node the other goes on', async ({ playwright, browser }) => {
  test.setTimeout(600_000);
  const [first, second] = nodes as [Server, Server];
  await hear(1);
  const ada = await Api.setUp(first.url, first.setupLink ?? '');
  const channel = await ada.channel('Two nodes');
  const film = await ada.upload(clip('frames480.mp4'));
  await ada.ready(film);
  await ada.load(channel.id, film);
  const args = [...CHROMIUM_ARGS, viaProxy(balancer.port, second.port)];
  const far = await playwright.chromium.launch({ executablePath: '/usr/bin/chromium', args });
  const a = await guest(browser, first.url, channel.slug, 'Grace');
  const b = await guest(far, first.url, channel.slug, 'Linus');
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  line.setDelays({ up: FURTHER, down: FURTHER });
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  judge('two nodes, after play', await measureSkew(a.page, b.page));
  await jump(b.page, 2);
  judge('two nodes, after a seek at the second', await measureSkew(a.page, b.page));
  await press(b.page, 'k');
  const [left, right] = await Promise.all([readStill(a.page), readStill(b.page)]);
  expect(left.frame).not.toBeNull();
  expect(right, 'paused: the same burned-in frame').toEqual(left);
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  await says(a, b, 'word 1 of Grace');
  await says(b, a, 'word 1 of Linus');

  // Redis is lost, and comes back empty.
  await Promise.all([startRecording(a.page), startRecording(b.page)]);
  await shared.killRedis();
  await says(a, b, 'word 2 of Grace');
  await says(b, a, 'word 2 of Linus');
  await hear(0);
  await shared.restartRedis();
  await hear(1);
  expect([await disturbed(a.page), await disturbed(b.page)], 'nobody noticed').toEqual([NOTHING, NOTHING]);

  // The first node is lost, and the balancer sends its viewers to the second.
  await Promise.all([startRecording(a.page), startRecording(b.page)]);
  const back = new Promise<number>((resolve) =>
    a.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => String(payload).includes('"t":"joined"') && resolve(performance.now()))),
  );
  const killed = performance.now();
  await first.kill();
  balancer.reset();
  balancer.retarget(second.port);
  const away = (await back) - killed;
  console.log(`two nodes: the lost node's viewer was back after ${Math.round(away)} ms`);
  expect(away).toBeLessThan(BACK_MS_MAX);
  await says(b, a, 'word 3 of Linus');
  await says(a, b, 'word 3 of Grace');
  expect(await disturbed(b.page), 'the other one never stopped').toEqual(NOTHING);
  judge('two nodes, on the one that is left', await measureSkew(a.page, b.page));
  const all = [1, 2, 3].flatMap((n) => (n < 3 ? ['Grace', 'Linus'] : ['Linus', 'Grace']).map((who) => `word ${n} of ${who}`));
  expect([await heard(a), await heard(b)], 'nothing lost, nothing doubled, one order').toEqual([all, all]);
  await a.context.close();
  await far.close();
});
