import { chromium, devices } from '@playwright/test';
import { Api } from './fixtures/api.ts';
import { CHROMIUM_ARGS, guest } from './fixtures/browser.ts';
import { Server } from './fixtures/server.ts';
const server = await Server.start();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS });
try {
  const setup = await (await browser.newContext()).newPage();
  await setup.goto(server.setupLink ?? '');
  await setup.getByLabel('Your name').fill('Ada');
  await setup.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await setup.getByRole('button', { name: 'Create the administrator' }).click();
  await setup.getByRole('heading', { name: 'Videos' }).waitFor();
  const ada = await Api.signIn(server.url, 'Ada', 'correct horse battery');
  const channel = await ada.channel('Movie night');
  const names = ['Grace', 'Bob Longname of the Northern Isles', 'Cyd'];
  const others = [];
  for (const name of names) others.push(await guest(browser, server.url, channel.slug, name));
  const shot = async (label: string, options: object) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.addInitScript(() => { delete (window as { Worker?: unknown }).Worker; });
    await page.routeWebSocket(/\/sync/, (ws) => {
      const hub = ws.connectToServer();
      hub.onMessage((message) => {
        const text = String(message).replace(/"people":(\d+)/g, (_, n) => `"people":${Number(n) + 312}`);
        ws.send(text.includes('"e":"typing"') ? text.replace(/"more":0/, '"more":2') : text);
      });
    });
    await page.goto(`${server.url}/c/${channel.slug}`);
    const name = page.getByLabel(/name/i).first();
    await name.fill(`Eve ${label}`);
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: /Chat/ }).waitFor();
    for (const one of others) { await one.page.getByLabel('Message').first().pressSequentially('hello there', { delay: 20 }); }
    await page.waitForTimeout(900);
    await page.screenshot({ path: `/tmp/mut/${label}-chat.png` });
    await others[2].page.close();
    await page.getByRole('tab', { name: /People/ }).click();
    await page.waitForTimeout(1500);
    await page.screenshot({ path: `/tmp/mut/${label}-people.png` });
    others[2] = await guest(browser, server.url, channel.slug, 'Cyd');
    await context.close();
  };
  await shot('dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' });
  await shot('light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  await shot('phone', { ...devices['Pixel 7'], viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await shot('narrow', { ...devices['Pixel 7'], viewport: { width: 320, height: 700 }, colorScheme: 'light' });
} finally {
  await browser.close();
  await server.stop();
}
