import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve as absolute, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { inEachShell } from '../shell/shells';

// The agent's rules, with a server that is a file: whoever holds the server still has the file locked.

const LOCK = `
client() { exec sh "$TOY/client.sh"; }
lock_take() {
  [ ! -e "$TOY/refuses" ] || { reason='the server refuses'; return 1; }
  session_start client
  session_say lock
  session_expect LOCKED "$QUIESCE_WAIT" || { session_end; return 1; }
}
lock_release() {
  if [ -e "$TOY/stubborn" ]; then rm "$TOY/stubborn"; reason='the server does not answer'; return 2; fi
  session_say held
  session_expect HELD 5 && rc=0 || rc=1
  session_end
  return "$rc"
}
lock_recover() { rm -f "$TOY/left"; }
`;
const CLIENT = `
exec 9>"$TOY/server"
while read -r line; do
  case $line in
    lock) flock 9; echo LOCKED ;;
    held) echo HELD ;;
  esac
done
`;

interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

class Agent {
  readonly toy = mkdtempSync(join(tmpdir(), 'agent-'));
  private readonly state = join(this.toy, 'state');
  process: ChildProcess | undefined;
  log = '';
  private readonly groups: number[] = [];

  constructor(
    private readonly shell: string[],
    private readonly settings: { [variable: string]: string } = {},
  ) {
    mkdirSync(this.state);
    mkdirSync(join(this.toy, 'lock'));
    symlinkSync(absolute('lib/volumes/quiesce'), join(this.toy, 'agent'));
    writeFileSync(join(this.toy, 'lock', 'lock.sh'), LOCK);
    writeFileSync(join(this.toy, 'client.sh'), CLIENT);
  }

  async start(): Promise<this> {
    const said = this.log.length;
    this.process = this.run('agent.sh', []);
    this.groups.push(Number(this.process.pid));
    this.process.stdout?.on('data', data => {
      this.log += data;
    });
    this.process.stderr?.on('data', data => {
      this.log += data;
    });
    await this.until(() => this.log.slice(said).includes('can be held'));
    return this;
  }

