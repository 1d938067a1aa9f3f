import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../../support/rehearse';
import type { QuiescedPod } from './pod';

/** Seconds that most of the agents hold a server. */
const LIMIT = 12;

export const PASSWORD = `pa"ss \\ word #1's`;

const proofs: string[][] = [];

export function prove(preset: string, what: string, seen: string): void {
  proofs.push([preset, what, seen]);
}

export function printProofs(): void {
  const widths = [0, 1].map(column => Math.max(...proofs.map(proof => proof[column]?.length ?? 0)));
  const rows = proofs
    .sort(([a = ''], [b = '']) => a.localeCompare(b))
    .map(row => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  console.info(rows.join('\n'));
}

/** What is proven of every preset that holds something. */
export interface Held {
  readonly name: string;
  readonly pod: QuiescedPod;
  /** Whether what has to wait, waits. */
  isHeld(): Promise<boolean>;
  /** Makes the server refuse, until it is called again. @default - block */
  refuse?(): Promise<() => Promise<void>>;
  /** @default LIMIT */
  readonly limit?: number;
  /** Seconds within which an agent that was killed has let go, in its next life where it must. @default 3 */
  readonly recovery?: number;
  /** Whether the server itself lets go of a session that is silent. @default true */
  readonly hasTimeout?: boolean;
  /** Makes the lock not to be had, until it is called again. */
  block(): Promise<() => Promise<void>>;
}

export async function untilFree({ isHeld }: Held, since: number, seconds: number): Promise<string> {
  await until('the server goes on', async () => !(await isHeld()), seconds - (Date.now() - since) / 1000);
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

export async function holds({ pod, limit = LIMIT }: Pick<Held, 'pod' | 'limit'>): Promise<void> {
  expect(await pod.hold().ended).toMatchObject({
    exitCode: 0,
    stderr: '',
    stdout: expect.stringMatching(new RegExp(`is held, after \\d+ s, for ${limit} s at most`)),
  });
}

export async function proveTheRest(held: Held): Promise<void> {
  const { name, pod, limit = LIMIT, recovery = 3, hasTimeout = true } = held;
  const refused = (because: RegExp) => ({ exitCode: 1, stdout: '', stderr: expect.stringMatching(because) });

  expect(await pod.release()).toEqual(refused(/no lock is held: it was released at/));
  prove(name, 'post hook twice', 'the second fails: no lock is held');

  await holds(held);
  prove(name, 'watchdog', `no post hook: it goes on after ${await untilFree(held, Date.now(), limit + 2)}, limit ${limit} s`);
  expect(await pod.release()).toEqual(refused(/no lock is held: nobody released it within \d+ s/));
  prove(name, 'late post hook', `fails: nobody released it within ${limit} s`);

  let unblock = await (held.refuse ?? held.block)();
  const { exitCode, stderr } = await pod.hold().ended;
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('is not held: ')]);
  await unblock();
  prove(name, 'failed pre hook', `nothing is held, ${await untilFree(held, Date.now(), 2)} after; ${stderr.trim()}`);

  unblock = await held.block();
  const killed = pod.hold();
  await sleep(1000);
  killed.kill();
  expect(await killed.ended).toMatchObject({ exitCode: 137, stdout: '' });
  await unblock();
  prove(name, 'killed pre hook', `nothing is held, ${await untilFree(held, Date.now(), 4)} after`);
  expect(await pod.release()).toEqual(refused(/no lock is held/));

  await holds(held);
  pod.pod.killContainer('quiesce');
  prove(name, 'killed agent', `goes on after ${await untilFree(held, Date.now(), recovery)}`);
  await pod.ready('quiesce', 'test', '-p', '/quiesce/events');
  await until('the agent answers', async () => (await pod.release()).stderr.includes('the container was started again while'));

  await holds(held);
  await pod.pod.exec('quiesce', ['sh', '-c', 'kill -STOP "$(cat /quiesce/session.pid)"']).ended;
  expect(await pod.release()).toEqual(refused(/was not held all the time, so do not rely on what was copied: no answer/));
  prove(name, 'frozen client', `post hook fails, goes on after ${await untilFree(held, Date.now(), 2)}`);

  if (!hasTimeout) return;
  await holds(held);
  const began = Date.now();
  await pod.pod.exec('quiesce', ['sh', '-c', 'kill -STOP "$(cat /quiesce/session.pid)"']).ended;
  pod.pod.killContainer('quiesce', 'SIGSTOP');
  prove(name, 'frozen agent', `the server lets go after ${await untilFree(held, began, LIMIT + 8)}, wait_timeout ${LIMIT + 5} s`);
  pod.pod.killContainer('quiesce', 'SIGCONT');
}
