// The measuring tools measured: without a browser, a server or a film.
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { expect, test } from '@playwright/test';
import { BITS, CELLS, decodeFrame } from '../harness/frame.ts';
import type { Recording } from '../harness/sampler.ts';
import { mediaAt, skewIn } from '../harness/skew.ts';
import { FaultProxy } from '../proxy/proxy.ts';

const START = 1_700_000_000_000;

/** A viewer that plays with a constant lag, read every 20 ms at a phase of its own. */
function viewer(lag_ms: number, phase_ms: number, change: (t: number, media: number) => number = (_t, media) => media): Recording {
  const readings = [];
  for (let t = phase_ms; t < 12_000; t += 20) readings.push({ at: START + t, media: change(t, 5_000 + t - lag_ms), paused: false });
  return { readings, stalls: [], late: [], seeks: [] };
}

test.describe('skew', () => {
  test('reads a constant lag, whatever the phase of the readings', () => {
    const skew = skewIn(viewer(0, 3), viewer(100, 17), START + 100);
    expect(skew).toMatchObject({ p50: 100, p95: 100, max: 100, bias: 100 });
    expect(skew.covered).toBe(1);
    expect(skew.rateA).toBe(1);
  });

  test('changes its sign when the viewers are swapped, and is zero for a viewer against itself', () => {
    expect(skewIn(viewer(100, 0), viewer(0, 7), START + 100).bias).toBe(-100);
    expect(skewIn(viewer(40, 5), viewer(40, 5), START + 100)).toMatchObject({ p95: 0, max: 0 });
  });

  test('tells the tail from the middle', () => {
    const slips = viewer(0, 0, (t, media) => (t > 5_000 && t < 6_000 ? media - 50 : media));
    const skew = skewIn(slips, viewer(0, 0), START);
    expect(skew.p50).toBe(0);
    expect(skew.p95).toBe(50);
  });

  test('does not interpolate over a gap and says what it could not measure', () => {
    const whole = viewer(0, 0);
    const gappy = { ...whole, readings: whole.readings.filter((reading) => reading.at < START + 4_000 || reading.at > START + 6_000) };
    expect(mediaAt(gappy.readings, START + 5_000)).toBeNull();
    expect(skewIn(gappy, whole, START).covered).toBeLessThan(0.85);
  });

  test('calls a frozen film and a late timer by their names', () => {
    const frozen = viewer(0, 0, (t, media) => (t > 3_000 && t < 3_400 ? 8_000 : media));
    const late = { ...viewer(0, 0), late: [{ at: START + 4_000, by: 130 }] };
    const skew = skewIn(frozen, late, START);
    expect(skew.disturbances).toHaveLength(2);
    expect(skew.disturbances[0]).toContain('a: froze');
    expect(skew.disturbances[1]).toContain('b: timer 130 ms late');
    expect(skewIn(viewer(0, 0), viewer(9, 3), START).disturbances).toEqual([]);
  });
});

test.describe('frame numbers', () => {
  const cellsOf = (frame: number, white = 235, black = 16): number[] => [
    white, ...Array.from({ length: BITS }, (_, bit) => (Math.floor(frame / 2 ** bit) % 2 === 1 ? white : black)), black,
  ];
  test('are read from bright and dim pictures', () => {
    for (const frame of [0, 1, 2, 662, 2 ** BITS - 1]) {
      expect(decodeFrame(cellsOf(frame))).toBe(frame);
      expect(decodeFrame(cellsOf(frame, 180, 60))).toBe(frame);
    }
  });
  test('are refused where the references are wrong', () => {
    expect(decodeFrame([])).toBeNull();
    expect(decodeFrame(new Array<number>(CELLS).fill(235))).toBeNull();
    expect(decodeFrame(new Array<number>(CELLS).fill(16))).toBeNull();
    expect(decodeFrame(cellsOf(5, 120, 100))).toBeNull();
  });
});

test.describe('the fault proxy', () => {
  let echo: Server;
  test.beforeEach(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  });
  test.afterEach(() => new Promise<void>((resolve) => echo.close(() => resolve())));
  const echoPort = (): number => (echo.address() as AddressInfo).port;

  test('delays within its limits and never reorders', async () => {
    const proxy = await FaultProxy.start({ targetPort: echoPort(), up: { base_ms: 50, jitter_ms: 20 }, down: { base_ms: 100, jitter_ms: 50 } });
    const socket = connect(proxy.port, '127.0.0.1');
    socket.setNoDelay(true);
    const sent: number[] = [];
    const trips: number[] = [];
    let heard = '';
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().match(/\d+\n/g) ?? []) trips.push(performance.now() - (sent[Number(line)] ?? 0));
      heard += chunk.toString();
    });
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    for (let n = 0; n < 40; n += 1) {
      sent.push(performance.now());
      socket.write(`${n}\n`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await expect.poll(() => trips.length).toBe(40);
    expect(heard).toBe(Array.from({ length: 40 }, (_, n) => `${n}\n`).join(''));
    expect(Math.min(...trips)).toBeGreaterThan(78);
    const sorted = [...trips].sort((a, b) => a - b);
    expect(sorted[20]).toBeGreaterThan(120);
    expect(sorted[20]).toBeLessThan(230);
    socket.destroy();
    await proxy.close();
  });

  test('passes a large body unharmed, and the end of it', async () => {
    const proxy = await FaultProxy.start({ targetPort: echoPort(), up: { base_ms: 5, jitter_ms: 5 } });
    const body = Buffer.alloc(24 * 1024 * 1024, 'lockstep');
    const socket = connect(proxy.port, '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    const ended = new Promise<void>((resolve) => socket.once('end', () => resolve()));
    socket.end(body);
    await ended;
    expect(Buffer.concat(parts).equals(body)).toBe(true);
    await proxy.close();
  });

  test('stalls without loss, cuts, refuses and is restored', async () => {
    const proxy = await FaultProxy.start({ targetPort: echoPort() });
    const open = async () => {
      const socket = connect(proxy.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      const state = { text: '', closed: false };
      socket.on('data', (part) => (state.text += part.toString()));
      socket.on('close', () => (state.closed = true));
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
      return { socket, state };
    };
    const first = await open();
    proxy.stall('down', true);
    first.socket.write('held');
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(first.state.text).toBe('');
    proxy.stall('down', false);
    await expect.poll(() => first.state.text).toBe('held');
    proxy.cut();
    await expect.poll(() => first.state.closed).toBe(true);
    const refused = await open();
    await expect.poll(() => refused.state.closed).toBe(true);
    proxy.restore();
    const again = await open();
    again.socket.write('back');
    await expect.poll(() => again.state.text).toBe('back');
    again.socket.destroy();
    await proxy.close();
  });
});
