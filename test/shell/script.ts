import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { linkShell } from '../support/shell-folder';

export interface ScriptOptions {
  /** Where everything is made: scratch/ is $SCRATCH. */
  readonly directory: string;
  /** Programs that stand in for those of the image, each the body of a shell script. */
  readonly programs?: { [name: string]: string };
  readonly environment?: { [name: string]: string };
  readonly arguments?: string[];
  /** The members of the recovery point; what a script stores is in members/, too. */
  readonly repository?: { [member: string]: string };
}

export interface ScriptOutcome {
  readonly code: number | null;
  readonly log: string;
  /** What it printed. */
  readonly output: string;
  /** What the verdict would say. */
  readonly reason: string;
}

/** Runs one script of an engine as it is, between programs that are made up. */
export function runScript(
  engine: string,
  script: string,
  { directory, programs = {}, environment = {}, repository = {}, arguments: words = [] }: ScriptOptions,
): ScriptOutcome {
  const [home, scratch, bin, members] = ['home', 'scratch', 'bin', 'members'].map(name => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(join(home, 'repository'), { recursive: true });
  const functions = [
    `repository_get() { cat '${members}/'"$2"; }`,
    `repository_put() { member_name=$1; shift; "$@" >'${members}/'"$member_name" && member "$member_name" 1 -; }`,
  ];
  writeFileSync(join(home, 'repository/repository.sh'), `${functions.join('\n')}\n`);
  rmSync(join(scratch, 'outcome'), { recursive: true, force: true });
  for (const path of [members, join(scratch, 'outcome'), bin]) mkdirSync(path, { recursive: true });
  if (!existsSync(join(home, 'shell'))) linkShell(join(home, 'shell'));
  for (const [name, path] of [['engine', `lib/engines/${engine}`]] as const) {
    if (!existsSync(join(home, name))) symlinkSync(resolve(path), join(home, name));
  }
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const [name, content] of Object.entries(repository)) writeFileSync(join(members, name), content);
  const done: SpawnSyncReturns<string> = spawnSync('sh', [join(home, 'engine', `${script}.sh`), ...words], {
    encoding: 'utf8',
    env: {
      PATH: `${bin}:${process.env.PATH}`,
      HOME: scratch,
      LC_ALL: 'C.UTF-8',
      BACKUP_HOME: home,
      SCRATCH: scratch,
      ENGINE: engine,
      SERIES: 'orders',
      POINT: '20260801T000000Z-aaaaa',
      ...environment,
    },
  });
  const reason = join(scratch, 'outcome/reason');
  return { code: done.status, log: done.stderr, output: done.stdout, reason: existsSync(reason) ? readFileSync(reason, 'utf8') : '' };
}
