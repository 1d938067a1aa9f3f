import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { parse } from 'yaml';
import { type Attributes, authorize, type User } from './access';
import type { Api } from './api';
import { certificateFor } from './certificate';
import { discovery } from './discovery';
import { ApiError, badRequest, notFound, notUnderstood } from './errors';
import { type Kubelet, serveExec } from './exec';
import { Cut, Fault, type FaultAction, type FaultMatch } from './faults';
import { handle, type Response } from './handler';
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

/** Who asks for what, as far as it is known yet. */
interface Asked {
  user?: User;
  request?: ApiRequest;
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
    private readonly kubelet: Kubelet,
    private readonly decode: Decoder,
  ) {}

  static async start(api: Api, ip: string, kubelet: Kubelet, decode: Decoder): Promise<ApiServer> {
    const { key, cert } = certificateFor(ip);
    const server = createServer({ key, cert });
    const running = new ApiServer(api, ip, cert, server, kubelet, decode);
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
    const asked: Asked = {};
    try {
      await this.serve(incoming, response, asked);
    } catch (problem) {
      const error = problem instanceof ApiError ? problem : new ApiError(500, 'InternalError', String((problem as Error).stack));
      this.note(asked, problem instanceof Cut ? 0 : error.code);
      if (problem instanceof Cut) incoming.socket.destroy();
      else reply(response, { code: error.code, body: error.status });
    }
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    const user = this.tokens.userOf(incoming.headers.authorization);
    const found = discovery(url.pathname, this.api.resources);
    if (found) {
      reply(response, { code: 200, body: found });
      return;
    }
    const request = parseRequest(this.api, incoming.method ?? 'GET', url);
    if (!request) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
    Object.assign(asked, { user, request });
    if (!isReview(request)) this.authorize(user, request);
    const contentType = (incoming.headers['content-type'] ?? 'application/json').split(';')[0] ?? '';
    const body = await this.bodyOf(incoming, contentType);
    const cutAfter = await this.strike(request, body?.metadata?.name ?? '');
    if (request.verb === 'watch') {
      this.note(asked, 200);
      watch(this.api, request, response);
      return;
    }
    const answer = this.respond(user, request, body, contentType);
    if (cutAfter) throw new Cut();
    this.note(asked, answer.code);
    reply(response, answer);
  }

  private respond(user: User, request: ApiRequest, body: Loose, contentType: string): Response {
    if (isReview(request)) return { code: 201, body: this.review(user, body) };
    if (request.subresource === 'exec') throw badRequest('Upgrade request required');
    if (request.subresource === 'log') return { code: 200, body: this.logOf(request) };
    return handle(this.api, request, body, contentType);
  }

  private logOf({ namespace = '', name, query }: ApiRequest): string {
    if (query.get('follow') === 'true') throw notUnderstood('following a log');
    const log = this.kubelet.log(namespace, name, query.get('container') ?? undefined);
    const tail = query.get('tailLines');
    return tail === null
      ? log
      : log
          .split(/(?<=\n)/)
          .slice(-Number(tail))
          .join('');
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
      // A WebSocket is opened with GET, and so asks for the right to get. From 1.35 on it takes the right to create as well
      // (kubernetes/kubernetes#134577): a role that works everywhere has both.
      this.authorize(user, { ...request, verb: 'create' });
      await this.strike(request, '');
      if (!this.api.store.get(request.resource, request.namespace, request.name)) throw notFound(request.resource, request.name);
      await serveExec(incoming, socket, request, this.kubelet.exec);
      this.note({ user, request }, 101);
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

  private note({ user, request }: Asked, code: number): void {
    if (!user || !request) return;
    const { verb, resource, subresource, namespace, name } = request;
    const plural = subresource ? `${resource.plural}/${subresource}` : resource.plural;
    this.answered.push({ user: user.name, verb, resource: plural, group: resource.group, namespace, name, code });
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

/** Every account may ask what it may do (Kubernetes docs: "Using RBAC Authorization", system:basic-user). */
function isReview({ resource, verb }: ApiRequest): boolean {
  return resource.kind === 'SelfSubjectAccessReview' && verb === 'create';
}

function reply(response: ServerResponse, { code, body, warnings = [] }: Response): void {
  const [type, text] = typeof body === 'string' ? ['text/plain', body] : ['application/json', JSON.stringify(body)];
  if (warnings.length > 0) {
    response.setHeader(
      'warning',
      warnings.map(warning => `299 - ${JSON.stringify(warning)}`),
    );
  }
  response.writeHead(code, { 'content-type': type }).end(text);
}
