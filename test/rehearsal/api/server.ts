import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { parse } from 'yaml';
import { type Attributes, authorize, type User } from './access';
import type { Api } from './api';
import { certificateFor } from './certificate';
import { discovery } from './discovery';
import { ApiError, badRequest, notFound } from './errors';
import { type ExecTarget, serveExec } from './exec';
import { Cut, Fault, type FaultAction, type FaultMatch } from './faults';
import { handle } from './handler';
import type { Loose } from './object';
import { type ApiRequest, parseRequest } from './request';
import { Tokens } from './tokens';
import { watch } from './watch';

/** A request as it was answered: what an account really asked for. */
export interface Answered {
  readonly user: string;
  readonly verb: string;
  /** In the plural, with its subresource. */
  readonly resource: string;
  readonly group: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Of the answer; 0 when the connection was cut. */
  readonly code: number;
}

/** Makes JSON of protobuf, in which typed clients send the kinds of Kubernetes itself. */
export type Decoder = (sent: Buffer) => Promise<string>;

const PORT = 443;

/** The API on the wire: TLS on an address of the loopback, tokens, RBAC, and faults that a test plants. */
export class ApiServer {
  /** Every request about objects, in the order of the answers. */
  readonly answered: Answered[] = [];
  readonly tokens = new Tokens();
  private readonly faults: Fault[] = [];
  private readonly sockets = new Set<Duplex>();

  private constructor(
    readonly api: Api,
    readonly ip: string,
    /** The certificate of the authority that clients trust. */
    readonly ca: string,
    private readonly server: Server,
    private readonly exec: ExecTarget,
    private readonly decode: Decoder,
  ) {}