  /** Starts hold.sh or release.sh, as an exec session does. */
  run(script: string, args: string[], environment: { [variable: string]: string } = {}): ChildProcess {
    const [program = 'sh', ...options] = this.shell;
    const env = {
      PATH: process.env.PATH,
      TOY: this.toy,
      QUIESCE_NAME: 'the server',
      QUIESCE_HOLDS: 'yes',
      QUIESCE_WAIT: '2',
      QUIESCE_LIMIT: '30',
      QUIESCE_HOME: this.toy,
      QUIESCE_STATE: this.state,
      ...this.settings,
      ...environment,
    };
    return spawn(program, [...options, join(this.toy, 'agent', script), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  }

  hold(owner = 'nightly', environment: { [variable: string]: string } = {}): Promise<Answer> {
    return answer(this.run('hold.sh', [owner], environment));
  }

  renew(owner = 'nightly'): Promise<Answer> {
    return answer(this.run('renew.sh', [owner]));
  }

  release(owner = 'nightly'): Promise<Answer> {
    return answer(this.run('release.sh', [owner]));
  }

  get isHeld(): boolean {
    return spawnSync('flock', ['--nonblock', join(this.toy, 'server'), 'true']).status !== 0;
  }

  /** A server that is busy: the lock is not to be had. */
  async busy(): Promise<() => Promise<unknown>> {
    const holder = spawn('flock', ['--no-fork', join(this.toy, 'server'), 'sleep', '60']);
    await this.until(() => this.isHeld);
    return () => ended(holder, 'SIGKILL');
  }

  client(): number {
    return Number(readFileSync(join(this.state, 'session.pid'), 'utf8'));
  }

  /** What it started and has not waited for. */
  children(): string {
    const pid = this.process?.pid;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  }

  /** The commands of what it started. */
  waitsFor(): string {
    return spawnSync('ps', ['-o', 'args=', '--sid', String(this.process?.pid)], { encoding: 'utf8' }).stdout;
  }

  /** How often it was given a processor: "proc(5)", status. */
  work(): string {
    return /^voluntary_ctxt_switches:.*$/m.exec(readFileSync(`/proc/${this.process?.pid}/status`, 'utf8'))?.[0] ?? '';
  }

  files(): string[] {
    return readdirSync(this.state);
  }

  async until(holds: () => boolean, seconds = 15): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !holds(); await sleep(20)) {
      if (Date.now() > end) throw new Error(`it did not come to pass: ${holds}\n${this.log}`);
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    return this.process ? ended(this.process, signal) : null;
  }

  async destroy(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.end('SIGTERM');
    // In a container they would have ended with it.
    for (const group of this.groups) spawnSync('kill', ['-KILL', '--', `-${group}`]);
    rmSync(this.toy, { recursive: true, force: true });
  }
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const over = new Promise<number | null>(resolve => child.once('exit', resolve));
  child.kill(signal);
  return over;
}

/** As kubectl sees it: it waits until nobody has the output open any more. */
function answer(child: ChildProcess): Promise<Answer> {
  let out = '';
  let err = '';
  child.stdout?.on('data', data => {
    out += data;
  });
  child.stderr?.on('data', data => {
    err += data;
  });
  return new Promise(over => child.once('close', code => over({ code, out, err })));
}

// They mostly wait.
vi.setConfig({ maxConcurrency: 40 });

const agents: Agent[] = [];
afterAll(async () => {
  await Promise.all(agents.map(agent => agent.destroy()));
});

async function start(shell: string[], settings?: { [variable: string]: string }): Promise<Agent> {
  const agent = new Agent(shell, settings);
  agents.push(agent);
  return agent.start();
}

const refused = (because: RegExp): Answer => ({ code: 1, out: '', err: expect.stringMatching(because) });
const done = (what: RegExp): Answer => ({ code: 0, out: expect.stringMatching(what), err: '' });

inEachShell(
  '%s',
  shell => {
    test('a lock outlives who asked for it, and is released by its owner, once', async ({ expect }) => {
      const agent = await start(shell);
      expect(await agent.hold()).toEqual(done(/^quiesce: the server is held, after \d+ s, for 30 s at most\n$/));
      expect(agent.isHeld).toBe(true);
      expect(await agent.hold('hourly')).toEqual(refused(/already held, by nightly for \d+ s: that lock is kept/));
      expect(await agent.release('hourly')).toEqual(refused(/the lock belongs to nightly, and is kept/));
      expect(agent.isHeld).toBe(true);
      expect(await agent.release()).toEqual(done(/the server was held for \d+ s, and goes on/));
      expect(agent.isHeld).toBe(false);
      expect(await agent.release()).toEqual(refused(/no lock is held: it was released at/));
      expect(agent.files()).toEqual(['events']);
      expect(agent.children()).toBe('');
    });

    test('what nobody releases is let go when its time is up, and a release that is late says so', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_LIMIT: '3' });
      await agent.hold();
      await agent.until(() => !agent.isHeld, 5);
      expect(await agent.release()).toEqual(refused(/no lock is held: nobody released it within 3 s \(\d\d:\d\d:\d\d\)/));
      expect(await agent.hold('hourly')).toEqual(done(/is held/));
      expect(await agent.release('hourly')).toEqual(done(/goes on/));
    });

    test('what its owner has to say it still needs, is let go when nothing is heard any more', async ({ expect }) => {
      const agent = await start(shell);
      expect(await agent.renew()).toEqual(refused(/no lock is held: none was taken/));
      const began = Date.now();
      await agent.hold('nightly run-1', { QUIESCE_HEARD: '8' });
      expect(await agent.renew('nightly run-2')).toEqual(refused(/the lock belongs to nightly run-1/));
      while (Date.now() - began < 10_000) {
        expect(await agent.renew('nightly run-1')).toEqual(done(/is held for \d+ s/));
        await sleep(500);
      }
      expect(agent.isHeld).toBe(true);
      await agent.until(() => !agent.isHeld);
      expect(await agent.renew('nightly run-1')).toEqual(refused(/no lock is held: nightly run-1 was not heard of for 8 s/));
      expect(await agent.release('nightly run-1')).toEqual(refused(/no lock is held: nightly run-1 was not heard of for 8 s/));
      // Whoever never says it, is not waited for.
      expect(await agent.hold()).toEqual(done(/is held/));
      expect(agent.waitsFor()).not.toContain('sleep 8');
      expect(await agent.release()).toEqual(done(/goes on/));
      expect(agent.children()).toBe('');
    });

    test('a lock that is not to be had leaves nothing', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_WAIT: '1' });
      writeFileSync(join(agent.toy, 'refuses'), '');
      expect(await agent.hold()).toEqual(refused(/is not held: the server refuses/));
      rmSync(join(agent.toy, 'refuses'));
      const busy = await agent.busy();
      expect(await agent.hold()).toEqual(refused(/is not held: no answer within 1 s/));
      await busy();
      expect(agent.isHeld).toBe(false);
      expect(await agent.release()).toEqual(refused(/no lock is held: none was taken/));
      expect(agent.files()).toEqual(['events']);
    });

    test('an agent without its Secret runs, and says what it lacks and how it gets it', async ({ expect }) => {
      const files = mkdtempSync(join(tmpdir(), 'agent-files-'));
      const references = [
        'USER_OF_SERVER username Secret stock',
        `${files}/ca.crt ca.crt Secret stock-ca`,
        `${files}/client - Secret stock-client`,
      ];
      const settings = { QUIESCE_REFERENCES: references.join('\n') };
      const lacks = (because: RegExp) => ({ ...refused(because), code: 78 });
      const without = await start(shell, settings);
      expect(await without.hold()).toEqual(
        lacks(
          /^quiesce: the server is not held: it has no credentials: Secret stock has no key username, or was missing when the agent started\. Create it, then .*: kubectl exec \S+ -c quiesce -- sh -c 'kill 1'\n$/,
        ),
      );
      expect(without.isHeld).toBe(false);
      expect(await without.release()).toEqual(refused(/no lock is held: none was taken/));
      const agent = await start(shell, { ...settings, USER_OF_SERVER: '' });
      expect(await agent.hold()).toEqual(
        lacks(/: Secret stock-ca has no key ca\.crt, or is missing\. Create it: its file appears by itself/),
      );
      writeFileSync(join(files, 'ca.crt'), '');
      mkdirSync(join(files, 'client', '..data'), { recursive: true });
      expect(await agent.hold()).toEqual(lacks(/: Secret stock-client is missing or empty/));
      writeFileSync(join(files, 'client', 'tls.crt'), '');
      expect(await agent.hold()).toEqual(done(/is held/));
      rmSync(files, { recursive: true });
    });

    test('whoever is killed while it waits, holds nothing', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_WAIT: '20' });
      for (const [signal, what] of [
        ['SIGTERM', 'the caller was'],
        ['SIGKILL', 'the caller was gone before it was held'],
      ] as const) {
        const busy = await agent.busy();
        const hold = agent.run('hold.sh', ['nightly']);
        await agent.until(() => agent.files().includes('session.pid'));
        await ended(hold, signal);
        await busy();
        await agent.until(() => agent.log.includes(what) && !agent.isHeld);
      }
      expect(await agent.release()).toEqual(refused(/no lock is held: the caller/));
    });

    test('a lock that was lost is not called released', async ({ expect }) => {
      const agent = await start(shell);
      await agent.hold();
      process.kill(agent.client(), 'SIGKILL');
      await agent.until(() => agent.log.includes('it was lost'));
      expect(await agent.release()).toEqual(refused(/no lock is held: it was lost: the client ended with 137/));
      await agent.hold();
      process.kill(agent.client(), 'SIGSTOP');
      expect(await agent.release()).toEqual(refused(/was not held all the time, so do not rely on what was copied: no answer within 5 s/));
      expect(agent.isHeld).toBe(false);
    });

    test('what could not be released is tried again', async ({ expect }) => {
      const agent = await start(shell);
      await agent.hold();
      writeFileSync(join(agent.toy, 'stubborn'), '');
      expect(await agent.release()).toEqual(refused(/could not be released; trying again: the server does not answer/));
      await agent.until(() => !agent.isHeld);
      expect(await agent.release()).toEqual(refused(/no lock is held/));
    });

    test('an agent that is stopped releases; one that was killed lets go of what it has left', async ({ expect }) => {
      const agent = await start(shell);
      await agent.hold();
      expect(await agent.end('SIGTERM')).toBe(0);
      expect(agent.isHeld).toBe(false);
      expect(await agent.hold()).toEqual(refused(/the agent has not started yet, or cannot/));
      await agent.start();
      await agent.hold();
      await agent.end('SIGKILL');
      await agent.until(() => !agent.isHeld);
      writeFileSync(join(agent.toy, 'left'), '');
      await agent.start();
      expect(existsSync(join(agent.toy, 'left'))).toBe(false);
      expect(await agent.release()).toEqual(refused(/no lock is held: the container was started again while nightly had it/));
    });

    test('an agent that does not answer keeps nobody waiting, and does nothing for them later', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_WAIT: '1' });
      agent.process?.kill('SIGSTOP');
      expect(await agent.hold()).toEqual(refused(/the agent has not answered within 5 s: see the log of container quiesce/));
      agent.process?.kill('SIGCONT');
      await agent.until(() => agent.log.includes('nightly asked for the lock, but is gone'));
      expect(agent.isHeld).toBe(false);
    });

    test('one hold after the other: no timer that is stopped at once keeps the agent busy', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_WAIT: '60', QUIESCE_LIMIT: '90' });
      const began = Date.now();
      for (let i = 0; i < 10; i += 1) {
        expect(await agent.hold()).toEqual(done(/is held/));
        expect(await agent.release()).toEqual(done(/goes on/));
      }
      expect(Date.now() - began).toBeLessThan(45_000);
    }, 90_000);

    test('what is only prepared holds nothing', async ({ expect }) => {
      const agent = await start(shell, { QUIESCE_HOLDS: 'no' });
      expect(await agent.hold()).toEqual(done(/is prepared, after \d+ s/));
      expect(await agent.release()).toEqual(refused(/no lock is held/));
    });

    test('until something happens, it does nothing', async ({ expect }) => {
      const agent = await start(shell);
      await agent.hold();
      const before = agent.work();
      await sleep(1000);
      expect(agent.work()).toEqual(before);
    });
  },
  true,
);
