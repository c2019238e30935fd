// The player alone against the mock hub: about six minutes, no product server. Not part of the journeys.
//
//   cd web/e2e && nice -n -10 npx playwright test -c mock/playwright.config.ts
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  outputDir: '../results/bench',
  timeout: 240_000,
  workers: 1,
  forbidOnly: true,
  retries: 0,
  reporter: 'list',
});
