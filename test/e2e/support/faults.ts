import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, type Result, resultOf, until } from './rehearse';

/** FAULT_SEED repeats the random instants of a run. */
export const FAULT_SEED = Number(process.env.FAULT_SEED ?? 20261121);

/** What was done, what the job said, and what was still restorable: printed when all is over. */
export class FaultTable {
  private readonly rows: string[][] = [];

  constructor(private readonly title: string) {}

  add(fault: string, said: string, restorable: string): void {
    this.rows.push([fault, said.slice(0, 150), restorable]);
  }

  print(): void {
    const widths = [0, 1, 2].map(column => Math.max(0, ...this.rows.map(row => row[column]?.length ?? 0)));
    process.stdout.write(`\n${this.title} (seed ${FAULT_SEED}): what was done | what the job said | what was still restorable\n`);
    for (const row of this.rows) process.stdout.write(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')}\n`);
  }
}

/** A run that must have failed with a verdict, and a sentence that says why. */
export function failure(run: Ended, says: RegExp): Result {
  expect(run.succeeded, run.log).toBe(false);
  const result = resultOf(run);
  expect(result.verdict).toBe('failed');
  expect(result.reason, run.log).toMatch(says);
  return result;
}

/** Checksums of what a repository holds of recovery points, by path. */
export type Holdings = { readonly [path: string]: string };

/** Neither locks and notes of runs, nor what a run has begun and not published. */
export function holdings(repository: string): Holdings {
  const isOfRuns = (part: string) => part.startsWith('.') || part === 'locks';
  const paths = (readdirSync(repository, { recursive: true }) as string[]).sort();
  return Object.fromEntries(
    paths
      .filter(path => !path.split('/').some(isOfRuns) && statSync(join(repository, path)).isFile())
      .map(path => [
        path,
        createHash('sha256')
          .update(readFileSync(join(repository, path)))
          .digest('hex'),
      ]),
  );
}

/**
 * Every recovery point of before is there, byte by byte, and no other. Of restic, what a run had stored when it failed is there too:
 * it belongs to no recovery point.
 */
export function expectUntouched(repository: string, before: Holdings): void {
  const now = holdings(repository);
  expect(now).toMatchObject(before);
  const isUnpublished = (path: string) => /(^|\/)(data|index|snapshots)\//.test(path);
  expect(Object.keys(now).filter(path => !(path in before) && !isUnpublished(path))).toEqual([]);
}

/** @param at where it ends. @default somewhere in its second half */
export function truncate(file: string, at = Math.floor(statSync(file).size * 0.6)): void {
  truncateSync(file, at);
}

/** @param at the byte. @default in its middle */
export function flipBit(file: string, at = Math.floor(statSync(file).size / 2)): void {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 4;
  writeSync(handle, byte, 0, 1, at);
  closeSync(handle);
}

/** Another run that writes a series of a `files` repository and does not come to an end. Returns how to end it. */
export async function lockSeries(claim: string, series: string): Promise<() => void> {
  const file = join(claim, series, '.writing');
  const holder = spawn('flock', ['--no-fork', file, 'sleep', '60'], { stdio: 'ignore' });
  await until('the lock is held', () => {
    try {
      execFileSync('flock', ['-n', file, 'true'], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  return () => void holder.kill();
}
