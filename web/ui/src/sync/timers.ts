// One-shot timers as a port, so that unit tests own time.

export interface Timers {
  /** Calls `run` once after `delay_ms`; returns the canceller. */
  after(delay_ms: number, run: () => void): () => void;
}

export const realTimers: Timers = {
  after(delay_ms, run) {
    const id = setTimeout(run, Math.max(0, delay_ms));
    return () => clearTimeout(id);
  },
};
