// A TCP proxy that misbehaves on purpose: latency with jitter per direction, stalls, cuts. HTTP and WebSockets pass
// through it unread. Bytes never overtake each other, as on a real connection.
//
// A page must keep its origin, so a browser is sent through it by name, not by address:
//   chromium.launch({ args: [viaProxy(serverPort, proxy.port)] })
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Delay {
  readonly base_ms: number;
  /** Uniform in ± this, per chunk. */
  readonly jitter_ms: number;
}

export interface FaultProxyOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
  readonly port?: number;
  /** From the browser to the server. */
  readonly up?: Delay;
  /** From the server to the browser. */
  readonly down?: Delay;
  /** What all connections together send to the server at most, bytes per second: a line. */
  readonly upBytesPerSecond?: number;
  readonly random?: () => number;
}

export type Way = 'up' | 'down';

const NO_DELAY: Delay = { base_ms: 0, jitter_ms: 0 };
/** Bytes on their way per direction of a connection before the sender is held back. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;

/** The Chromium switch that sends a server's port to the proxy's without changing the page's origin. */
export function viaProxy(serverPort: number, proxyPort: number, host = 'localhost'): string {
  return `--host-resolver-rules=MAP ${host}:${serverPort} 127.0.0.1:${proxyPort}`;
}

/** What several lanes share: each byte takes its time, one after another. */
class Line {
  private readonly bytesPerMs: number;
  private free = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerMs = bytesPerSecond / 1_000;
  }

  /** When so many bytes are through, if they are sent now. */
  through(bytes: number, now: number): number {
    this.free = Math.max(this.free, now) + bytes / this.bytesPerMs;
    return this.free;
  }
}

/** One direction of one connection: a queue ordered by due time. */
class Lane {
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly delay: () => number;
  private readonly line: Line | null;
  private readonly queue: { due: number; chunk: Buffer | null }[] = [];
  private last = 0;
  private bytes = 0;
  private timer: NodeJS.Timeout | null = null;
  private stalled = false;

  constructor(from: Socket, to: Socket, delay: () => number, line: Line | null = null) {
    this.line = line;
    this.from = from;
    this.to = to;
    this.delay = delay;
    from.on('data', (chunk: Buffer) => this.push(chunk));
    from.on('end', () => this.push(null));
    to.on('drain', () => this.from.resume());
  }

  stall(stalled: boolean): void {
    this.stalled = stalled;
    if (!stalled) this.arm();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.queue.length = 0;
  }

  private push(chunk: Buffer | null): void {
    const now = performance.now();
    const sent = this.line?.through(chunk?.length ?? 0, now) ?? now;
    this.last = Math.max(this.last, sent + this.delay());
    this.queue.push({ due: this.last, chunk });
    this.bytes += chunk?.length ?? 0;
    if (this.bytes > IN_FLIGHT_BYTES_MAX) this.from.pause();
    this.arm();
  }

  private arm(): void {
    const first = this.queue[0];
    if (first === undefined || this.timer !== null || this.stalled) return;
    const wait = first.due - performance.now();
    // Node rounds timers up to whole milliseconds: the last one is waited for in steps.
    if (wait > 0) this.timer = setTimeout(() => this.flush(), Math.max(0, Math.floor(wait)));
    else this.flush();
  }

  private flush(): void {
    this.timer = null;
    while (!this.stalled && this.queue[0] !== undefined && this.queue[0].due <= performance.now() + 0.5) {
      const { chunk } = this.queue.shift() as { chunk: Buffer | null };
      this.bytes -= chunk?.length ?? 0;
      if (chunk === null) this.to.end();
      else if (!this.to.destroyed) this.to.write(chunk);
    }
    if (this.bytes <= IN_FLIGHT_BYTES_MAX && this.from.isPaused()) this.from.resume();
    this.arm();
  }
}

interface Pair {
  readonly browser: Socket;
  readonly server: Socket;
  readonly up: Lane;
  readonly down: Lane;
}

export class FaultProxy {
  private readonly listener: Server;
  private readonly options: FaultProxyOptions;
  private readonly pairs = new Set<Pair>();
  private delays: Record<Way, Delay>;
  private stalled: Record<Way, boolean> = { up: false, down: false };
  private refusing = false;
  private targetPort: number;
  private readonly line: Line | null;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(options: FaultProxyOptions) {
    this.options = options;
    this.targetPort = options.targetPort;
    this.line = options.upBytesPerSecond === undefined ? null : new Line(options.upBytesPerSecond);
    this.delays = { up: options.up ?? NO_DELAY, down: options.down ?? NO_DELAY };
    this.listener = createServer({ allowHalfOpen: true }, (browser) => this.accept(browser));
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.listener.once('error', reject);
      proxy.listener.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get open(): number {
    return this.pairs.size;
  }

  /** Changes the delays, for open connections too. */
  setDelays(delays: Partial<Record<Way, Delay>>): void {
    this.delays = { ...this.delays, ...delays };
  }

  /** Holds back everything in a direction until told otherwise; nothing is lost. */
  stall(way: Way, stalled: boolean): void {
    this.stalled[way] = stalled;
    for (const pair of this.pairs) pair[way].stall(stalled);
  }

  /** Resets every open connection and refuses new ones until `restore`. */
  cut(): void {
    this.refusing = true;
    this.reset();
  }

  restore(): void {
    this.refusing = false;
  }

  /** Sends new connections to another server, as a balancer does. */
  retarget(port: number): void {
    this.targetPort = port;
  }

  /** Resets every open connection; new ones are welcome. */
  reset(): void {
    for (const pair of [...this.pairs]) this.drop(pair);
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.listener.close(() => resolve()));
  }

  private delay(way: Way): number {
    const { base_ms, jitter_ms } = this.delays[way];
    const random = this.options.random ?? Math.random;
    return Math.max(0, base_ms + (random() * 2 - 1) * jitter_ms);
  }

  private accept(browser: Socket): void {
    if (this.refusing) {
      browser.destroy();
      return;
    }
    this.accepted += 1;
    const server = connect({ port: this.targetPort, host: this.options.targetHost ?? '127.0.0.1', allowHalfOpen: true });
    browser.setNoDelay(true);
    server.setNoDelay(true);
    const pair: Pair = {
      browser,
      server,
      up: new Lane(browser, server, () => this.delay('up'), this.line),
      down: new Lane(server, browser, () => this.delay('down')),
    };
    pair.up.stall(this.stalled.up);
    pair.down.stall(this.stalled.down);
    this.pairs.add(pair);
    for (const socket of [browser, server]) {
      socket.on('error', () => this.drop(pair));
      socket.on('close', () => this.dropWhenDrained(pair));
    }
  }

  private dropWhenDrained(pair: Pair): void {
    if (pair.browser.destroyed && pair.server.destroyed) this.drop(pair);
    else if (pair.browser.destroyed) pair.server.destroy();
  }

  private drop(pair: Pair): void {
    if (!this.pairs.delete(pair)) return;
    pair.up.stop();
    pair.down.stop();
    pair.browser.destroy();
    pair.server.destroy();
  }
}
