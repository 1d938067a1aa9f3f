import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { childrenOf, readText, signal } from './postgres-server';
import { until } from './rehearse';

/** Something with a first process, and perhaps children of it. */
interface Server {
  readonly pid: number | undefined;
}

/** Copies a server's files at one instant, as a storage system's snapshot does: none of its processes can write meanwhile. */
export async function snapshotOf(server: Server, from: string, to: string): Promise<void> {
  if (server.pid === undefined) throw new Error('the server does not run');
  // The first process alone makes others.
  await stop(server.pid);
  const children = childrenOf(server.pid);
  try {
    for (const child of children) await stop(child);
    copy(from, to);
  } finally {
    for (const pid of [server.pid, ...children]) signal(pid, 'SIGCONT');
  }
}

async function stop(pid: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  await until(`process ${pid} stands still`, () => /^$|\) [TZ] /.test(readText(`/proc/${pid}/stat`)));
}

/** Copies files as they are, in the place of what was there. */
export function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  execFileSync('rm', ['-rf', to]);
  execFileSync('cp', ['-a', from, to]);
}
