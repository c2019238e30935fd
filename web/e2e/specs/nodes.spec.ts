// Two nodes behind one name, with clocks two hours apart that drift away from each other: a viewer on each sees the same
// frame, and when one node is killed its viewer goes on at the other.

import { expect, type Browser, type Page, test } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { CHROMIUM_ARGS, guest, jump, pictureReady, press, runs, type Viewer } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { freePort, Shared } from '../fixtures/nodes.ts';
import { Server } from '../fixtures/server.ts';
import { measureSkew, type Measured, wallNow } from '../harness/measure.ts';
import { readRecording, startRecording } from '../harness/sampler.ts';
import { FREEZE_MS } from '../harness/skew.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';

const SKEW_P95_MS = 20;
const BACK_MS_MAX = 3_000;
const CLOCKS = ['+3600000000us,+100ppm', '-3600000000us,-100ppm'] as const;
const ROLES = 'api,hub,projector,transcoder';

let shared: Shared;
/** The balancer at the public name, and the second node's way in. */
let front: FaultProxy;
let nodes: [Server, Server];
let url: string;
const browsers: Browser[] = [];

test.describe.configure({ mode: 'serial' });
test.use({ launchOptions: { executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS } });

test.beforeAll(async () => {
  shared = await Shared.start();
  const [first, second] = [await freePort(), await freePort()];
  front = await FaultProxy.start({ targetPort: first });
  url = `http://localhost:${front.port}`;
  const start = (port: number, clock: string): Promise<Server> =>
    Server.start({ port, roles: ROLES, env: { ...shared.env, LOCKSTEP_PUBLIC_URL: url, LOCKSTEP_HUB_CLOCK: clock } });
  nodes = [await start(first, CLOCKS[0]), await start(second, CLOCKS[1])];
});
test.afterAll(async () => {
  for (const browser of browsers) await browser.close();
  await front?.close();
  for (const node of nodes ?? []) await node.stop();
  shared?.stop();
});

function judge(name: string, measured: Measured): void {
  console.log(`${name}: ${JSON.stringify(measured)}`);
  expect(measured.skew.covered, `${name}: the window was measured`).toBeGreaterThan(0.9);
  expect(measured.skew.rateA, `${name}: both play`).toBeGreaterThan(0.98);
  expect(measured.skew.p95, `${name}: p95 in ms`).toBeLessThan(SKEW_P95_MS);
}

/** Resolves when a socket of this page is in the channel again. */
function comesBack(page: Page): Promise<void> {
  return new Promise((resolve) => {
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => {
        if (payload.toString().startsWith('{"t":"joined"')) resolve();
      });
    });
  });
}

/** Everything its viewer would have noticed since the recording began: pauses, seeks, and stretches without a new frame. */
async function noticed(page: Page): Promise<string[]> {
  const { readings, seeks } = await readRecording(page);
  const found = seeks.map((at) => `seek at ${at}`);
  let moved = readings[0];
  for (const reading of readings) {
    if (reading.paused) found.push(`paused at ${reading.at}`);
    if (moved === undefined || reading.media > moved.media) moved = reading;
    else if (reading.at - moved.at > 3 * FREEZE_MS) found.push(`stood at ${reading.at}`);
  }
  return found;
}

test('viewers on two nodes see the same frame, and one comes over when its node is killed', async ({ playwright, browser }) => {
  test.setTimeout(600_000);
  const ada = await Api.setUp(url, nodes[0].setupLink ?? '');
  const channel = await ada.channel('Movie night');
  const film = await ada.upload(clip('frames480.mp4'));
  await ada.ready(film);
  await ada.load(channel.id, film);
  const far = await playwright.chromium.launch({ executablePath: '/usr/bin/chromium', args: [...CHROMIUM_ARGS, viaProxy(front.port, nodes[1].port)] });
  browsers.push(far);
  const a: Viewer = await guest(browser, url, channel.slug, 'Grace');
  const b: Viewer = await guest(far, url, channel.slug, 'Linus');
  await Promise.all([pictureReady(a.page), pictureReady(b.page)]);
  // Each sees the other, across the nodes.
  for (const [at, who] of [[a, 'Linus'], [b, 'Grace']] as const) {
    await at.page.getByRole('tab', { name: /^People/ }).click();
    await expect(at.page.getByRole('list', { name: 'People' }).getByText(who)).toBeVisible();
    await at.page.getByRole('tab', { name: /^Chat/ }).click();
  }
  await press(a.page, 'k');
  await Promise.all([runs(a.page), runs(b.page)]);
  judge('after play', await measureSkew(a.page, b.page));
  await jump(b.page, 2);
  judge('after a seek', await measureSkew(a.page, b.page));
  for (const [from, to, text] of [[a, b, 'hello from Grace'], [b, a, 'hello from Linus']] as const) {
    await from.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await from.page.getByRole('textbox', { name: 'Message' }).press('Enter');
    await expect(to.page.getByRole('log', { name: 'Chat messages' }).getByText(text)).toBeVisible();
  }
  const back = comesBack(a.page);
  await startRecording(b.page);
  front.aim(nodes[1].port);
  await nodes[0].kill();
  const killed = await wallNow(b.page);
  await back;
  const away = (await wallNow(b.page)) - killed;
  console.log(`back after ${Math.round(away)} ms`);
  expect(away).toBeLessThan(BACK_MS_MAX);
  const others = await noticed(b.page);
  expect(others, 'the other viewer noticed nothing').toEqual([]);
  judge('after the other node was killed', await measureSkew(a.page, b.page));
  await b.page.getByRole('textbox', { name: 'Message' }).fill('still here');
  await b.page.getByRole('textbox', { name: 'Message' }).press('Enter');
  for (const viewer of [a, b]) {
    const log = viewer.page.getByRole('log', { name: 'Chat messages' });
    for (const text of ['hello from Grace', 'hello from Linus', 'still here']) await expect(log.getByText(text)).toHaveCount(1);
  }
  await a.context.close();
  await b.context.close();
});
