import { createServer, request, type Server } from 'node:http';
import { loopbackAddress } from './postgres-server';

/** A proxy of plain HTTP, which alone knows where its hosts are. */
export class HttpProxy {
  readonly address = loopbackAddress();
  /** How many requests it has passed on, by host. */
  readonly passed: { [host: string]: number } = {};
  private readonly server: Server;

  private constructor(private readonly hosts: { readonly [host: string]: string }) {
    this.server = createServer((asked, answer) => {
      const url = new URL(asked.url ?? '');
      const onward = request({ ...this.to(url), method: asked.method, path: url.pathname + url.search, headers: asked.headers }, said => {
        answer.writeHead(said.statusCode ?? 502, said.headers);
        said.pipe(answer);
      });
      onward.once('error', () => answer.destroy());
      asked.pipe(onward);
    });
  }

  /** @param hosts addresses by host name */
  static async start(port: number, hosts: { readonly [host: string]: string }): Promise<HttpProxy> {
    const proxy = new HttpProxy(hosts);
    await new Promise<void>(resolve => proxy.server.listen(port, proxy.address, resolve));
    return proxy;
  }

  private to({ hostname, port }: URL): { host: string; port: number } {
    this.passed[hostname] = (this.passed[hostname] ?? 0) + 1;
    return { host: this.hosts[hostname] ?? '127.0.0.1', port: Number(port || 80) };
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise(resolve => this.server.close(() => resolve()));
  }
}
