import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a kubectl of a test makes of a request. */
export interface Answer {
  /** How the request begins. */
  readonly to: string;
  readonly says?: string;
  readonly fails?: string;
  /** From which such request on. */
  readonly after?: number;
  readonly code?: number;
  /** Whether the script that asks is told to end meanwhile, as a pod is. */
  readonly stops?: boolean;
}

/** A kubectl that is a script: for each request the first of the test's answers whose words it begins with. */
export class FakeKubectl {
  /** For the PATH. */
  readonly bin: string;

  constructor(
    private readonly directory: string,
    answers: Answer[],
  ) {
    this.bin = join(directory, 'bin');
    mkdirSync(this.bin);
    const rules = answers.map(({ to, says = '', fails, after = 1, code = 1, stops = false }, index) => {
      const answer = fails === undefined ? `printf '%s\\n' '${says}'; exit 0` : `echo '${fails}' >&2; exit ${code}`;
      const count = join(directory, String(index));
      const stop = stops ? 'kill -TERM "$PPID"; ' : '';
      return `case $request in '${to}'*) echo >>'${count}'; [ "$(wc -l <'${count}')" -lt ${after} ] || { ${stop}${answer}; } ;; esac`;
    });
    const kubectl = ['#!/bin/sh', 'case $1 in --request-timeout*) shift ;; esac', 'request=$*', `echo "$request" >>'${directory}/asked'`];
    writeFileSync(join(this.bin, 'kubectl'), [...kubectl, ...rules, 'exit 0', ''].join('\n'));
    chmodSync(join(this.bin, 'kubectl'), 0o755);
  }

  /** The requests, in their order. */
  asked(): string[] {
    const noted = join(this.directory, 'asked');
    return existsSync(noted) ? readFileSync(noted, 'utf8').trimEnd().split('\n') : [];
  }
}
