// The player and its clock against the mock hub: skew, frames, controls of the harness. No product server is involved.
import { expect, test } from '@playwright/test';
import { measureSkew, type Measured, offsetTarget, readStill } from '../harness/measure.ts';
import { ask, buildBench, openViewer, seek, selfReport, startHub, waitForPhase, type Viewer } from '../mock/bench.ts';
import type { MockHub } from '../mock/hub.ts';
import { FaultProxy, viaProxy } from '../proxy/proxy.ts';

const SKEW_P95_MS = 20;
const WRONG_CLOCK = { offset_ms: 90_000, drift_ppm: 100 };
const SOUND = ['--autoplay-policy=no-user-gesture-required'];

let folder = '';
let hub: MockHub;

test.beforeAll(() => {
  test.setTimeout(300_000);
  folder = buildBench();
});
test.beforeEach(async () => {
  hub = await startHub(folder);
});
test.afterEach(() => hub.close());

function report(name: string, measured: Measured): void {
  const text = JSON.stringify(measured);
  test.info().annotations.push({ type: name, description: text });
  console.log(`${name}: ${text}`);
}

async function judge(name: string, a: Viewer, b: Viewer, settle_ms?: number): Promise<Measured> {
  const measured = await measureSkew(a.page, b.page, { settle_ms });
  report(name, measured);
  expect(measured.skew.covered, `${name}: the window was measured`).toBeGreaterThan(0.9);
  expect(measured.skew.rateA, `${name}: both play`).toBeGreaterThan(0.98);
  expect(measured.skew.p95, `${name}: p95 in ms`).toBeLessThan(SKEW_P95_MS);
  return measured;
}

test('two viewers, one with a wrong clock, are together after play, seeks and a reload', async ({ playwright }) => {
  const browser = await launch(playwright, SOUND);
  const a = await openViewer(browser, { port: hub.port });
  const b = await openViewer(browser, { port: hub.port, clock: WRONG_CLOCK });
  await ask(a.page, 'play');
  await judge('play', a, b);
  for (const [index, place_us] of [70_000_000, 12_340_000, 41_000_000].entries()) {
    await seek((index % 2 === 0 ? b : a).page, place_us);
    await judge(`seek ${index + 1}`, a, b);
  }
  await b.page.reload();
  await waitForPhase(b.page, ['following']);
  await judge('reload', a, b);
  console.log(await selfReport(a.page), await selfReport(b.page));
  await ask(b.page, 'pause');
  const [left, right] = await Promise.all([readStill(a.page), readStill(b.page)]);
  console.log('paused', left, right);
  expect(left.frame).not.toBeNull();
  expect(left.frame).toBe(right.frame);
  expect(left.currentTime).toBe(right.currentTime);
  expect(left.frame).toBe(Math.floor(left.currentTime * 25));
  await browser.close();
});

test('the harness sees a viewer that is 100 ms off', async ({ playwright }) => {
  const browser = await launch(playwright, SOUND);
  const a = await openViewer(browser, { port: hub.port });
  const b = await openViewer(browser, { port: hub.port });
  await ask(a.page, 'play');
  await offsetTarget(b.page, 100);
  await waitForPhase(b.page, ['following']);
  const { skew } = await measureSkew(a.page, b.page, { settle_ms: 4_000, p95_ms: 115 });
  report('negative control', { skew, disturbed: null });
  expect(skew.p50).toBeGreaterThan(85);
  expect(skew.p50).toBeLessThan(115);
  expect(skew.bias).toBeLessThan(0);
  await browser.close();
});

test('a viewer behind a slow and jittery line is together 20 s after joining', async ({ playwright }) => {
  const delay = { base_ms: 150, jitter_ms: 50 };
  const proxy = await FaultProxy.start({ targetPort: hub.port, up: delay, down: delay });
  const near = await launch(playwright, SOUND);
  const far = await launch(playwright, [...SOUND, viaProxy(hub.port, proxy.port)]);
  const a = await openViewer(near, { port: hub.port });
  await ask(a.page, 'play');
  const b = await openViewer(far, { port: hub.port, clock: WRONG_CLOCK });
  expect(proxy.accepted).toBeGreaterThan(0);
  await judge('proxy', a, b, 20_000);
  console.log(await selfReport(a.page), await selfReport(b.page));
  await near.close();
  await far.close();
  await proxy.close();
});

type Playwright = { chromium: typeof import('@playwright/test').chromium };

function launch(playwright: Playwright, args: readonly string[]): ReturnType<Playwright['chromium']['launch']> {
  return playwright.chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...args],
  });
}
