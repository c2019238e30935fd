// Files that are not films: through the page, past the page, and what they must not reach.

import { createServer } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { Api } from '../fixtures/api.ts';
import { signIn } from '../fixtures/browser.ts';
import { clip } from '../fixtures/clips.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

let server: Server;
let ada: Api;
let listener: ReturnType<typeof createServer>;
let hits = 0;
const folder = mkdtempSync(join(tmpdir(), 'lockstep-hostile-'));

function file(name: string, bytes: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const PNG = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex');
const playlist = (target: string) => `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${target}\n#EXT-X-ENDLIST\n`;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  listener = createServer((_request, response) => {
    hits += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  server = await Server.start();
  ada = await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(async () => {
  listener?.close();
  await server?.stop();
});

function corpus(): { path: string; says: RegExp }[] {
  const address = listener.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return [
    { path: file('picture.mp4', PNG), says: /PNG picture/ },
    { path: file('empty.mp4', ''), says: /empty/ },
    { path: file('list-http.mp4', playlist(`http://127.0.0.1:${port}/x.ts`)), says: /playlist/ },
    { path: file('list-file.mp4', playlist('file:///etc/hostname')), says: /playlist/ },
  ];
}

test('the page refuses them with a reason and sends nothing', async ({ page }) => {
  await signIn(page, server.url, 'Ada', 'correct horse battery');
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PUT' || /RequestUpload/.test(request.postData() ?? '')) sent.push(request.url());
  });
  const files = corpus();
  await page.locator('input[type=file]').first().setInputFiles(files.map(({ path }) => path));
  const tray = page.getByRole('region', { name: 'Uploads' });
  for (const { says } of files) await expect(tray.getByText(says).first()).toBeVisible();
  expect(sent).toEqual([]);
});

test('past the page, the server refuses them with a reason', async () => {
  for (const { path } of corpus()) {
    const size = readFileSync(path).length;
    if (size === 0) {
      await expect(ada.upload(path)).rejects.toThrow(/empty/);
      continue;
    }
    const video = await ada.upload(path);
    const film = await ada.settled(video);
    expect(film.status).toBe('REJECTED');
    expect(ada.confirmed['__typename']).toBe('Refused');
    expect(ada.confirmed['message']).toMatch(/^This is a (picture \(png\)|playlist), not /);
  }
  expect(hits).toBe(0);
});

test('a film cut off in the middle ends with a reason, and the next upload is fine', async () => {
  test.setTimeout(240_000);
  const whole = readFileSync(clip('bbb720.mp4'));
  const video = await ada.upload(file('cut.mp4', whole.subarray(0, 2_000)));
  const film = await ada.settled(video);
  expect(film.status).toBe('FAILED');
  expect(film.failure?.reason).toMatch(/\w+ \w+/);
  const fine = await ada.upload(clip('bbb720.mp4'));
  await ada.ready(fine);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(hits).toBe(0);
});
