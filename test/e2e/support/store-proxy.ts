import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopbackAddress } from './postgres-server';

/** What the network, or the store behind it, does with a request. */
export interface Disturbance {
  /** Answers with this status instead of asking the store. */
  readonly status?: number;
  readonly body?: string;
  /** Breaks the connection in the middle of what is sent to the store, or of what it answers. */
  readonly cut?: 'upload' | 'download';
  /** Lets no more through in a second, to the store. */
  readonly bytesPerSecond?: number;
}

/** What a request is disturbed by, if by anything. */
export type Fault = (request: { readonly method: string; readonly path: string }) => Disturbance | undefined;

/** The network between pods and a store of HTTP, which breaks as it is told. */
export class StoreProxy {
  readonly address = loopbackAddress();
  /** Everything that pods have sent: request lines, headers, bodies. */
  readonly received: Buffer[] = [];
  /** How many requests were disturbed since the fault began. */
  disturbed = 0;
  private fault: Fault = () => undefined;
  private readonly server: Server;

  private constructor(private readonly store: { readonly address: string; readonly port: number }) {
    this.server = createServer((incoming, answer) => {
      // A request that was read to its end has no socket any more.
      const { socket } = incoming;
      void this.pass(incoming, answer).catch(() => socket.destroy());
    });
  }

  static async start(store: { address: string; port: number }): Promise<StoreProxy> {
    const proxy = new StoreProxy(store);
    await new Promise<void>(resolve => proxy.server.listen(store.port, proxy.address, resolve));
    return proxy;
  }

  /** From now on. */
  breaks(fault: Fault): void {
    this.disturbed = 0;
    this.fault = fault;
  }

  heals(): void {
    this.breaks(() => undefined);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  private async pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '', headers, socket } = incoming;
    this.received.push(Buffer.from(`${method} ${url}\n${JSON.stringify(headers)}\n`));
    const disturbance = this.fault({ method, path: url });
    if (disturbance) this.disturbed += 1;
    if (disturbance?.status !== undefined) {
      incoming.resume();
      answer.writeHead(disturbance.status, { connection: 'close' }).end(disturbance.body);
      return;
    }
    const { cut, bytesPerSecond } = disturbance ?? {};
    const forward = request({ host: this.store.address, port: this.store.port, method, path: url, headers });
    forward.on('error', () => socket.destroy());
    const answered = new Promise<IncomingMessage>(resolve => forward.once('response', resolve));
    const length = Number(headers['content-length'] ?? 0);
    let sent = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      this.received.push(chunk);
      sent += chunk.length;
      if (cut === 'upload' && sent > length / 2) {
        forward.destroy();
        throw new Error('cut');
      }
      if (bytesPerSecond !== undefined) await sleep((chunk.length / bytesPerSecond) * 1000);
      if (!forward.write(chunk)) await new Promise(resolve => forward.once('drain', resolve));
    }
    forward.end();
    const response = await answered;
    answer.writeHead(response.statusCode ?? 502, response.headers);
    const total = Number(response.headers['content-length'] ?? 0);
    let received = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (cut === 'download' && received > total / 2) {
        answer.write(chunk.subarray(0, Math.floor(chunk.length / 2)));
        await sleep(5);
        throw new Error('cut');
      }
      answer.write(chunk);
    }
    answer.end();
  }
}
