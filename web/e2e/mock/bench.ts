// What the bench specs share: the built bench folder, a browser with sound allowed, and viewers that are ready.
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { wrongClock } from '../harness/measure.ts';
import { MockHub } from './hub.ts';

export const FILM_US = 120_000_000;

/** Builds pages and films once into LOCKSTEP_BENCH_DIR; what is there is kept. */
export function buildBench(): string {
  const folder = process.env['LOCKSTEP_BENCH_DIR'] ?? join(tmpdir(), 'lockstep-bench');
  execFileSync(fileURLToPath(new URL('./build.sh', import.meta.url)), [folder], { stdio: 'inherit' });
  return folder;
}

export function startHub(folder: string, options: { film?: string; durationUs?: number; tokenLifeMs?: number } = {}): Promise<MockHub> {
  return MockHub.start({
    pages: join(folder, 'page'),
    film: join(folder, options.film ?? 'film'),
    durationUs: options.durationUs ?? FILM_US,
    tokenLifeMs: options.tokenLifeMs,
  });
}

export interface ViewerOptions {
  readonly port: number;
  readonly clock?: { offset_ms: number; drift_ppm: number };
  readonly query?: string;
}

export interface Viewer {
  readonly context: BrowserContext;
  readonly page: Page;
}

interface Bench {
  readonly room: { play(): Promise<unknown>; pause(): Promise<unknown>; seek(us: number): Promise<unknown>; chat(text: string): Promise<unknown> };
  readonly player: { unlock(): void; setLevel(level: number | 'auto', how: { flush: boolean }): void; stats(): unknown };
  room_(): { status: string; controls: boolean; clock: unknown; messages: { text: string; delivery: string }[]; timeline: { seq: number; epoch: string } | null };
  player_(): { phase: string; errorUs: number | null; boundUs: number | null; soundBlocked: boolean; gestureNeeded: boolean; rate: number };
  readonly trace: [number, number | null, number, string][];
}
export type BenchScope = typeof globalThis & { bench: Bench };

/** Opens the bench page in a context of its own. */
export async function openViewer(browser: Browser, options: ViewerOptions): Promise<Viewer> {
  const context = await browser.newContext({ viewport: { width: 700, height: 420 } });
  if (options.clock !== undefined) await context.addInitScript(wrongClock, options.clock);
  const page = await context.newPage();
  const ready = heardPhase(page, ['held', 'following', 'ended']);
  await page.goto(`http://localhost:${options.port}/?${options.query ?? ''}`);
  await ready;
  return { context, page };
}

/** Waits until the page's console tells one of these phases, without touching the page. */
export async function heardPhase(page: Page, phases: readonly string[]): Promise<void> {
  await page.waitForEvent('console', { predicate: (line) => phases.some((phase) => line.text() === `phase:${phase}`), timeout: 30_000 });
}

/** Waits until the player says one of these. */
export async function waitForPhase(page: Page, phases: readonly string[]): Promise<void> {
  await page.waitForFunction(
    (wanted) => wanted.includes((globalThis as BenchScope).bench?.player_()?.phase ?? ''),
    phases as string[],
    { timeout: 30_000, polling: 100 },
  );
}

export type Verb = 'play' | 'pause';

export async function ask(page: Page, verb: Verb): Promise<void> {
  await page.evaluate(async (what) => void (await (globalThis as BenchScope).bench.room[what]()), verb);
}

export async function seek(page: Page, us: number): Promise<void> {
  await page.evaluate(async (to) => void (await (globalThis as BenchScope).bench.room.seek(to)), us);
}

/** What the player and the room say of themselves: for the report, never for a judgement of skew. */
export async function selfReport(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { player, player_, room_ } = (globalThis as BenchScope).bench;
    return JSON.stringify({ player: { ...player_(), levels: undefined }, stats: player.stats(), clock: room_().clock });
  });
}
