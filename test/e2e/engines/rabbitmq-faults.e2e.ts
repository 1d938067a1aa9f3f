import { randomBytes } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import { Size } from 'cdk8s';
import { Engine, RabbitmqVersion } from '../../../lib';
import { describeFaults } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { loopbackAddress } from '../support/postgres-server';
import { RabbitmqServer } from '../support/rabbitmq-server';

/** Stands before the broker and keeps back what it is told to: an export is over in milliseconds otherwise. */
class Gate {
  readonly address = loopbackAddress();
  /** The method of the requests for definitions that are kept back. */
  shut: string | undefined;
  /** Whether one is. */
  waiting = false;
  private readonly server: Server;
  private kept: (() => void)[] = [];

  constructor(broker: RabbitmqServer) {
    this.server = createServer((incoming, answer) => {
      const pass = () => {
        const { method, url: path, headers } = incoming;
        const onward = request({ host: broker.address, port: 15672, method, path, headers }, reply => {
          answer.writeHead(reply.statusCode ?? 500, reply.headers);
          reply.pipe(answer);
        });
        // Without a broker there is no answer, as without this gate.
        onward.on('error', () => answer.destroy());
        incoming.on('error', () => onward.destroy()).pipe(onward);
      };
      if (incoming.url !== '/api/definitions' || incoming.method !== this.shut) return pass();
      this.waiting = true;
      // Nothing of what is kept back reaches the broker any more, as its client is gone by then.
      this.kept.push(() => answer.destroy());
    });
  }

  async open(): Promise<this> {
    await new Promise<void>(resolve => this.server.listen(15672, this.address, resolve));
    return this;
  }

  keep(method: string): () => void {
    this.shut = method;
    this.waiting = false;
    return () => this.release();
  }

  release(): void {
    this.shut = undefined;
    this.waiting = false;
    for (const each of this.kept.splice(0)) each();
  }

  close(): void {
    this.release();
    this.server.closeAllConnections();
    this.server.close();
  }
}

describeFaults({
  name: 'RabbitMQ 4.0',
  engine: Engine.rabbitmq({ version: RabbitmqVersion.V4_0 }),
  start: async ({ images }) => {
    const image = imageNamed(images, 'rabbitmq:4.0.9-management');
    const [server, empty] = await Promise.all([RabbitmqServer.start(image), RabbitmqServer.start(image)]);
    await empty.request('PUT', `/api/users/${server.username}`, { password: server.password, tags: 'administrator' });
    const policies = Array.from({ length: 160 }, (_, i) => ({
      vhost: '/',
      name: `policy ${i}`,
      pattern: `^${randomBytes(4000).toString('hex')}`,
      'apply-to': 'queues',
      definition: { 'message-ttl': i },
    }));
    const queues = ['a', 'b'].map(name => ({ vhost: '/', name, durable: true, auto_delete: false, arguments: {} }));
    await server.define({ policies, queues });
    const gate = await new Gate(server).open();
    return {
      address: gate.address,
      emptyAddress: empty.address,
      credentials: { username: server.username, password: server.password },
      wrongCredentials: { username: server.username, password: 'wrong' },
      kill: async () => {
        await server.kill();
        gate.release();
      },
      up: () => server.up(),
      stop: async () => {
        gate.close();
        await Promise.all([server.stop(), empty.stop()]);
      },
      checksum: async () => JSON.stringify(await server.definitions()),
      change: async () => void (await server.request('DELETE', '/api/queues/%2F/a')),
      hold: () => gate.keep('GET'),
      isDumping: () => gate.waiting,
      holdRestore: () => gate.keep('POST'),
      isRestoring: () => gate.waiting,
    };
  },
  dumping: 'definitions.escript export',
  dumper: 'beam.smp',
  restorer: 'beam.smp',
  payload: 'definitions.json',
  tightScratch: Size.mebibytes(1),
  leaveOut: {
    targetHoldsSomething:
      'a restore adds what the broker lacks; what differs from the recovery point, and what stops it, is tested in rabbitmq.e2e.ts',
  },
  says: {
    wrongCredentials: /^the rabbitmq server refuses this job, .*answers 401/,
    serverAbsent: /^the rabbitmq server was not ready within 4 s: .*does not answer/,
    serverKilled: /^exporting the definitions failed: .*does not answer/,
    dumperKilled: /^exporting the definitions failed: .*\(killed by signal 9\)/,
    emptySource: /^the broker has neither a queue nor an exchange: an empty backup is rarely intended/,
    scratchFull: /^definitions\.json of \S+ cannot be fetched: .*No space left on device/,
    targetHoldsSomething: /./,
    restorerKilled: /^importing the definitions failed: .*\(killed by signal 9\)/,
  },
});
