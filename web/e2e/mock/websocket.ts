// As much of a WebSocket server (RFC 6455) as the mock hub needs: text frames up to 64 KiB, ping, close.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FRAME_BYTES_MAX = 64 * 1024;

export class WebSocketPeer {
  private readonly socket: Duplex;
  private pending = Buffer.alloc(0);
  onText: (text: string) => void = () => undefined;
  onClose: () => void = () => undefined;

  constructor(request: IncomingMessage, socket: Duplex) {
    this.socket = socket;
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key'] ?? ''}${GUID}`).digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('close', () => this.onClose());
    socket.on('error', () => socket.destroy());
  }

  send(text: string): void {
    this.write(0x1, Buffer.from(text));
  }

  close(code: number, reason = ''): void {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    this.write(0x8, body);
    this.socket.end();
  }

  private write(opcode: number, body: Buffer): void {
    if (this.socket.destroyed) return;
    const head = body.length < 126 ? Buffer.from([0x80 | opcode, body.length]) : Buffer.from([0x80 | opcode, 126, body.length >> 8, body.length & 0xff]);
    this.socket.write(Buffer.concat([head, body]));
  }

  private take(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      if (this.pending.length < 2) return;
      const opcode = (this.pending[0] ?? 0) & 0x0f;
      let length = (this.pending[1] ?? 0) & 0x7f;
      let at = 2;
      if (length === 126) {
        if (this.pending.length < 4) return;
        length = this.pending.readUInt16BE(2);
        at = 4;
      }
      if (length > FRAME_BYTES_MAX) return void this.socket.destroy();
      if (this.pending.length < at + 4 + length) return;
      const mask = this.pending.subarray(at, at + 4);
      const body = Buffer.from(this.pending.subarray(at + 4, at + 4 + length)).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
      this.pending = this.pending.subarray(at + 4 + length);
      this.dispatch(opcode, Buffer.from(body));
    }
  }

  private dispatch(opcode: number, body: Buffer): void {
    if (opcode === 0x1) this.onText(body.toString());
    else if (opcode === 0x8) {
      this.write(0x8, body);
      this.socket.end();
    } else if (opcode === 0x9) this.write(0xa, body);
  }
}
