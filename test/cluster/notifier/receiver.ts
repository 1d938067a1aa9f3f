import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, until } from '../kubectl';
import { NODE_ADDRESS } from '../node/kubernetes';
import { receiverProgram } from './programs';

/** What somebody has sent. */
export interface Received {
  readonly path: string;
  readonly headers: { readonly [name: string]: string[] };
  readonly body: string;
}

/** A receiver of messages, as a daemon of the node, whose certificate is signed by an authority of its own. */
export class Receiver {
  static readonly PORT = 8443;
  static readonly URL = `https://${NODE_ADDRESS}:${Receiver.PORT}`;

  private constructor(private readonly directory: string) {}

  static async start(): Promise<Receiver> {
    const receiver = new Receiver(`/var/lib/receiver-${Date.now()}`);
    mkdirSync(node().path(receiver.directory), { recursive: true });
    await node().launch({
      name: 'receiver',
      argv: [
        join(await receiverProgram(), 'receiver'),
        `--listen=${NODE_ADDRESS}:${Receiver.PORT}`,
        `--authority=${receiver.directory}/ca.crt`,
        `--requests=${receiver.directory}/requests`,
      ],
    });
    await until('the receiver listens', () => existsSync(node().path(`${receiver.directory}/requests`)));
    return receiver;
  }

  get authority(): string {
    return readFileSync(node().path(`${this.directory}/ca.crt`), 'utf8');
  }

  /** What was received, in its order. */
  received(): Received[] {
    const lines = readFileSync(node().path(`${this.directory}/requests`), 'utf8')
      .split('\n')
      .slice(0, -1);
    return lines.map(line => JSON.parse(line));
  }

  async stop(): Promise<void> {
    await node().kill('receiver');
  }
}
