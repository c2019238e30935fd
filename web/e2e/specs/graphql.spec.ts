// /graphql beside the reference implementations: their server audit, their clients, and the checks of a well-known scanner.

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { expect } from '@playwright/test';
import { buildSchema, findBreakingChanges, type GraphQLSchema } from 'graphql';
import { auditServer } from 'graphql-http';
import { createClient as createStreams } from 'graphql-sse';
import { createClient as createSockets } from 'graphql-ws';
import { WebSocket } from 'ws';
import { Api } from '../fixtures/api.ts';
import { signIn } from '../fixtures/browser.ts';
import { Server } from '../fixtures/server.ts';
import { test } from '../fixtures/test.ts';

let server: Server;
let api: Api;
test.beforeAll(async () => {
  server = await Server.start();
  api = await Api.setUp(server.url, server.setupLink ?? '');
});
test.afterAll(() => server.stop());

const endpoint = (): string => `${server.url}/graphql`;

/** What the audit of a server complains about. */
async function audited(url: string): Promise<string[]> {
  const results = await auditServer({ url: `${url}/graphql`, fetchFn: fetch });
  expect(results).toHaveLength(61);
  const failed = results.filter((result) => result.status !== 'ok');
  return failed.map((result) => `${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`);
}

test('the audit of GraphQL over HTTP passes whole', async () => {
  expect(await audited(server.url)).toEqual([]);
});

