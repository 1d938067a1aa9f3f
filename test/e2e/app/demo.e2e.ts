import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { imageNamed, imagesOfDist } from '../support/images';

// The command of the package as it is built, on a laptop: a Debian with PostgreSQL, a user of no rights, and a /tmp.

/** Users that nobody else here is: whatever runs as one of them was started by the demo. */
const USER = 51234;
const IN_CONTAINER = 51235;

const MOUNTS = `
for place in dev; do mount --rbind /$place "$ROOT/$place"; done
mount -t proc proc "$ROOT/proc"
mount --bind "$LAPTOP/tmp" "$ROOT/tmp"
mount --bind "$LAPTOP/passwd" "$ROOT/etc/passwd"
mount -t tmpfs tmpfs "$ROOT/srv"
mkdir "$ROOT/srv/build" "$ROOT/srv/node_modules" "$ROOT/srv/bin"
touch "$ROOT/srv/node"
mount --bind "$BUILD" "$ROOT/srv/build"
mount --bind "$MODULES" "$ROOT/srv/node_modules"
mount --bind "$LAPTOP/bin" "$ROOT/srv/bin"
mount --bind "$NODE" "$ROOT/srv/node"
[ "$POSTGRES" = yes ] || mount -t tmpfs tmpfs "$ROOT/usr/lib/postgresql"
exec chroot --userspec="$USER:$USER" "$ROOT" env -i PATH=/srv/bin:/usr/bin:/bin /srv/node /srv/build/lib/cli/cdk8s-backup.js "$@"
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let root: string;
let build: string;
let laptop: string;
let started: ChildProcess[];

beforeAll(async () => {
  root = imageNamed(await imagesOfDist(), 'postgres:15.19-bookworm').root;
  build = mkdtempSync(join(tmpdir(), 'demo-build-'));
  execFileSync(process.execPath, ['lib/build.mjs', build]);
  chmodSync(build, 0o755);
}, 900_000);
afterAll(() => rmSync(build, { recursive: true, force: true }));

beforeEach(() => {
  laptop = mkdtempSync(join(tmpdir(), 'laptop-'));
  chmodSync(laptop, 0o755);
  for (const folder of ['tmp', 'bin']) mkdirSync(join(laptop, folder));
  chmodSync(join(laptop, 'tmp'), 0o1777);
  writeFileSync(
    join(laptop, 'passwd'),
    `root:x:0:0::/:/bin/sh\nlaptop:x:${USER}:${USER}::/tmp:/bin/sh\npostgres:x:${IN_CONTAINER}:${IN_CONTAINER}::/tmp:/bin/sh\n`,
  );
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  for (const pid of [...processesOf(USER), ...processesOf(IN_CONTAINER)]) process.kill(pid, 'SIGKILL');
  rmSync(laptop, { recursive: true, force: true, maxRetries: 5 });
});

function begin(
  args: string[],
  { user = USER, postgres = 'yes' } = {},
): { child: ChildProcess; ended: Promise<Ended>; shown: () => string } {
  const modules = realpathSync('node_modules');
  const env = {
    PATH: process.env.PATH,
    ROOT: root,
    LAPTOP: laptop,
    BUILD: build,
    MODULES: modules,
    NODE: process.execPath,
    USER: `${user}`,
    POSTGRES: postgres,
  };
  // Each of these becomes the next, so that a signal reaches the command itself.
  const child = spawn('unshare', ['--mount', 'sh', '-ec', MOUNTS, 'sh', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  return { child, shown: () => stdout, ended: new Promise(resolve => child.on('close', code => resolve({ code, stdout, stderr }))) };
}

function run(args: string[], options = {}): Promise<Ended> {
  return begin(args, options).ended;
}

/** A program of the laptop, before all others of that name. */
function program(name: string, text: string): void {
  writeFileSync(join(laptop, 'bin', name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(laptop, 'bin', name), 0o755);
}

function processesOf(user: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return pid > 0 && status.includes(`\nUid:\t${user}\t`) && !status.includes('\nState:\tZ');
      } catch {
        return false;
      }
    });
}

function expectNothingLeft(): void {
  expect(readdirSync(join(laptop, 'tmp'))).toEqual([]);
  expect([...processesOf(USER), ...processesOf(IN_CONTAINER)]).toEqual([]);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 300_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

function untilVerifying(): Promise<void> {
  return until('the server of the verification is up', () => {
    // By a program that passes over what goes meanwhile, as what a backup has staged does.
    const pid = ['-path', '*/workbench/server/data/postmaster.pid'];
    return spawnSync('find', [join(laptop, 'tmp'), ...pid], { encoding: 'utf8' }).stdout !== '';
  });
}

function verdicts(stdout: string): object[] {
  return [...stdout.matchAll(/^ *[\d.]+ s +(\{"what":.*\})$/gm)].map(([, line = '']) => JSON.parse(line));
}

function expectStory({ code, stdout, stderr }: Ended): void {
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(verdicts(stdout)).toEqual([
    expect.objectContaining({ what: 'backup', verdict: 'published', reason: '' }),
    expect.objectContaining({ what: 'verify', verdict: 'verified', reason: '' }),
    expect.objectContaining({ what: 'verify', verdict: 'failed', reason: expect.stringContaining('does not match its checksum') }),
    expect.objectContaining({ what: 'restore', verdict: 'restored', reason: '' }),
  ]);
  const tables = [...stdout.matchAll(/^ +(\w+) +(\d+) +(\d+) +([0-9a-f]{12}) = ([0-9a-f]{12})$/gm)];
  expect(tables.map(([, table, before]) => [table, before])).toEqual([
    ['customers', '500'],
    ['order_lines', '12000'],
    ['orders', '4000'],
    ['products', '80'],
  ]);
  for (const [, , before, after, sum, sumAfter] of tables) expect([after, sumAfter]).toEqual([before, sum]);
  expect(stdout).toContain('everything came back, row for row');
  expect(stdout).toMatch(/^Next: \S*docs\/quick-start\.md /m);
}

test('a shop is backed up, verified, lost and restored by a user of no rights, and nothing is left', async () => {
  const ended = await run(['demo']);
  expectStory(ended);
  expect(ended.stdout).toContain('PostgreSQL 15 of this machine (/usr/lib/postgresql/15/bin)');
  expectNothingLeft();
});

test('--keep leaves what the words name, and no process', async () => {
  const { code, stdout } = await run(['demo', '--keep']);
  expect(code).toBe(0);
  const [, yaml = ''] = /plan synthesized: (\S+)/.exec(stdout) ?? [];
  const [kept = ''] = readdirSync(join(laptop, 'tmp'));
  expect(yaml).toBe(`/tmp/${kept}/dist/shop.k8s.yaml`);
  expect(stdout).toContain(`/tmp/${kept} is kept`);
  expect(readFileSync(join(laptop, yaml), 'utf8')).toContain('name: orders-restore');
  const series = join(laptop, 'tmp', kept, 'claims/backups/orders');
  const [point = ''] = readdirSync(series).filter(name => /^\d/.test(name));
  execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(series, point) });
  // Nobody but its user reads what was in the database.
  expect(statSync(join(laptop, 'tmp', kept)).mode & 0o77).toBe(0);
  expect([...processesOf(USER)]).toEqual([]);
});

test('a backup that fails ends it, with the reason, and nothing is left', async () => {
  program('zstd', 'echo "zstd: no memory of that" >&2; exit 1');
  const { code, stdout, stderr } = await run(['demo']);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^cdk8s-backup demo: failed: the verdict is 'failed' and should be 'published': storing \S+ failed: .*no memory of that/,
  );
  expect(stdout).not.toContain('everything came back');
  expectNothingLeft();
});

test('a verification that does not find the damage ends it', async () => {
  // Nothing is a wrong checksum to this one: what finds the flipped bit after it, finds it by accident.
  program('sha256sum', 'if [ "$1" = -c ]; then exit 0; fi; exec /usr/bin/sha256sum "$@"');
  const { code, stdout, stderr } = await run(['demo']);
  expect(stdout).toContain('one bit of the stored dump is flipped');
  expect(stdout).not.toContain('Disaster');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^cdk8s-backup demo: failed: (the flipped bit was not found: |the verdict is 'verified' and should be 'failed')/);
  expectNothingLeft();
});

test('a row that is not there after the restore ends it', async () => {
  // By this the operation is started: what follows it comes after the restore has said that it is good.
  const lose = `psql -qd orders -c 'delete from order_lines where "order" = 1 and line = 3'`;
  program('setsid', `/usr/bin/setsid "$@" || exit; [ "$OPERATION" != restore ] || ${lose}`);
  const { code, stdout, stderr } = await run(['demo']);
  expect(verdicts(stdout).at(-1)).toMatchObject({ verdict: 'restored' });
  expect(stdout).toMatch(/^ +order_lines +12000 +11999 +[0-9a-f]{12} ≠ [0-9a-f]{12}$/m);
  expect(code).toBe(1);
  expect(stderr).toBe('cdk8s-backup demo: failed: the restored data differs from what was there\n');
  expect(stdout).not.toContain('row for row');
  expectNothingLeft();
});

test.each([
  ['SIGINT', 130, 'listens'],
  ['SIGTERM', 143, 'listens'],
  ['SIGQUIT', 131, 'does not listen'],
] as const)(
  '%s while a throw-away server is up ends all (exit code %i), of an operation that %s, and nothing is left',
  async (signal, expected, how) => {
    // What is ignored is ignored by all children as well.
    if (how === 'does not listen') program('setsid', `trap '' TERM; exec /usr/bin/setsid "$@"`);
    const { child, ended } = begin(['demo']);
    await untilVerifying();
    child.kill(signal);
    const { code, stderr, stdout } = await ended;
    expect(stderr).toBe('cdk8s-backup demo: stopped\n');
    expect(code).toBe(expected);
    expect(stdout).not.toContain('"verdict":"verified"');
    expectNothingLeft();
  },
);

test('killed without a word while a throw-away server is up: all ends, and nothing is left', async () => {
  const { child } = begin(['demo']);
  await untilVerifying();
  child.kill('SIGKILL');
  await until('nothing is left', () => readdirSync(join(laptop, 'tmp')).length + processesOf(USER).length === 0);
});

test('nobody reads what it shows any more: nothing is left', async () => {
  const { child, ended, shown } = begin(['demo']);
  await until('it has begun', () => shown().includes('plan synthesized'));
  child.stdout?.destroy();
  expect((await ended).code).toBe(141);
  expectNothingLeft();
});

test('where there is no PostgreSQL it says what to install', async () => {
  const { code, stdout, stderr } = await run(['demo'], { postgres: 'no' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^cdk8s-backup demo: failed: there is no PostgreSQL 14 to 18 here, .*apt install postgresql.*\n$/);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expectNothingLeft();
});

test('root is told who may run it', async () => {
  const { code, stderr } = await run(['demo'], { user: 0 });
  expect(code).toBe(1);
  expect(stderr).toContain('PostgreSQL refuses to run as root');
  expectNothingLeft();
});

/** What Docker does, as far as the demo asks: its container is the same Debian, with another user, and with the variables that are named. */
const DOCKER = `
printf '%s\\n' "$*" >>/tmp/docker.log
word=$1; shift
case $word in
  info) ;;
  run) mkdir /tmp/container ;;
  cp)
    case $2 in *:*) set -- "$1" "\${2#*:}" ;; *) set -- "\${1#*:}" "$2" ;; esac
    exec cp -r "$1" "$2" ;;
  exec)
    names= beside=
    while :; do
      case $1 in
        --env) names="$names $2"; shift 2 ;;
        --workdir) cd "$2"; shift 2 ;;
        --interactive) shift ;;
        --detach) beside=yes; shift ;;
        *) break ;;
      esac
    done
    shift
    for name in $names; do eval "value=\\$$name"; set -- "$name=$value" "$@"; done
    set -- setpriv --reuid=${IN_CONTAINER} --regid=${IN_CONTAINER} --clear-groups env -i PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin "$@"
    [ -z "$beside" ] || { setsid "$@" >/dev/null 2>&1 & exit 0; }
    exec "$@" ;;
  rm)
    for process in /proc/[0-9]*; do
      [ "$(stat -c %u "$process" 2>/dev/null)" != ${IN_CONTAINER} ] || kill -KILL "\${process#/proc/}" || :
    done 2>/dev/null
    rm -rf /tmp/demo /tmp/container ;;
  *) exit 1 ;;
esac`;

test('in a container it is the same, and no secret is an argument', async () => {
  program('docker', DOCKER);
  const ended = await run(['demo', '--keep'], { user: 0 });
  expectStory(ended);
  expect(ended.stdout).toMatch(/postgres:17\.\S+ in a container of docker, /m);
  const calls = readFileSync(join(laptop, 'tmp/docker.log'), 'utf8');
  expect(calls).toMatch(/^run .*--network=none .*--user=postgres .*postgres:17\./m);
  expect(calls).toMatch(/^exec .*--env PGPASSWORD .*sh \/tmp\/demo\/scripts\/p1\/backup\/opt\/backup\/shell\/run\.sh backup$/m);
  expect(calls).not.toMatch(/[0-9a-f]{36}/);
  const [kept = ''] = readdirSync(join(laptop, 'tmp')).filter(name => name.startsWith('cdk8s-backup-demo-'));
  expect(readdirSync(join(laptop, 'tmp', kept, 'claims/backups/orders')).some(name => /^\d/.test(name))).toBe(true);
  rmSync(join(laptop, 'tmp', kept), { recursive: true });
  rmSync(join(laptop, 'tmp/docker.log'));
  expectNothingLeft();
});
