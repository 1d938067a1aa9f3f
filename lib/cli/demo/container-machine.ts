import { spawn, spawnSync } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import type { Machine, Variables } from './machine';
import type { ProgramEnd, Programs } from './programs';

/** Seconds after which the container of a killed demo ends. */
const LIFETIME = 900;

/** The first of these that answers. An installed program may have nothing to talk to. */
export function findContainers(path: string): string | undefined {
  return ['docker', 'podman'].find(program => {
    const { status } = spawnSync(program, ['info'], { env: { ...process.env, PATH: path }, stdio: 'ignore', timeout: 15_000 });
    return status === 0;
  });
}

/** A container of the image that the YAML names, in which all pods run. It has neither a network nor a folder of this machine. */
export class ContainerMachine implements Machine {
  public readonly hasZstd = true;
  public readonly home = '/tmp/demo';
  public readonly words: string;
  private readonly name: string;

  /** @param folder the demo's folder on this machine */
  constructor(
    private readonly programs: Programs,
    private readonly docker: string,
    private readonly image: string,
    public readonly major: string,
    private readonly folder: string,
  ) {
    this.words = `${image} in a container of ${docker}, which fetches it where it is not there yet`;
    this.name = basename(folder).toLowerCase();
  }

  public async start(): Promise<void> {
    const never = ['--rm', '--network=none', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--user=postgres'];
    // A shell takes leave of what a server that has ended leaves behind; `sleep` as the first process would not.
    const wait = `i=0; while [ $i -lt ${LIFETIME} ]; do sleep 1; i=$((i + 1)); done`;
    await this.command('run', '--detach', `--name=${this.name}`, ...never, '--entrypoint=sh', this.image, '-c', wait);
    await this.command('exec', this.name, 'mkdir', '-p', this.home);
  }

  public run(program: string, args: string[], variables: Variables = {}, input?: string | Buffer): Promise<ProgramEnd> {
    // By name: values may be secrets.
    const named = Object.keys(variables).flatMap(name => ['--env', name]);
    const words = [
      'exec',
      ...(input === undefined ? [] : ['--interactive']),
      '--workdir',
      this.home,
      ...named,
      this.name,
      program,
      ...args,
    ];
    const environment = { ...process.env, ...variables };
    return this.programs.run(this.docker, words, { environment, directory: this.folder, input });
  }

  public serve(program: string, args: string[]): void {
    const words = ['exec', '--detach', '--workdir', this.home, this.name, program, ...args];
    spawn(this.docker, words, { detached: true, stdio: 'ignore' }).on('error', () => undefined);
  }

  public async bring(path: string): Promise<void> {
    await this.command('exec', this.name, 'mkdir', '-p', join(this.home, dirname(path)));
    await this.command('cp', join(this.folder, path), `${this.name}:${join(this.home, path)}`);
  }

  public async take(path: string): Promise<void> {
    await this.command('cp', `${this.name}:${join(this.home, path)}`, join(this.folder, path));
  }

  public async clear(): Promise<void> {
    spawnSync(this.docker, ['rm', '--force', this.name], { stdio: 'ignore', timeout: 60_000 });
  }

  private async command(...words: string[]): Promise<void> {
    const { code, stderr } = await this.programs.run(this.docker, words, { environment: process.env, directory: this.folder });
    if (code !== 0) throw new Error(`${this.docker} ${words[0]} failed: ${stderr.trim()}`);
  }
}
