import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Cluster, JobRun, RunningPod } from '../../rehearsal';

/** The result line that every job gives. */
export interface Result {
  readonly what: string;
  readonly series: string;
  readonly id: string;
  readonly bytes: number;
  readonly seconds: number;
  readonly restoreSeconds: number | null;
  readonly verdict: string;
  readonly reason: string;
}

/** A job that has come to its end, in the sandbox or in a cluster. */
export type Ended = Pick<JobRun, 'succeeded' | 'log' | 'result'>;

export function resultOf(run: Ended): Result {
  if (run.result === undefined) throw new Error(`no result line; the log says:\n${run.log}`);
  return run.result as Result;
}

/** A run that must succeed; when it does not, the log is the message. */
export async function succeed(run: Promise<Ended>, verdict: string): Promise<Result> {
  const done = await run;
  if (!done.succeeded || resultOf(done).verdict !== verdict)
    throw new Error(`expected ${verdict}:\n${JSON.stringify(done.result)}\n${done.log}`);
  return resultOf(done);
}

/** Writes what an app synthesizes to a directory of its own, as `cdk8s synth` does. */
export function synthesize(main: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'e2e-dist-'));
  execFileSync(process.execPath, ['--import', 'tsx', main], {
    env: { ...process.env, CDK8S_OUTDIR: directory },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return directory;
}

/** What an app synthesizes, for as long as it is used: what is applied is in the cluster, and needs no file. */
export async function withSynthesized<T>(main: string, use: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = synthesize(main);
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Gives the CronJobs of a directory further variables, as somebody would who edits what was synthesized. */
export function addVariables(directory: string, variables: { [name: string]: string }): void {
  for (const file of readdirSync(directory).filter(name => name.endsWith('.yaml'))) {
    const path = join(directory, file);
    const documents = parseAllDocuments(readFileSync(path, 'utf8'));
    for (const document of documents) {
      if (document.get('kind') !== 'CronJob') continue;
      const containers = document.getIn(['spec', 'jobTemplate', 'spec', 'template', 'spec', 'containers']) as YAMLSeq;
      for (const container of containers.items as YAMLMap[]) {
        const environment = container.get('env') as YAMLSeq;
        for (const [name, value] of Object.entries(variables)) environment.add(document.createNode({ name, value }));
      }
    }
    writeFileSync(path, documents.map(String).join('---\n'));
  }
}

/** Says what to restore, as `kubectl create configmap <series>-restore-request` does. */
export function request(cluster: Cluster, namespace: string, series: string, words: { [key: string]: string }): void {
  cluster.configMap(namespace, `${series}-restore-request`, {
    recoveryPoint: 'newest-verified',
    series,
    safetyBackup: 'no',
    ...words,
  });
}

/** As `until`, of a pod that has to be running when it holds: one that has ended is not waited for. */
export async function untilIn(pod: RunningPod, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  let ended = false;
  void pod.done.then(() => {
    ended = true;
  });
  await until(what, async () => {
    if (await holds()) return true;
    if (ended) throw new Error(`pod ${pod.name} ended before ${what}`);
    return false;
  });
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 300, pollMilliseconds = 20): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, pollMilliseconds));
  }
}
