import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import { ScriptFolder } from '../kubernetes/script-folder';
import { refuseLocks } from './session-locks';
import { hookTimeout } from './timeout';

/** What happens to a backup, or a restore, when one of its hooks fails. */
export enum VeleroOnError {
  /** The hook's object is not backed up, and the backup is PartiallyFailed. */
  FAIL = 'Fail',
  /** The backup goes on as if nothing had happened. */
  CONTINUE = 'Continue',
}

/** Options that every hook has. */
export interface VeleroHookOptions {
  /**
   * The container in which it runs. Velero would take the first one, and something that injects a sidecar may change which one that is.
   * @default - the pod's only container; if there are several, name one
   */
  readonly container?: string;
  /**
   * How long it may take. In whole seconds, at most four hours: Velero gives a hook no more. Velero up to 1.18 does not end what runs in
   * the container when the time is over.
   * @default Duration.minutes(5)
   */
  readonly timeout?: Duration;
  /**
   * What happens when it fails.
   * @default VeleroOnError.FAIL
   */
  readonly onError?: VeleroOnError;
}

/** Options of a hook that runs a command. */
export interface VeleroCommandOptions extends VeleroHookOptions {
  /**
   * The program and its arguments, each an item of its own. There is no shell unless you name one:
   * `['sh', '-c', 'redis-cli save && sync']`.
   */
  readonly command: string[];
}

/** Options of a hook that runs a script. */
export interface VeleroScriptOptions extends VeleroHookOptions {
  /**
   * The script's file, on the machine that synthesizes: `join(__dirname, 'flush.sh')`. The container's `sh` runs it. It has to fail when
   * anything in it does: begin it with `set -eu`.
   */
  readonly path: string;
  /**
   * Its arguments.
   * @default - none
   */
  readonly arguments?: string[];
}

/** A hook as annotations say it, and the script that it needs mounted. @internal */
export interface VeleroHookConfig {
  readonly container: string;
  readonly command: string[];
  readonly onError: VeleroOnError;
  /** In whole seconds. */
  readonly timeout: Duration;
  readonly script?: ScriptFolder;
}

/** Where hooks find the scripts of their kind. @internal */
export function hookFolder(kind: string): string {
  return `/opt/velero-hooks/${kind}`;
}

/** A command that Velero runs in a container of the pod, before or after it is backed up, or after it was restored. */
export class VeleroHook {
  /**
   * A program with its arguments.
   */
  public static command(options: VeleroCommandOptions): VeleroHook {
    return new VeleroHook(options, scope => {
      checkCommand(scope, options.command);
      return { command: options.command };
    });
  }

  /**
   * A shell script. It is mounted into the container from an immutable ConfigMap, whose name changes with the script: a changed script
   * restarts the pods.
   */
  public static script(options: VeleroScriptOptions): VeleroHook {
    return new VeleroHook(options, (scope, kind) => {
      const file = basename(options.path);
      const text = readScript(scope, options.path);
      const command = ['sh', `${hookFolder(kind)}/${file}`, ...(options.arguments ?? [])];
      return { command, text, script: ScriptFolder.of(`velero-hook-${kind}`, { [file]: text }) };
    });
  }

  private constructor(
    private readonly options: VeleroHookOptions,
    private readonly recipe: (scope: IConstruct, kind: string) => { command: string[]; text?: string; script?: ScriptFolder },
  ) {}

  /** @internal */
  public _bind(scope: IConstruct, prop: string, kind: string, containers: string[]): VeleroHookConfig {
    const { container, timeout = Duration.minutes(5), onError = VeleroOnError.FAIL } = this.options;
    const { command, text, script } = this.recipe(scope, kind);
    refuseLocks(scope, `${prop}.${text === undefined ? 'command' : 'path'}`, text ?? command.join(' '));
    hookTimeout(scope, `${prop}.timeout`, timeout);
    return { container: chooseContainer(scope, `${prop}.container`, container, containers), command, onError, timeout, script };
  }
}

function chooseContainer(scope: IConstruct, prop: string, container: string | undefined, containers: string[]): string {
  const [first = ''] = containers;
  if (container === undefined && containers.length === 1) return first;
  if (container === undefined || !containers.includes(container)) {
    throw new InputError(scope, { prop, got: container, because: `name one of the pod's containers: ${containers.join(', ')}` });
  }
  return container;
}

/** @internal */
export function checkCommand(scope: IConstruct, command: string[]): void {
  const refuse = (because: string) => new InputError(scope, { prop: 'command', got: command, because });
  const [program] = command;
  if (program === undefined || program.trim() === '') {
    throw refuse("write the program and its arguments, for example ['redis-cli', 'save']");
  }
  if (/\s/.test(program)) {
    throw refuse(`Velero runs no shell, and there is no program of that name: write ['sh', '-c', ${JSON.stringify(program)}]`);
  }
}

function readScript(scope: IConstruct, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const because = `it cannot be read (${(error as NodeJS.ErrnoException).code}): write the path of a file, for example join(__dirname, 'flush.sh')`;
    throw new InputError(scope, { prop: 'path', got: path, because });
  }
}
