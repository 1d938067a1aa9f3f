import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Result, succeed } from '../../e2e/support/rehearse';
import { kubectl, output } from '../kubectl';
import type { Namespace } from '../namespace';

/** A file of dist/, in its namespace, with servers that it protects. */
export interface Protected {
  readonly file: string;
  readonly namespace: Namespace;
  /** Brings up what is protected, with data in it. */
  start(): Promise<void>;
}

/** A series of dist/, and how its data is looked at and lost. */
export interface Series {
  readonly namespace: Namespace;
  /** What jobs are called before `-backup`, `-verify` and `-restore`. */
  readonly name: string;
  /** All of the data, as the server itself tells it. */
  content(): Promise<string>;
  /** Afterwards it is gone. */
  lose(): Promise<void>;
  /** How it is restored, when that is more than to start the job. */
  restore?(id: string): Promise<void>;
  /** What somebody does after a restore before the data can be used. @default nothing */
  afterwards?(): Promise<void>;
}

/** Applies a file of dist/ for the tests that follow, and takes it away in the end: a node has not the processors for all of it at once. */
export function applied({ file, namespace, start }: Protected): void {
  const path = join('dist', file);
  beforeAll(async () => {
    // What was applied before may still be going.
    await output(['delete', '--ignore-not-found', `--filename=${path}`, '--timeout=5m']);
    await output(['apply', '--server-side', `--filename=${path}`]);
    await start();
  }, 900_000);
  afterAll(async () => {
    await namespace.kubectl(['delete', 'pods', '--all', '--wait=false']);
    await kubectl(['delete', '--ignore-not-found', `--filename=${path}`, '--wait=false']);
  }, 600_000);
}

/** Backed up, verified, lost, and brought back, by jobs that somebody starts by hand. */
export function comesBack({ namespace, name, content, lose, restore, afterwards }: Series): void {
  let before: string;
  let backedUp: Result;

  test(`${name} is backed up, and verified`, async () => {
    before = await content();
    backedUp = await succeed(namespace.run(`${name}-backup`), 'published');
    expect(backedUp.reason, 'nothing is left out').toBe('');
    expect((await succeed(namespace.run(`${name}-verify`), 'verified')).id).toBe(backedUp.id);
  });

  test(`${name} is lost, and comes back`, async () => {
    await lose();
    if (restore) await restore(backedUp.id);
    else expect((await succeed(namespace.run(`${name}-restore`), 'restored')).id).toBe(backedUp.id);
    await afterwards?.();
    expect(await content()).toBe(before);
  });
}