  static async start(api: Api, ip: string, exec: ExecTarget, decode: Decoder): Promise<ApiServer> {
    const { key, cert } = certificateFor(ip);
    const server = createServer({ key, cert });
    const running = new ApiServer(api, ip, cert, server, exec, decode);
    server.on('request', (request, response) => void running.answer(request, response));
    server.on('upgrade', (request, socket) => void running.upgrade(request, socket));
    server.on('connection', socket => {
      running.sockets.add(socket);
      socket.on('close', () => running.sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(PORT, ip, resolve);
    });
    return running;
  }

  get url(): string {
    return `https://${this.ip}:${PORT}`;
  }

  /** A kubeconfig of somebody with all rights, or with a token. */
  kubeconfig(token = this.tokens.admin, namespace = 'default'): string {
    const authority = Buffer.from(this.ca).toString('base64');
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'rehearsal',
      clusters: [{ name: 'rehearsal', cluster: { server: this.url, 'certificate-authority-data': authority } }],
      users: [{ name: 'rehearsal', user: { token } }],
      contexts: [{ name: 'rehearsal', context: { cluster: 'rehearsal', user: 'rehearsal', namespace } }],
    });
  }

  /** Plants a fault. It befalls requests that RBAC has let through. */
  plant(match: FaultMatch, action: FaultAction): Fault {
    const fault = new Fault(match, action);
    this.faults.push(fault);
    return fault;
  }

  async close(): Promise<void> {
    for (const fault of this.faults) fault.resume();
    for (const socket of this.sockets) socket.destroy();
    await new Promise(resolve => this.server.close(resolve));
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    let [user, request]: [User | undefined, ApiRequest | undefined] = [undefined, undefined];
    const done = (code: number) => user && request && this.note(user, request, code);
    const reply = (code: number, body: object, warnings: string[] = []) => {
      done(code);
      if (warnings.length > 0)
        response.setHeader(
          'warning',
          warnings.map(text => `299 - ${JSON.stringify(text)}`),
        );
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    try {
      user = this.tokens.userOf(incoming.headers.authorization);
      const found = discovery(url.pathname, this.api.resources);
      if (found) return reply(200, found);
      request = parseRequest(this.api, incoming.method ?? 'GET', url);
      if (!request) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
      const review = request.resource.kind === 'SelfSubjectAccessReview' && request.verb === 'create';
      // Every account may ask what it may do (Kubernetes docs: "Using RBAC Authorization", system:basic-user).
      if (!review) this.authorize(user, request);
      const contentType = (incoming.headers['content-type'] ?? 'application/json').split(';')[0] ?? '';
      const body = await this.bodyOf(incoming, contentType);
      const cutAfter = await this.strike(request, body?.metadata?.name ?? '');
      if (request.subresource === 'exec') throw badRequest('Upgrade request required');
      if (request.verb === 'watch') {
        done(200);
        return watch(this.api, request, response);
      }
      if (review) return reply(201, this.review(user, body));
      const answer = handle(this.api, request, body, contentType);
      if (cutAfter) throw new Cut();
      return reply(answer.code, answer.body, answer.warnings);
    } catch (problem) {
      if (problem instanceof Cut) {
        done(0);
        incoming.socket.destroy();
      } else if (problem instanceof ApiError) {
        reply(problem.code, problem.status);
      } else {
        reply(500, new ApiError(500, 'InternalError', String((problem as Error).stack)).status);
      }
    }
  }

  /** A WebSocket: exec. */
  private async upgrade(incoming: IncomingMessage, socket: Duplex): Promise<void> {
    socket.on('error', () => socket.destroy());
    const url = new URL(incoming.url ?? '/', this.url);
    try {
      const user = this.tokens.userOf(incoming.headers.authorization);
      const request = parseRequest(this.api, incoming.method ?? 'GET', url);
      if (request?.subresource !== 'exec') throw badRequest('Upgrade request of what is no stream');
      this.authorize(user, request);
      // From 1.35 on, a server wants the right to create as well, whatever the method of the request is (KEP-2862 and its successors).
      this.authorize(user, { ...request, verb: 'create' });
      await this.strike(request, '');
      if (!this.api.store.get(request.resource, request.namespace, request.name)) throw notFound(request.resource, request.name);
      await serveExec(incoming, socket, request, this.exec);
      this.note(user, request, 101);
    } catch (problem) {
      if (!(problem instanceof ApiError)) return void socket.destroy();
      const body = JSON.stringify(problem.status);
      const head = `HTTP/1.1 ${problem.code} ${problem.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
      socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
    }
  }

  /** What `kubectl auth can-i` asks. */
  private review(user: User, sent: Loose): object {
    const { verb, group = '', resource: plural, subresource = '', namespace, name = '' } = sent.spec.resourceAttributes;
    try {
      this.authorize(user, { verb, resource: this.api.resource(group, { plural }), subresource, namespace, name });
      return { ...sent, status: { allowed: true } };
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      return { ...sent, status: { allowed: false, reason: problem.message } };
    }
  }

  private authorize(user: User, request: Attributes): void {
    const { api } = this;
    try {
      authorize(user, request, {
        all: (kind, namespace) => api.store.list(api.resource('rbac.authorization.k8s.io', { kind }), namespace),
        find: (kind, namespace, name) => api.store.get(api.resource('rbac.authorization.k8s.io', { kind }), namespace, name),
      });
    } catch (problem) {
      throw problem instanceof ApiError ? problem : new Error('RBAC could not be asked', { cause: problem });
    }
  }

  /** Whether the answer is to be lost. */
  private async strike(request: ApiRequest, sentName: string): Promise<boolean> {
    const faults = this.faults.filter(fault => fault.befalls(request, sentName));
    for (const fault of faults) await fault.strike();
    return faults.some(({ action }) => action.cut === 'after');
  }

  private note({ name: user }: User, { verb, resource, subresource, namespace, name }: ApiRequest, code: number): void {
    const plural = subresource ? `${resource.plural}/${subresource}` : resource.plural;
    this.answered.push({ user, verb, resource: plural, group: resource.group, namespace, name, code });
  }

  private async bodyOf(incoming: IncomingMessage, contentType: string): Promise<Loose> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const sent = Buffer.concat(chunks);
    if (sent.length === 0) return undefined;
    try {
      if (contentType === 'application/vnd.kubernetes.protobuf') return JSON.parse(await this.decode(sent));
      if (contentType.endsWith('yaml')) return parse(sent.toString());
      if (contentType.endsWith('json')) return JSON.parse(sent.toString());
    } catch (problem) {
      throw badRequest(`the body of the request cannot be read: ${(problem as Error).message}`);
    }
    throw new ApiError(415, 'UnsupportedMediaType', `the stand-in reads no ${contentType}`);
  }
}
