// A hub of one channel for tests of the player alone: the /sync protocol, and the page and film from folders. It keeps
// nothing and knows no rights; the product's hub is another matter and is tested with the product.
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketPeer } from './websocket.ts';

const LEAD_US = { play: 600_000, seek: 400_000, pause: 150_000, load: 0 } as const;
export const TYPES: Record<string, string> = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml', '.m4s': 'video/iso.segment', '.mp4': 'video/mp4',
};

export interface MockHubOptions {
  readonly pages: string;
  /** Served under /v/{token}/. */
  readonly film: string;
  readonly durationUs: number;
  /** Milliseconds a token lives; for ever without it. */
  readonly tokenLifeMs?: number;
  /** Where the film's files are instead. */
  readonly cdn?: MockCdn;
}

/** Another origin that has the film. */
export interface MockCdn {
  /** What opens it now; may set cookies on the answer. */
  grant(video: string, response: ServerResponse): object;
}

interface Timeline {
  video: string;
  duration_us: number;
  position_us: number;
  rate_ppm: number;
  at_hub_us: number;
  seq: number;
  epoch: string;
}
interface Intent {
  op: string;
  verb: keyof typeof LEAD_US;
  position_us?: number;
  video?: string;
}
interface Viewer {
  readonly session: string;
  readonly account: { id: string; name: string };
  readonly peer: WebSocketPeer;
  joined: boolean;
  state: string;
  error_us: number | null;
}
type ClientFrame = { t: string } & Partial<Intent> & { n?: number; c0?: number; id?: string; text?: string; playback_us?: number | null; state?: string; error_us?: number | null };

export class MockHub {
  readonly video = randomUUID();
  private readonly options: MockHubOptions;
  private readonly server: Server;
  private readonly viewers = new Set<Viewer>();
  private readonly done = new Map<string, string>();
  private epoch: string = randomUUID();
  private origin = performance.now();
  private position = 0;
  private timeline: Timeline;
  /** Requests for the film that came with a lapsed token. */
  lapsed = 0;
  requests: string[] = [];

  private constructor(options: MockHubOptions) {
    this.options = options;
    this.timeline = { video: this.video, duration_us: options.durationUs, position_us: 0, rate_ppm: 0, at_hub_us: 0, seq: 0, epoch: this.epoch };
    this.server = createServer((request, response) => this.serve(request, response));
    this.server.on('upgrade', (request: IncomingMessage, socket) => this.welcome(new WebSocketPeer(request, socket)));
  }

