// Reads `video.currentTime` in a page on the harness's own clock: the browser's real `performance`, never a figure or a
// clock of the application. What disturbed the reading (stalls, late timers) is recorded beside it.

/** The little of a Playwright page that is used here. */
export interface PageLike {
  evaluate<R, A>(body: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
}

export interface Reading {
  /** Wall time in ms: `performance.timeOrigin + performance.now()`. */
  readonly at: number;
  /** `currentTime` in ms. */
  readonly media: number;
  readonly paused: boolean;
}

export interface Recording {
  readonly readings: readonly Reading[];
  /** Wall times of `waiting` events. */
  readonly stalls: readonly number[];
  /** Wall times at which the sampler itself came late, and by how much. */
  readonly late: readonly { readonly at: number; readonly by: number }[];
  readonly seeks: readonly number[];
}

/** A timer this much late says that the machine was busy. */
export const LATE_MS = 100;
export const EVERY_MS = 20;
const READINGS_MAX = 30_000;

interface Recorder {
  readings: [number, number, number][];
  stalls: number[];
  late: { at: number; by: number }[];
  seeks: number[];
  stop(): void;
}
type WithRecorder = typeof globalThis & { __harness?: Recorder };

/** Starts recording the page's video; a running recording starts anew. */
export async function startRecording(page: PageLike, selector = 'video'): Promise<void> {
  await page.evaluate(
    ({ selector: chosen, every, lateMs, most }) => {
      const scope = globalThis as WithRecorder;
      scope.__harness?.stop();
      const now = (): number => performance.timeOrigin + performance.now();
      const recorder: Recorder = { readings: [], stalls: [], late: [], seeks: [], stop: () => undefined };
      const video = (): HTMLVideoElement | null => document.querySelector<HTMLVideoElement>(chosen);
      const waiting = (event: Event): void => {
        if (event.target === video()) recorder.stalls.push(now());
      };
      const seeking = (event: Event): void => {
        if (event.target === video()) recorder.seeks.push(now());
      };
      // Media events do not bubble but are captured.
      document.addEventListener('waiting', waiting, true);
      document.addEventListener('seeking', seeking, true);
      let last = now();
      const timer = setInterval(() => {
        const before = now();
        const element = video();
        if (element !== null && recorder.readings.length < most) {
          const media = element.currentTime * 1_000;
          recorder.readings.push([(before + now()) / 2, media, element.paused ? 1 : 0]);
        }
        if (before - last > lateMs) recorder.late.push({ at: before, by: before - last - every });
        last = before;
      }, every);
      recorder.stop = () => {
        clearInterval(timer);
        document.removeEventListener('waiting', waiting, true);
        document.removeEventListener('seeking', seeking, true);
      };
      scope.__harness = recorder;
    },
    { selector, every: EVERY_MS, lateMs: LATE_MS, most: READINGS_MAX },
  );
}

/** What was recorded so far; the recording goes on. */
export async function readRecording(page: PageLike): Promise<Recording> {
  const raw = await page.evaluate((_: null) => {
    const recorder = (globalThis as WithRecorder).__harness;
    if (recorder === undefined) throw new Error('no recording runs in this page');
    return { readings: recorder.readings, stalls: recorder.stalls, late: recorder.late, seeks: recorder.seeks };
  }, null);
  return { ...raw, readings: raw.readings.map(([at, media, paused]) => ({ at, media, paused: paused === 1 })) };
}
