import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Executed } from '../../../rehearsal';
import { until } from '../../support/rehearse';

/** A file system of its own, and the agent that freezes it, as root on this machine: no sandbox may freeze anything. */
export class FrozenVolume {
  readonly directory = mkdtempSync(join(tmpdir(), 'e2e-freeze-'));
  readonly disk = join(this.directory, 'disk');
  readonly volume = join(this.directory, 'volume');
  private readonly view = join(this.directory, 'view');
  private readonly children: ChildProcess[] = [];
  private agent: ChildProcess | undefined;
  log = '';

  constructor(private readonly settings: { [variable: string]: string }) {
    for (const path of [this.volume, this.view, join(this.directory, 'state')]) mkdirSync(path);
    execFileSync('truncate', ['--size=32M', this.disk]);
    execFileSync('mkfs.ext4', ['-q', this.disk]);
    execFileSync('mount', ['-o', 'loop', this.disk, this.volume]);
    // As the container mounts it.
    execFileSync('mount', ['--bind', '-o', 'ro', this.volume, this.view]);
    symlinkSync(resolve('lib/volumes/quiesce'), join(this.directory, 'agent'));
    symlinkSync(resolve('lib/volumes/quiesce/file-system'), join(this.directory, 'lock'));
  }

  async start(volume = this.view): Promise<void> {
    const said = this.log.length;
    this.agent = this.run(['sh', join(this.directory, 'agent', 'agent.sh')], volume);
    for (const stream of [this.agent.stdout, this.agent.stderr]) {
      stream?.on('data', text => {
        this.log += text;
      });
    }
    await until('the agent is there', () => this.log.slice(said).includes('can be held'));
  }

  ask(script: string): { readonly child: ChildProcess; readonly ended: Promise<Executed> } {
    const child = this.run(['sh', join(this.directory, 'agent', `${script}.sh`), 'quiesce'], this.view);
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.on('data', text => {
        said[stream] += text;
      });
    }
    return { child, ended: new Promise(done => child.once('close', code => done({ exitCode: code ?? 137, ...said }))) };
  }

  /** Eight processes, each of which appends to a file of its own. */
  write(): void {
    for (let i = 0; i < 8; i += 1)
      this.run(['sh', '-c', 'while :; do echo line >>"$1"; sleep 0.01; done', 'sh', join(this.volume, `file-${i}`)], '');
  }

  async isFrozen(): Promise<boolean> {
    // Reads go on.
    const size = () => execFileSync('sh', ['-c', 'cat "$1"/file-* | wc -c', 'sh', this.volume], { encoding: 'utf8' });
    const before = size();
    await new Promise(done => setTimeout(done, 400));
    return size() === before;
  }

  async kill(): Promise<void> {
    const { agent } = this;
    const ended = new Promise(done => agent?.once('exit', done));
    agent?.kill('SIGKILL');
    await ended;
  }

  /** What file system checkers say of a copy of the disk. */
  check(copy: string): number | null {
    return spawnSync('e2fsck', ['-f', '-n', copy]).status;
  }

  destroy(): void {
    spawnSync('fsfreeze', ['--unfreeze', this.volume]);
    for (const { pid } of this.children) spawnSync('kill', ['-KILL', '--', `-${pid}`]);
    for (const path of [this.view, this.volume]) spawnSync('umount', ['--lazy', path]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  private run(argv: string[], volume: string): ChildProcess {
    const [program = '', ...rest] = argv;
    const env = {
      PATH: process.env.PATH,
      QUIESCE_NAME: 'file-system',
      QUIESCE_HOLDS: 'yes',
      QUIESCE_HOME: this.directory,
      QUIESCE_STATE: join(this.directory, 'state'),
      VOLUME: volume,
      ...this.settings,
    };
    const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.children.push(child);
    return child;
  }
}