  static async start(options: MockHubOptions, port = 0): Promise<MockHub> {
    const hub = new MockHub(options);
    await new Promise<void>((resolve) => hub.server.listen(port, '127.0.0.1', resolve));
    return hub;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    for (const viewer of this.viewers) viewer.peer.close(1012);
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** As after a restart: another epoch, the film where it was, every socket gone. */
  restart(): void {
    const position = this.positionAt(this.now());
    this.epoch = randomUUID();
    this.origin = performance.now() - 5;
    this.timeline = { ...this.timeline, position_us: position, at_hub_us: this.now(), epoch: this.epoch, seq: 1 };
    for (const viewer of [...this.viewers]) viewer.peer.close(1012);
  }

  now(): number {
    return Math.round((performance.now() - this.origin) * 1_000);
  }

  token(): string {
    const life = this.options.tokenLifeMs;
    return life === undefined ? 'forever' : `t${Date.now() + life}`;
  }

  /** How the film is reached: here by a token, or at the CDN in front, in its way. */
  private access(response: ServerResponse): object {
    return this.options.cdn?.grant(this.video, response) ?? { base: `/v/${this.token()}/`, query: '', cookies: false };
  }

  private positionAt(hubUs: number): number {
    const { position_us, rate_ppm, at_hub_us, duration_us } = this.timeline;
    return Math.round(Math.min(duration_us, position_us + (Math.max(0, hubUs - at_hub_us) * rate_ppm) / 1_000_000));
  }

  private welcome(peer: WebSocketPeer): void {
    const id = randomUUID();
    const viewer: Viewer = { session: id.slice(0, 8), account: { id, name: `Viewer ${id.slice(0, 4)}` }, peer, joined: false, state: 'buffering', error_us: null };
    this.viewers.add(viewer);
    peer.onClose = () => {
      this.viewers.delete(viewer);
      this.tell({ e: 'presence', joined: [], left: [viewer.session], changed: [], people: this.people() });
    };
    peer.onText = (text) => {
      const read = this.now();
      this.take(viewer, JSON.parse(text) as ClientFrame, read);
    };
    peer.send(JSON.stringify({ t: 'hello', epoch: this.epoch, session: viewer.session, now_us: this.now(), account: { ...viewer.account, role: 'guest' } }));
  }

  private take(viewer: Viewer, frame: ClientFrame, read: number): void {
    switch (frame.t) {
      case 'probe':
        return viewer.peer.send(JSON.stringify({ t: 'probe', n: frame.n, c0: frame.c0, s1: read, s2: this.now() }));
      case 'join':
        return this.join(viewer);
      case 'intent':
        return this.intend(viewer, frame as unknown as Intent);
      case 'chat':
        return this.chat(viewer, frame);
      case 'report':
        viewer.state = frame.state ?? viewer.state;
        viewer.error_us = frame.error_us ?? null;
        return this.tell({ e: 'presence', joined: [], left: [], changed: [member(viewer)], people: this.people() });
      case 'typing':
        return this.tell({ e: 'typing', accounts: [viewer.account], more: 0 });
    }
  }

  private people(): number {
    return [...this.viewers].filter((one) => one.joined).length;
  }

  private join(viewer: Viewer): void {
    viewer.joined = true;
    const members = [...this.viewers].filter((one) => one.joined).map(member);
    viewer.peer.send(JSON.stringify({ t: 'joined', channel: 'mock', position: String(this.position), timeline: this.timeline, seat: viewer.session, resumed: false, members, people: this.people() }));
    this.tell({ e: 'presence', joined: [member(viewer)], left: [], changed: [], people: this.people() });
  }

  private intend(viewer: Viewer, { op, verb, position_us, video }: Intent): void {
    const before = this.done.get(op);
    if (before !== undefined) return this.ack(viewer, op, before);
    const at = this.now() + LEAD_US[verb];
    const next = this.change(verb, at, position_us, video);
    this.position += 1;
    this.timeline = { ...this.timeline, ...next, at_hub_us: at, seq: this.timeline.seq + 1 };
    this.done.set(op, String(this.position));
    this.ack(viewer, op, String(this.position));
    this.tell({ e: 'timeline', position: String(this.position), timeline: this.timeline, cause: { verb, actor: viewer.account, op } });
  }

  private change(verb: keyof typeof LEAD_US, at: number, position?: number, video?: string): Partial<Timeline> {
    const here = this.positionAt(at);
    if (verb === 'play') return { rate_ppm: 1_000_000, position_us: here >= this.timeline.duration_us ? 0 : here };
    if (verb === 'pause') return { rate_ppm: 0, position_us: here };
    if (verb === 'seek') return { position_us: Math.min(position ?? 0, this.timeline.duration_us) };
    return { video: video ?? this.video, position_us: 0, rate_ppm: 0 };
  }

  private chat(viewer: Viewer, frame: ClientFrame): void {
    const op = frame.op ?? '';
    const before = this.done.get(op);
    if (before !== undefined) return this.ack(viewer, op, before);
    this.position += 1;
    this.done.set(op, String(this.position));
    this.ack(viewer, op, String(this.position));
    const message = { id: frame.id, author: viewer.account, text: frame.text, sent_at: new Date().toISOString(), playback_us: frame.playback_us };
    this.tell({ e: 'message', position: String(this.position), message });
  }

  private ack(viewer: Viewer, op: string, position: string): void {
    viewer.peer.send(JSON.stringify({ t: 'ack', op, position, changed: true }));
  }

  private tell(event: object): void {
    const text = JSON.stringify({ t: 'batch', events: [event] });
    for (const viewer of this.viewers) if (viewer.joined) viewer.peer.send(text);
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://mock').pathname));
    if (path === '/mock.json') {
      const life = this.options.tokenLifeMs ?? 3_600_000;
      const body = { video: this.video, ...this.access(response), expiresAtMs: Date.now() + life, serverNowMs: Date.now() };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
      return;
    }
    const film = /^\/v\/([^/]+)\/(.+)$/.exec(path);
    if (film !== null) this.requests.push(path);
    if (film?.[1]?.startsWith('t') === true && Number(film[1].slice(1)) < Date.now()) {
      this.lapsed += 1;
      response.writeHead(403).end();
      return;
    }
    const file = film === null ? join(this.options.pages, path === '/' ? 'index.html' : path) : join(this.options.film, film[2] ?? '');
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', statSync(file).size);
    createReadStream(file).pipe(response);
  }
}

function member(viewer: Viewer): object {
  return { session: viewer.session, account: viewer.account, role: 'owner', device: 'desktop', state: viewer.state, error_us: viewer.error_us, since_us: 0 };
}