test('where only the documents of the pages are run, the pages and the audit do not notice', async ({ page }) => {
  const open = await Server.start();
  const channel = await (await Api.setUp(open.url, open.setupLink ?? '')).channel('Club');
  await open.kill();
  const closed = await Server.start({ data: open.data, env: { LOCKSTEP_GRAPHQL_ANONYMOUS: 'trusted' } });
  expect(await audited(closed.url)).toEqual([]);
  const own = await fetch(`${closed.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: '{ setUpNeeded }' }),
  });
  expect([own.status, (await own.json()).errors[0].extensions.code]).toEqual([400, 'DOCUMENT_NOT_TRUSTED']);
  let asked = 0;
  const troubles: string[] = [];
  page.on('response', async (answer) => {
    if (!answer.url().endsWith('/graphql')) return;
    // The answer to a page that has been left cannot be read any more; it is not counted.
    const text = await answer.text().catch(() => null);
    if (text === null) return;
    asked += 1;
    if (/DOCUMENT_NOT_TRUSTED|PERSISTED_QUERY/.test(text) || answer.request().postData()?.includes('"query"')) troubles.push(text);
  });
  // Nobody, then a guest, then a member.
  await page.goto(closed.url);
  await page.goto(`${closed.url}/c/${channel.slug}`);
  await page.getByLabel('Your name').fill('Bea');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  await page.goto(closed.url);
  await expect(page.getByText('Club').first()).toBeVisible();
  await signIn(page, closed.url, 'Ada', 'correct horse battery');
  expect(asked).toBeGreaterThan(5);
  expect(troubles, 'by their hash, at their first use').toEqual([]);
  await closed.stop();
});

/** Everything a subscription says until it has said `count` things. */
async function first<T>(results: AsyncIterable<T>, count: number): Promise<T[]> {
  const heard: T[] = [];
  for await (const result of results) {
    heard.push(result);
    if (heard.length === count) break;
  }
  return heard;
}

test('the reference clients subscribe by socket and by server-sent events', async () => {
  const channel = await api.channel('Club');
  const { position } = await api.ask('{ position }');
  const query = `subscription { channelEvents(channel: "${channel.id}", after: "${String(position)}") { eventType } }`;
  // In the log after that position: whoever subscribes hears it, however late.
  await api.change('postMessage', 'PostMessageInput', { id: randomUUID(), channel: channel.id, text: 'hello' });
  class OurSocket extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers: { cookie: api.session, origin: server.url } });
    }
  }
  const sockets = createSockets({
    url: endpoint().replace('http', 'ws'),
    webSocketImpl: OurSocket,
    retryAttempts: 0,
    lazyCloseTimeout: 10_000,
  });
  const streams = createStreams({ url: endpoint(), headers: { cookie: api.session }, retryAttempts: 0, fetchFn: fetch });
  for (const client of [sockets, streams]) {
    const [one] = await first(client.iterate({ query: '{ me { name } }' }), 1);
    expect(one).toEqual({ data: { me: { name: 'Ada' } } });
    const said = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : JSON.stringify(thrown));
    expect(await first(client.iterate({ query: '{ nonsense }' }), 1).then(JSON.stringify, said)).toContain('nonsense');
    expect(await first(client.iterate({ query }), 1)).toEqual([{ data: { channelEvents: { eventType: 'Posted' } } }]);
  }
  await sockets.dispose();
  streams.dispose();
});

interface Heard {
  status: number;
  text: string;
}

/** As the scanner asks: without a browser's headers, without a session. */
async function ask(body: unknown, init: RequestInit = {}): Promise<Heard> {
  const answer = await fetch(endpoint(), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), ...init });
  return { status: answer.status, text: await answer.text() };
}

/** A GET as a link makes it: `fetch` would say that it is one. */
async function follow(query: string, headers: Record<string, string>): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const request = get(`${endpoint()}?query=${encodeURIComponent(query)}`, { headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    request.on('error', reject);
  });
}

const REPEATED = 101;
const aliases = `{ ${Array.from({ length: REPEATED }, (_, n) => `alias${n}: __typename`).join(' ')} }`;
const circular = '{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }';
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** The twelve checks of graphql-cop, each with what it takes for a finding. */
const CHECKS: readonly [name: string, run: () => Promise<Heard>, found: (heard: Heard) => boolean][] = [
  ['alias overloading', () => ask({ query: aliases }), ({ text }) => text.includes('alias100')],
  ['array batching', () => ask(Array.from({ length: 10 }, () => ({ query: '{ __typename }' }))), ({ text }) => text.includes('__typename')],
  ['directive overloading', () => ask({ query: `{ __typename ${'@aa'.repeat(10)} }` }), ({ text }) => text.split('aa').length > 10],
  ['circular introspection', () => ask({ query: circular }), ({ text }) => text.includes('"fields"')],
  ['field duplication', () => ask({ query: `{ ${'__typename '.repeat(500)} }` }), ({ text }) => text.includes('"data"')],
  ['field suggestions', () => ask({ query: '{ __schema { directive } setUpNeede }' }), ({ text }) => /did you mean/i.test(text)],
  ['a query console', () => follow('', HTML), ({ text }) => /graphi?ql.*playground|graphiql/i.test(text)],
  ['queries by a link', () => follow('{ __typename }', HTML), ({ text }) => text.includes('"__typename"')],
  ['mutations by a link', () => follow('mutation { __typename }', { accept: 'application/json' }), ({ text }) => text.includes('"data"')],
  ['introspection', () => ask({ query: '{ __schema { types { name fields { name } } } }' }), ({ text }) => text.includes('"types"')],
  ['tracing', () => ask({ query: '{ __typename }' }), ({ text }) => text.includes('tracing')],
  [
    'forms',
    () => ask(null, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'query=%7B__typename%7D' }),
    ({ text }) => text.includes('"__typename"'),
  ],
  ['unhandled errors', () => ask({ query: 'qwerty cop { abc }' }), ({ text }) => /exception|stack|\.rs/i.test(text)],
];

test('a scanner finds nothing', async () => {
  const findings: string[] = [];
  for (const [name, run, found] of CHECKS) {
    const heard = await run();
    if (found(heard)) findings.push(`${name}: ${heard.status} ${heard.text.slice(0, 200)}`);
  }
  expect(findings).toEqual([]);
});

test('a document is known by its hash to whoever asks next', async () => {
  const query = '{ setUpNeeded }';
  const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };
  expect((await ask({ extensions })).text).toContain('PERSISTED_QUERY_NOT_FOUND');
  expect((await ask({ query, extensions })).text).toBe('{"data":{"setUpNeeded":false}}');
  expect((await ask({ extensions })).text).toBe('{"data":{"setUpNeeded":false}}');
});

test('what was released is still there', () => {
  const read = (name: string) => buildSchema(readFileSync(new URL(`../../../graphql/${name}`, import.meta.url), 'utf8'));
  const breaks = (to: GraphQLSchema) => findBreakingChanges(read('released.graphql'), to).map((change) => change.description);
  expect(breaks(read('schema.graphql')), 'bring back what clients use; a new major release begins a new file').toEqual([]);
  const without = readFileSync(new URL('../../../graphql/schema.graphql', import.meta.url), 'utf8').replace('setUpNeeded: ', 'renamed: ');
  expect(breaks(buildSchema(without))).toEqual(['Query.setUpNeeded was removed.']);
});
