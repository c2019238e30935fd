// The player and its clock against the mock hub: skew, frames, controls of the harness. No product server is involved.
import { expect, test } from '@playwright/test';
import { measureSkew, type Measured, offsetTarget, readStill } from '../harness/measure.ts';
import { readRecording } from '../harness/sampler.ts';
import { ask, type BenchScope, buildBench, heardPhase, openViewer, seek, selfReport, startHub, waitForPhase, type Viewer } from './bench.ts';
import type { MockHub } from './hub.ts';
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
  await keepIfPoor(name, measured, a, b);
  expect(measured.skew.covered, `${name}: the window was measured`).toBeGreaterThan(0.9);
  expect(measured.skew.rateA, `${name}: both play`).toBeGreaterThan(0.98);
  expect(measured.skew.p95, `${name}: p95 in ms`).toBeLessThan(SKEW_P95_MS);
  return measured;
}

/** What there is to look at when a window was not as quiet as it ought to be. */
async function keepIfPoor(name: string, measured: Measured, a: Viewer, b: Viewer): Promise<void> {
  if (measured.skew.p95 < SKEW_P95_MS / 2 && measured.disturbed === null) return;
  const look = async ({ page }: Viewer) => ({
    recording: await readRecording(page),
    trace: await page.evaluate(() => (globalThis as BenchScope).bench.trace),
    says: await selfReport(page),
  });
  const body = JSON.stringify({ name, measured, a: await look(a), b: await look(b) });
  await test.info().attach(`${name}.json`, { body, contentType: 'application/json' });
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

test('the same film is together when one viewer plays it from the MPD in dash.js', async ({ playwright }) => {
  const browser = await launch(playwright, SOUND);
  const a = await openViewer(browser, { port: hub.port });
  const b = await openViewer(browser, { port: hub.port, clock: WRONG_CLOCK, query: 'engine=dash' });
  await ask(b.page, 'play');
  await judge('dash', a, b);
  await seek(b.page, 88_000_000);
  await judge('dash, seek', a, b);
  await ask(a.page, 'pause');
  const [left, right] = await Promise.all([readStill(a.page), readStill(b.page)]);
  console.log('dash paused', left, right);
  expect(left).toEqual(right);
  expect(left.frame).not.toBeNull();
  await browser.close();
});

test('a viewer whose browser refuses sound plays muted and in sync, and a tap brings the sound', async ({ playwright }) => {
  const browser = await launch(playwright, []);
  const a = await openViewer(browser, { port: hub.port, query: 'muted=1' });
  const b = await openViewer(browser, { port: hub.port });
  const following = heardPhase(b.page, ['following']);
  await ask(a.page, 'play');
  await following;
  const state = () => b.page.evaluate(() => {
    const { soundBlocked, gestureNeeded } = (globalThis as BenchScope).bench.player_();
    return { soundBlocked, gestureNeeded, muted: document.querySelector('video')?.muted, paused: document.querySelector('video')?.paused };
  });
  expect(await state()).toEqual({ soundBlocked: true, gestureNeeded: false, muted: true, paused: false });
  await judge('muted', a, b);
  await b.page.evaluate(() => document.addEventListener('click', () => (globalThis as BenchScope).bench.player.unlock()));
  await b.page.mouse.click(300, 200);
  expect(await state()).toEqual({ soundBlocked: false, gestureNeeded: false, muted: false, paused: false });
  await judge('after the tap', a, b, 1_000);
  await browser.close();
});

test('a hub that starts anew moves nobody', async ({ playwright }) => {
  const browser = await launch(playwright, SOUND);
  const a = await openViewer(browser, { port: hub.port });
  const b = await openViewer(browser, { port: hub.port, clock: WRONG_CLOCK });
  await ask(a.page, 'play');
  await waitForPhase(a.page, ['following']);
  await waitForPhase(b.page, ['following']);
  const measuring = measureSkew(a.page, b.page);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  const before = await a.page.evaluate(() => (globalThis as BenchScope).bench.room_().timeline?.epoch);
  hub.restart();
  const measured = await measuring;
  report('over a restart', measured);
  expect(measured.skew.p95).toBeLessThan(SKEW_P95_MS);
  const after = await b.page.evaluate(() => (globalThis as BenchScope).bench.room_());
  expect(after.status).toBe('online');
  expect(after.timeline?.epoch).not.toBe(before);
  expect((await readRecording(a.page)).seeks).toEqual([]);
  expect((await readRecording(b.page)).seeks).toEqual([]);
  await browser.close();
});

for (const engine of ['hls', 'dash']) {
  test(`a 60 s film plays to its end with tokens that live 15 s (${engine})`, async ({ playwright }) => {
    const short = await startHub(folder, { film: 'sixty', durationUs: 60_000_000, tokenLifeMs: 15_000 });
    const browser = await launch(playwright, SOUND);
    const { page } = await openViewer(browser, { port: short.port, query: `engine=${engine}` });
    await ask(page, 'play');
    await waitForPhase(page, ['following']);
    await page.waitForFunction(() => (globalThis as BenchScope).bench.player_().phase === 'ended', undefined, { timeout: 90_000, polling: 250 });
    const end = await page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
    expect(end).toBeGreaterThan(59.5);
    expect(short.lapsed).toBe(0);
    const tokens = new Set(short.requests.map((path) => path.split('/')[2]));
    expect(tokens.size).toBeGreaterThan(2);
    console.log(await selfReport(page));
    await browser.close();
    await short.close();
  });
}

type Playwright = { chromium: typeof import('@playwright/test').chromium };

function launch(playwright: Playwright, args: readonly string[]): ReturnType<Playwright['chromium']['launch']> {
  return playwright.chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...args],
  });
}
