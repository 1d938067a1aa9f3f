import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const [BINARY, CLOSE, PING, PONG] = [0x2, 0x8, 0x9, 0xa];

/** The server's end of a WebSocket (RFC 6455), as far as exec needs it: whole binary messages, pings, an orderly close. */
export class WebSocketConnection {
  private pending: Buffer = Buffer.alloc(0);
  private fragments: Buffer[] = [];
  private closed = false;

  /** @param onMessage what the client sent, message by message */
  constructor(
    private readonly socket: Duplex,
    private readonly onMessage: (message: Buffer) => void,
  ) {
    socket.on('data', (data: Buffer) => this.read(data));
  }

  /** Answers the client's handshake with one of the protocols that it offers. */
  static accept(incoming: IncomingMessage, socket: Duplex, protocol: string, onMessage: (message: Buffer) => void): WebSocketConnection {
    const accept = createHash('sha1').update(`${incoming.headers['sec-websocket-key']}${MAGIC}`).digest('base64');
    const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
    socket.write(`${[...head, `Sec-WebSocket-Protocol: ${protocol}`].join('\r\n')}\r\n\r\n`);
    return new WebSocketConnection(socket, onMessage);
  }

  send(message: Buffer): void {
    this.frame(BINARY, message);
  }

  /** 1000: a normal closure. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.frame(CLOSE, Buffer.from([0x03, 0xe8]));
    this.socket.end();
  }

  private frame(opcode: number, payload: Buffer): void {
    if (this.socket.destroyed) return;
    const { length } = payload;
    const size = length < 126 ? Buffer.from([length]) : length < 65_536 ? Buffer.alloc(3) : Buffer.alloc(9);
    if (size.length === 3) size.writeUInt16BE(length, size.writeUInt8(126));
    if (size.length === 9) size.writeBigUInt64BE(BigInt(length), size.writeUInt8(127));
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode]), size, payload]));
  }

  private read(data: Buffer): void {
    this.pending = Buffer.concat([this.pending, data]);
    for (;;) {
      const frame = parseFrame(this.pending);
      if (!frame) return;
      this.pending = this.pending.subarray(frame.length);
      this.take(frame);
    }
  }

  private take({ final, opcode, payload }: Frame): void {
    if (opcode === PING) this.frame(PONG, payload);
    else if (opcode === CLOSE) this.close();
    else if (opcode !== PONG) this.gather(payload, final);
  }

  private gather(payload: Buffer, final: boolean): void {
    this.fragments.push(payload);
    if (!final) return;
    const message = Buffer.concat(this.fragments);
    this.fragments = [];
    this.onMessage(message);
  }
}

interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  /** Of the frame as a whole. */
  readonly length: number;
}

/** A client's frame is always masked. Undefined when it has not come whole. */
function parseFrame(buffer: Buffer): Frame | undefined {
  if (buffer.length < 2) return undefined;
  const [first, second] = [buffer.readUInt8(0), buffer.readUInt8(1) & 0x7f];
  const masked = (buffer.readUInt8(1) & 0x80) !== 0;
  const extended = second === 126 ? 2 : second === 127 ? 8 : 0;
  const start = 2 + extended + (masked ? 4 : 0);
  if (buffer.length < start) return undefined;
  const size = extended === 2 ? buffer.readUInt16BE(2) : extended === 8 ? Number(buffer.readBigUInt64BE(2)) : second;
  if (buffer.length < start + size) return undefined;
  const payload = Buffer.from(buffer.subarray(start, start + size));
  const mask = buffer.subarray(start - 4, start);
  if (masked) for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % 4] ?? 0);
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload, length: start + size };
}
