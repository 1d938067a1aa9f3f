import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError, badRequest } from './errors';
import type { ApiRequest } from './request';
import { WebSocketConnection } from './websocket';

export interface ExecCommand {
  readonly namespace: string;
  readonly pod: string;
  /** Undefined: the pod's first. */
  readonly container: string | undefined;
  readonly argv: string[];
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a container, whatever becomes of the client. @throws ApiError when there is no such container, or it does not run */
export type ExecTarget = (command: ExecCommand) => Promise<ExecResult>;

/** What the kubelet of a pod answers for it. */
export interface Kubelet {
  readonly exec: ExecTarget;
  /** What a container has written; of the pod's first when none is named. @throws ApiError when there is no such container */
  readonly log: (namespace: string, pod: string, container: string | undefined) => string;
}

/** kubectl's first choice since 1.31 (KEP-4006); SPDY, which it falls back to, is not offered. */
const PROTOCOL = 'v5.channel.k8s.io';
const [STDOUT, STDERR, ERROR] = [1, 2, 3];

/** The subresource `exec` over a WebSocket. Standard input is not passed on. */
export async function serveExec(incoming: IncomingMessage, socket: Duplex, request: ApiRequest, target: ExecTarget): Promise<void> {
  const offered = String(incoming.headers['sec-websocket-protocol'] ?? '').split(/,\s*/);
  if (incoming.headers.upgrade?.toLowerCase() !== 'websocket' || !offered.includes(PROTOCOL)) {
    throw badRequest('the stand-in speaks exec over WebSockets only');
  }
  const { namespace = '', name: pod, query } = request;
  if (query.get('stdin') === 'true' || query.get('tty') === 'true') throw badRequest('the stand-in passes no standard input on');
  const command = { namespace, pod, container: query.get('container') ?? undefined, argv: query.getAll('command') };
  const connection = WebSocketConnection.accept(incoming, socket, PROTOCOL, () => {});
  const send = (channel: number, text: string) => text && connection.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  try {
    const { exitCode, stdout, stderr } = await target(command);
    send(STDOUT, stdout);
    send(STDERR, stderr);
    send(ERROR, JSON.stringify(exitCode === 0 ? { metadata: {}, status: 'Success' } : nonZero(exitCode)));
  } catch (problem) {
    const error = problem instanceof ApiError ? problem : new ApiError(500, 'InternalError', String(problem));
    send(ERROR, JSON.stringify(error.status));
  }
  connection.close();
}

/** By the cause, a client knows the exit code. */
function nonZero(exitCode: number): object {
  const causes = [{ reason: 'ExitCode', message: String(exitCode) }];
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`;
  return { metadata: {}, status: 'Failure', message, reason: 'NonZeroExitCode', details: { causes } };
}
