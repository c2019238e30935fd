// Benchmarks in a real browser: one at a time, never tried again.

import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: '*.bench.ts',
  workers: 1,
  retries: 0,
  timeout: 900_000,
  reporter: 'line',
  outputDir: '../results/bench',
});
