import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AWKS } from '../shell/awk';
import { inEachShell } from '../shell/shells';
import { linkShell } from '../support/shell-folder';

// The notifier's scripts as they are, with a kubectl that answers from files, and with the real curl and receivers of HTTPS.

let authority: string;
beforeAll(() => {
  authority = mkdtempSync(join(tmpdir(), 'authority-'));
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: authority, stdio: 'pipe' });
  const make = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ];
  openssl(...make, '-addext', 'subjectAltName=DNS:localhost', '-keyout', 'server.key', '-out', 'server.crt');
});
afterAll(() => rmSync(authority, { recursive: true }));

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Receives, and answers as a test says: as long as it says nothing, with 200. */
class Receiver {
  readonly asked: Asked[] = [];
  answer: (asked: Asked, response: ServerResponse) => void = (_, response) => response.end('ok');
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const read = (name: string) => readFileSync(join(authority, name));
    const server = createServer({ key: read('server.key'), cert: read('server.crt') });
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', part => {
        body += part;
      });
      request.on('end', () => {
        const asked = { path: request.url ?? '', headers: request.headers, body };
        receiver.asked.push(asked);
        receiver.answer(asked, response);
      });
    });
    server.on('secureConnection', socket => receiver.sockets.add(socket));
    await new Promise<void>(done => server.listen(0, 'localhost', done));
    return receiver;
  }

  url(path: string): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}${path}`;
  }

  status(code: number, headers: { [name: string]: string } = {}): void {
    this.answer = (_, response) => response.writeHead(code, headers).end();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise(done => this.server.close(done));
  }
}

/** A job's rows, as kubectl's templates write them. */
interface MadeJob {
  readonly uid?: string;
  readonly name: string;
  readonly series?: string;
  readonly operation?: string;
  readonly owner?: string;
  readonly begun?: string;
  readonly ended?: string;
  readonly failed?: string;
  readonly words?: string;
  /** Rows of its pod, without the first columns. */
  readonly pod?: { readonly phase: string; readonly reason?: string; readonly words?: string; readonly rows?: string[][] };
}

const quoted = (text: string) => JSON.stringify(text);

function rowsOf(job: MadeJob): { jobs: string[][]; pods: string[][] } {
  const {
    name,
    uid = `uid-of-${name}`,
    series = 'orders',
    operation = 'backup',
    owner = 'orders-backup',
    begun = '2025-01-01T00:00:00Z',
  } = job;
  const { ended, failed, words = '', pod } = job;
  return {
    jobs: [
      ['S', uid, series, operation],
      ['J', uid, name, begun, begun, '-', '0'],
      ...(owner ? [['O', uid, owner, `uid-of-${owner}`]] : []),
      ...(failed ? [['E', uid, 'Failed', failed, ended ?? '', quoted(words)]] : []),
      ...(ended && !failed
        ? [
            ['E', uid, 'Complete', '-', ended, '""'],
            ['T', uid, ended],
          ]
        : []),
    ],
    pods: pod
      ? [
          ['P', uid, `${name}-pod`, begun, pod.phase, pod.reason ?? '-', quoted(pod.words ?? '')],
          ...(pod.rows ?? []).map(([kind = '', ...row]) => [kind, uid, `${name}-pod`, ...row]),
        ]
      : [],
  };
}

const table = (rows: string[][]) => rows.map(row => `${row.join('\t')}\n`).join('');

/** A result line, as run.sh leaves it. */
const result = (verdict: string, reason = '', id = '') =>
  `{"what":"backup","series":"orders","id":"${id}","bytes":12,"seconds":3,"restoreSeconds":null,"verdict":"${verdict}","reason":"${reason}"}\n`;
const container = (state: string, reason: string, code: string, words: string) => ['C', 'backup', state, reason, code, quoted(words)];

let directory: string;
let receiver: Receiver;
let running: ChildProcess | undefined;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'notifier-'));
  receiver = await Receiver.start();
  for (const folder of ['home', 'bin', 'scratch', 'routes', 'secrets', 'api']) mkdirSync(join(directory, folder));
  linkShell(join(directory, 'home/shell'));
  symlinkSync(resolve('lib/kubernetes/kubectl'), join(directory, 'home/api'));
  symlinkSync(resolve('lib/observability/notifier'), join(directory, 'home/notifier'));
  // It keeps what is created and patched, and gives back what was patched.
  const kubectl = [
    '#!/bin/sh',
    `cd '${directory}/api'`,
    'case $1 in --request-timeout*) shift ;; esac',
    'echo "$*" >>asked',
    '[ ! -e fails ] || { cat fails >&2; exit 1; }',
    'case "$1 $2" in',
    '"get jobs") cat jobs ;;',
    '"get pods") cat pods ;;',
    '"get configmap") [ ! -e lost ] || { echo "Error from server (NotFound): configmaps not found" >&2; exit 1; }',
    '  echo "= made $(cat made)"; for file in told since last; do echo "= $file"; cat "state.$file" 2>/dev/null || :; done ;;',
    '"patch configmap") [ ! -e lost ] || { echo "Error from server (NotFound): configmaps not found" >&2; exit 1; }',
    '  patch=$SCRATCH/$(echo "$*" | sed s/.*--patch-file=//)',
    '  node -e \'const { data } = JSON.parse(require("fs").readFileSync(process.argv[1])); for (const [file, lines] of Object.entries(data)) require("fs").writeFileSync("state." + file, lines)\' "$patch" ;;',
    '"create --validate=false") name=$(sed -n "s/.*\\"metadata\\":{\\"name\\":\\"\\([^\\"]*\\)\\".*/\\1/p" "$SCRATCH/$4")',
    '  [ ! -e "event.$name" ] || { echo "Error from server (AlreadyExists): events already exists" >&2; exit 1; }',
    '  cp "$SCRATCH/$4" "event.$name" ;;',
    'esac',
  ];
  writeFileSync(join(directory, 'bin/kubectl'), `${kubectl.join('\n')}\n`);
  chmodSync(join(directory, 'bin/kubectl'), 0o755);
  writeFileSync(join(directory, 'api/made'), '2020-01-01T00:00:00Z');
  jobs();
});
afterEach(async () => {
  await stop('SIGKILL');
  await receiver.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** What the cluster has from now on. */
function jobs(...all: MadeJob[]): void {
  const rows = all.map(rowsOf);
  writeFileSync(join(directory, 'api/jobs'), table(rows.flatMap(each => each.jobs)));
  writeFileSync(join(directory, 'api/pods'), table(rows.flatMap(each => each.pods)));
}

interface Channel {
  readonly id: string;
  readonly kind: string;
  readonly url: string;
  readonly outcomes?: string;
  readonly operations?: string;
  readonly key?: string;
  readonly proxy?: string;
  readonly ca?: string;
}

function channels(...all: Channel[]): void {
  const ca = join(authority, 'server.crt');
  writeFileSync(
    join(directory, 'routes/channels'),
    table(all.map(({ id, kind, proxy = '-', key, ca: own = ca }) => [id, kind, proxy, own, key ? 'yes' : '-'])),
  );
  writeFileSync(
    join(directory, 'routes/routes'),
    table(all.map(({ id, outcomes = 'failure,recovery,success', operations = '*' }) => ['orders', id, outcomes, operations])),
  );
  for (const { id, url, key } of all) {
    mkdirSync(join(directory, 'secrets', id), { recursive: true });
    // Editors leave a line break.
    writeFileSync(join(directory, 'secrets', id, 'url'), `${url}\n`);
    if (key) writeFileSync(join(directory, 'secrets', id, 'key'), key);
  }
}

const environment = (more: { [name: string]: string } = {}): NodeJS.ProcessEnv => ({
  PATH: `${join(directory, 'bin')}:${process.env.PATH}`,
  BACKUP_HOME: join(directory, 'home'),
  SCRATCH: join(directory, 'scratch'),
  TOOLS: join(directory, 'bin'),
  NAMESPACE: 'shop',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  NOTIFIER_EVERY: '1',
  NOTIFIER_TIMEOUT: '60',
  NOTIFIER_STATE: 'backup-notifier-state',
  NOTIFIER_ROUTES: join(directory, 'routes'),
  NOTIFIER_ADDRESSES: join(directory, 'secrets'),
  NOTIFIER_FIRST_WAIT: '1',
  ...more,
});

let log = '';
function start(shell: string[], more: { [name: string]: string } = {}): void {
  const [command = 'sh', ...words] = shell;
  log = '';
  // Whatever it starts by the name sh is that shell, too.
  writeFileSync(join(directory, 'bin/sh'), `#!/bin/bash\nexec ${shell.join(' ')} "$@"\n`);
  chmodSync(join(directory, 'bin/sh'), 0o755);
  running = spawn(command, [...words, join(directory, 'home/notifier/notifier.sh')], {
    env: environment(more),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.stderr?.on('data', part => {
    log += part;
  });
}

/** Ends it, and what it has started, as a container ends. */
async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (!running) return;
  const { pid = 0 } = running;
  running.kill(signal);
  if (running.exitCode === null && running.signalCode === null) await new Promise(done => running?.on('exit', done));
  running = undefined;
  const isThere = (sent: NodeJS.Signals | 0) => {
    try {
      return process.kill(-pid, sent);
    } catch {
      return false;
    }
  };
  isThere('SIGKILL');
  await until('all of it has ended', () => !isThere(0));
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const limit = Date.now() + 60_000; !holds(); await sleep(50)) {
    if (Date.now() > limit) throw new Error(`waited in vain until ${what}\n${log}`);
  }
}

/** Waits for whole rounds, in which nothing new comes. */
async function rounds(count = 2): Promise<void> {
  const looks = () => requests().filter(line => line.startsWith('get pods')).length;
  const before = looks();
  await until('it has gone round', () => looks() > before + count);
}

const requests = () => (existsSync(join(directory, 'api/asked')) ? readFileSync(join(directory, 'api/asked'), 'utf8').split('\n') : []);
const events = () =>
  readdirSync(join(directory, 'api'))
    .filter(name => name.startsWith('event.'))
    .map(name => JSON.parse(readFileSync(join(directory, 'api', name), 'utf8')));
const bodies = () => receiver.asked.map(({ body }) => JSON.parse(body));
const ready = (script = 'ready') =>
  spawnSync('sh', [join(directory, `home/notifier/${script}.sh`)], { env: environment({ NOTIFIER_PATIENCE: '0' }) }).status === 0;

const FAILED: MadeJob = {
  ...{ name: 'orders-backup-1', ended: '2025-01-01T00:01:00Z', failed: 'BackoffLimitExceeded' },
  pod: {
    phase: 'Failed',
    rows: [container('terminated', 'Error', '1', `a line of a log\n${result('failed', 'the \\"server\\" is gone & <away>')}`)],
  },
};
const GOOD: MadeJob = {
  ...{ name: 'orders-backup-2', ended: '2025-01-02T00:01:00Z' },
  pod: { phase: 'Succeeded', rows: [container('terminated', 'Completed', '0', result('published', '', '20250102T000000Z-aaaaa'))] },
};
const hook = (path = '/hook/s3cret'): Channel => ({ id: 'webhook-1', kind: 'webhook', url: receiver.url(path) });

inEachShell('a notifier, in %s', shell => {
  test('tells what a job has said, once, and again nothing after a restart', async () => {
    channels(hook(), { id: 'slack-1', kind: 'slack', url: receiver.url('/slack/s3cret'), outcomes: 'failure,recovery' });
    jobs(FAILED);
    start(shell);
    await until('both are told', () => receiver.asked.length === 2 && events().length === 1);
    const of = (path: string) => receiver.asked.filter(each => each.path === path).map(({ body }) => JSON.parse(body));
    expect(of('/hook/s3cret')).toMatchObject([
      {
        ...{ version: 1, id: 'uid-of-orders-backup-1/end', outcome: 'failure', namespace: 'shop', series: 'orders', operation: 'backup' },
        ...{
          cronJob: 'orders-backup',
          job: 'orders-backup-1',
          cause: 'Failed',
          verdict: 'failed',
          reason: 'the "server" is gone & <away>',
        },
        ...{ recoveryPoint: null, bytes: 12, seconds: 3, cluster: null, ended: '2025-01-01T00:01:00Z' },
      },
    ]);
    expect(of('/slack/s3cret')[0].text).toBe(
      ':x: *orders-backup* in shop has failed: the "server" is gone &amp; &lt;away&gt;\n`kubectl -n shop describe job orders-backup-1`',
    );
    expect(events()).toMatchObject([
      {
        ...{
          kind: 'Event',
          reason: 'BackupJobFailed',
          type: 'Warning',
          message: 'orders-backup-1 has failed: the "server" is gone & <away>',
        },
        involvedObject: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'orders-backup', uid: 'uid-of-orders-backup', namespace: 'shop' },
      },
    ]);
    await until('it is ready', () => ready());
    expect(ready('alive')).toBe(true);
    await stop();
    expect(readFileSync(join(directory, 'api/state.told'), 'utf8').split('\n')).toHaveLength(4);
    // A pod that is made anew has an empty scratch volume.
    rmSync(join(directory, 'scratch'), { recursive: true });
    mkdirSync(join(directory, 'scratch'));
    jobs(FAILED, GOOD);
    start(shell);
    await until('what is new is told', () => receiver.asked.length === 4);
    await rounds();
    expect(receiver.asked).toHaveLength(4);
    expect(of('/hook/s3cret')[1]).toMatchObject({
      outcome: 'recovery',
      verdict: 'published',
      recoveryPoint: '20250102T000000Z-aaaaa',
      cause: null,
    });
    expect(of('/slack/s3cret')[1].text).toBe(
      ':white_check_mark: *orders-backup* in shop succeeds again: published 20250102T000000Z-aaaaa, 12 bytes, in 3 s',
    );
    expect(log).not.toMatch(/s3cret/);
    expect(requests().join('\n')).not.toMatch(/server|s3cret/);
  });

  test('tells channels that can be reached while others hang, break off or refuse', async () => {
    const kinds = ['hangs', 'breaks', 'fails', 'moved', 'untrusted', 'unknown', 'plain'];
    channels(hook(), ...kinds.map(id => ({ id, kind: 'slack', url: receiver.url(`/${id}`) })), {
      id: 'unheard',
      kind: 'slack',
      url: 'https://nobody.invalid/s3cret',
    });
    writeFileSync(join(directory, 'secrets/plain/url'), 'http://localhost/s3cret');
    rmSync(join(directory, 'secrets/unknown/url'));
    const lines = readFileSync(join(directory, 'routes/channels'), 'utf8').replace(
      /^untrusted\tslack\t-\t.*$/m,
      'untrusted\tslack\t-\t-\t-',
    );
    writeFileSync(join(directory, 'routes/channels'), lines);
    receiver.answer = ({ path }, response) => {
      if (path === '/hangs') return;
      if (path === '/breaks') response.destroy();
      else if (path === '/fails') response.writeHead(500).end('s3cret');
      else if (path === '/moved') response.writeHead(302, { location: receiver.url('/elsewhere') }).end();
      else response.end();
    };
    jobs(FAILED);
    start(shell);
    await until('what can be told is told', () => receiver.asked.some(({ path }) => path === '/hook/s3cret') && events().length === 1);
    for (const [id, why] of [
      ['breaks', 'broke off|exit code 52'],
      ['fails', 'answered with the status 500'],
      ['moved', 'answered with the status 302, a redirection, which is not followed'],
      ['untrusted', 'its certificate is signed by nobody who is trusted'],
      ['unknown', 'its Secret, or the key with its address, is not there'],
      ['plain', 'does not begin with https://'],
      ['unheard', 'its host cannot be resolved'],
    ]) {
      await until(`${id} is known not to be told`, () =>
        new RegExp(`WARNING: ${id} is not told of orders-backup-1 yet, .*(${why})`).test(log),
      );
    }
    jobs(FAILED, GOOD);
    await until('it goes on', () => receiver.asked.filter(({ path }) => path === '/hook/s3cret').length === 2);
    expect(receiver.asked.filter(({ path }) => path === '/elsewhere')).toEqual([]);
    expect(log).not.toMatch(/s3cret|localhost/);
    expect(existsSync(join(directory, 'scratch/failing/hangs'))).toBe(false);
    expect(ready('alive')).toBe(true);
  });

  test('tries again with longer waits, as long as the receiver asks for, until it is taken', async () => {
    channels(hook());
    receiver.status(429, { 'Retry-After': '7' });
    jobs(FAILED);
    start(shell);
    await until('it waits as it was asked', () => /for the 1\. time: it answered with the status 429. It is tried again in 7 s/.test(log));
    await stop();
    receiver.status(500);
    const tries = join(directory, 'scratch/tries');
    for (const name of readdirSync(tries)) writeFileSync(join(tries, name), `3 0 ${Math.floor(Date.now() / 1000)}\n`);
    start(shell);
    await until('it waits longer', () => /for the 4\. time: it answered with the status 500. It is tried again in 8 s/.test(log));
    expect(receiver.asked).toHaveLength(2);
    for (const name of readdirSync(tries)) writeFileSync(join(tries, name), `3 0 ${Math.floor(Date.now() / 1000)}\n`);
    receiver.status(204);
    await until('it is taken', () => receiver.asked.length === 3 && /webhook-1 is told of orders-backup-1/.test(log));
    await rounds();
    expect(receiver.asked).toHaveLength(3);
  });

  test('gives up what nobody will ever take, and what is too old; the next one is told', async () => {
    channels(hook());
    receiver.status(400);
    jobs(FAILED);
    start(shell);
    await until('it gives up', () =>
      /ERROR: webhook-1 is not told of orders-backup-1, which is given up: it answered with the status 400/.test(log),
    );
    await rounds();
    expect(receiver.asked).toHaveLength(1);
    receiver.status(503);
    jobs(FAILED, GOOD);
    await until('it is tried', () => receiver.asked.length > 1);
    await stop();
    start(shell, { NOTIFIER_GIVE_UP: '0' });
    await until('it gives up', () =>
      /ERROR: webhook-1 is not told of orders-backup-2, which is given up: it answered with the status 503/.test(log),
    );
    receiver.status(200);
    jobs(FAILED, GOOD, { ...FAILED, name: 'orders-backup-3', ended: '2025-01-03T00:00:00Z' });
    await until('the next is told', () => /webhook-1 is told of orders-backup-3/.test(log));
  });

  test('signs what it sends, and pings each job by a name of its own', async () => {
    const key = `${'k'.repeat(70)}-ö`;
    channels({ ...hook(), key }, { id: 'ping-1', kind: 'ping', url: receiver.url('/ping/'), outcomes: 'start,failure,recovery,success' });
    const { ended: _, failed: __, pod: ___, ...begun } = FAILED;
    jobs({ ...begun, owner: 'orders.eu-backup', pod: { phase: 'Running' } });
    start(shell);
    await until('its begin is told', () => receiver.asked.length === 1);
    jobs({ ...FAILED, owner: 'orders.eu-backup' });
    await until('its end is told', () => receiver.asked.length === 3);
    const pings = receiver.asked.filter(({ path }) => path.startsWith('/ping/'));
    expect(pings.map(({ path }) => path)).toEqual([
      '/ping/shop-orders-eu-backup/start?rid=uid-of-orders-backup-1',
      '/ping/shop-orders-eu-backup/fail?rid=uid-of-orders-backup-1',
    ]);
    expect(pings[1]?.body).toBe('orders.eu-backup in shop has failed: the "server" is gone & <away>\n');
    const { headers, body } = receiver.asked.find(({ path }) => path === '/hook/s3cret') as Asked;
    const time = String(headers['x-backup-timestamp']);
    expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(3600);
    expect(headers['x-backup-signature']).toBe(`sha256=${createHmac('sha256', key).update(`${time}.${body}`).digest('hex')}`);
    expect(headers['content-type']).toBe('application/json');
  });

  test('writes down what is being told when it is ended, and tells it once', async () => {
    channels(hook());
    let answer = () => {};
    receiver.answer = (____, response) => {
      answer = () => response.end();
    };
    jobs(FAILED);
    start(shell);
    await until('it is asked', () => receiver.asked.length === 1);
    running?.kill('SIGTERM');
    answer();
    await stop();
    rmSync(join(directory, 'scratch'), { recursive: true });
    mkdirSync(join(directory, 'scratch'));
    start(shell);
    await rounds();
    expect(receiver.asked).toHaveLength(1);
  });

  test('does not speak for a copy of its namespace', () => {
    const [command = 'sh', ...words] = shell;
    const env = environment({ MADE_FOR_NAMESPACE: 'production' });
    const { status, stderr } = spawnSync(command, [...words, join(directory, 'home/notifier/notifier.sh')], { env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([78, expect.stringContaining('made for the namespace production, and is a copy in shop')]);
    expect(requests()).toEqual([]);
  });

  test('says nothing of what ended before it was there, but knows that it had failed', async () => {
    channels(hook());
    writeFileSync(join(directory, 'api/made'), '2025-01-01T12:00:00Z');
    jobs(FAILED, GOOD);
    start(shell);
    await until('the later one is told', () => receiver.asked.length === 1);
    expect(bodies()).toMatchObject([{ job: 'orders-backup-2', outcome: 'recovery' }]);
    // A receiver that is new is told of nothing old.
    channels(hook(), { ...hook('/new'), id: 'webhook-2' });
    await rounds();
    jobs(GOOD, { ...FAILED, name: 'orders-backup-3', ended: '2999-01-01T00:00:00Z' });
    await until('both are told', () => receiver.asked.length === 3);
    expect(receiver.asked.filter(({ path }) => path === '/new')).toHaveLength(1);
    // The job before it is gone, and is not forgotten.
    jobs({ ...GOOD, name: 'orders-backup-4', ended: '2999-01-02T00:00:00Z' });
    await until('it has recovered', () => receiver.asked.length === 5);
    expect(bodies().at(-1)).toMatchObject({ job: 'orders-backup-4', outcome: 'recovery' });
  });

  test('goes on without the ConfigMap of what it has told, and is not ready', async () => {
    channels(hook());
    writeFileSync(join(directory, 'api/lost'), '');
    jobs({ ...FAILED, ended: '2999-01-01T00:00:00Z' });
    start(shell);
    await until('it is told', () => receiver.asked.length === 1);
    await until('it is complained of', () => /what was told cannot be written into ConfigMap backup-notifier-state/.test(log));
    expect(ready()).toBe(false);
    rmSync(join(directory, 'api/lost'));
    await until('it is written', () => existsSync(join(directory, 'api/state.told')) && ready());
    expect(receiver.asked).toHaveLength(1);
  });

  test('lives, and is not ready, while the API cannot be reached', async () => {
    channels(hook());
    writeFileSync(join(directory, 'api/fails'), 'Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout');
    start(shell);
    await until('it is complained of', () => /the Kubernetes API cannot be reached/.test(log));
    expect(ready()).toBe(false);
    expect(ready('alive')).toBe(true);
    rmSync(join(directory, 'api/fails'));
    jobs(FAILED);
    await until('it is told', () => receiver.asked.length === 1);
    expect(log.match(/cannot be reached/g)).toHaveLength(1);
  });
});

describe.each(AWKS.map(awk => [awk.join(' '), awk] as const))('what %s decides', (_, awk) => {
  /** Messages of one look, as `OUTCOME CAUSE REASON`. */
  function decide(all: MadeJob[], before: { told?: string[][]; last?: string[][]; stuck?: string[][] } = {}): string[] {
    const rows = all.map(rowsOf);
    const file = (name: string, content: string[][]) => {
      writeFileSync(join(directory, name), table(content));
      return join(directory, name);
    };
    const [command = '', ...words] = awk;
    const times = {
      now: '2030-06-01T00:00:00Z',
      without_pod: '2030-05-31T00:00:00Z',
      waiting: '2030-05-31T00:00:00Z',
      made: '2020-01-01T00:00:00Z',
    };
    const { stdout, stderr } = spawnSync(
      command,
      [
        ...[...words, '-F', '\t', ...Object.entries(times).flatMap(([name, value]) => ['-v', `${name}=${value}`])],
        ...['-f', 'lib/observability/notifier/decide.awk'],
        file('a', [['orders', 'hook', 'failure,recovery,success', '*']]),
        file('b', []),
        file('c', before.told ?? []),
        file('d', before.last ?? []),
        file('e', before.stuck ?? []),
        file(
          'f',
          rows.flatMap(each => each.jobs),
        ),
        file(
          'g',
          rows.flatMap(each => each.pods),
        ),
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const messages = stdout.split('\n').map(line => line.split('\t'));
    return messages.filter(([kind, channel]) => kind === 'message' && channel === 'hook').map(row => `${row[5]} ${row[11]} ${row[18]}`);
  }
  const failed = { name: 'orders-backup-1', ended: '2025-01-01T00:01:00Z', failed: 'BackoffLimitExceeded' };
  const begun = { name: 'orders-backup-1' };

  test.each<[string, MadeJob, RegExp]>([
    [
      'was killed for want of memory',
      { ...failed, pod: { phase: 'Failed', rows: [container('terminated', 'OOMKilled', '137', 'a row of data')] } },
      /^failure OOMKilled container backup was killed for want of memory \(OOMKilled\): raise pods.memoryLimit$/,
    ],
    [
      'was killed for want of memory, and could say so',
      { ...failed, pod: { phase: 'Failed', rows: [container('terminated', 'OOMKilled', '1', result('failed', 'pg_dump: killed'))] } },
      /^failure OOMKilled container .*; pg_dump: killed$/,
    ],
    [
      'was evicted by the kubelet',
      { ...failed, pod: { phase: 'Failed', reason: 'Evicted', words: 'The node was low on resource: ephemeral-storage.' } },
      /^failure Evicted its pod was evicted \(Evicted\): The node was low on resource: ephemeral-storage\.$/,
    ],
    [
      'was evicted by the API',
      {
        ...failed,
        failed: 'PodFailurePolicy',
        pod: { phase: 'Failed', rows: [['D', 'EvictionByEvictionAPI', '"Eviction API: evicting"']] },
      },
      /^failure EvictionByEvictionAPI its pod was taken away/,
    ],
    [
      'was evicted, and is gone',
      { ...failed, failed: 'PodFailurePolicy', words: 'Pod shop/x has condition DisruptionTarget matching FailJob rule at index 0' },
      /^failure DisruptionTarget .*DisruptionTarget/,
    ],
    [
      'was not done in time',
      { ...failed, failed: 'DeadlineExceeded', words: 'Job was active longer than specified deadline' },
      /^failure DeadlineExceeded it was not done within its time \(DeadlineExceeded\): it had no pod$/,
    ],
    [
      'was not done in time for want of an image',
      {
        ...failed,
        failed: 'DeadlineExceeded',
        pod: { phase: 'Pending', rows: [container('waiting', 'ImagePullBackOff', '0', 'Back-off pulling image "x"')] },
      },
      /^failure DeadlineExceeded .*: container backup cannot start \(ImagePullBackOff\): Back-off pulling image \\"x\\"$/,
    ],
    [
      'refused',
      {
        ...failed,
        failed: 'PodFailurePolicy',
        words: 'Container backup for pod shop/x failed with exit code 78',
        pod: { phase: 'Failed', rows: [container('terminated', 'Error', '78', result('failed', 'no key'))] },
      },
      /^failure Refused no key$/,
    ],
    [
      'left a log, and no verdict',
      { ...failed, pod: { phase: 'Failed', rows: [container('terminated', 'Error', '2', 'INSERT INTO secrets VALUES (1)')] } },
      /^failure Error container backup ended with exit code 2 \(Error\), and left no verdict; kubectl logs job\/orders-backup-1 may say more$/,
    ],
    [
      'is gone with its verdict',
      { ...failed, words: 'Job has reached the specified backoff limit' },
      /^failure BackoffLimitExceeded its pod is gone, with its verdict \(BackoffLimitExceeded\): Job has reached/,
    ],
    [
      'named a password in an address',
      {
        ...failed,
        pod: {
          phase: 'Failed',
          rows: [container('terminated', 'Error', '1', result('failed', 'rest:https://joe:hunter2@store/ is gone'))],
        },
      },
      /^failure Failed rest:https:\/\/\*\*\*@store\/ is gone$/,
    ],
  ])('of a job that %s', (__, job, expected) => {
    expect(decide([job])).toEqual([expect.stringMatching(expected)]);
  });

  test.each<[string, MadeJob, RegExp]>([
    [
      'has no image',
      { ...begun, pod: { phase: 'Pending', rows: [container('waiting', 'ErrImagePull', '0', 'not found')] } },
      /^stuck ErrImagePull container backup cannot start \(ErrImagePull\): not found$/,
    ],
    [
      'lacks a Secret',
      { ...begun, pod: { phase: 'Pending', rows: [container('waiting', 'CreateContainerConfigError', '0', 'secret "x" not found')] } },
      /^stuck CreateContainerConfigError .*: secret \\"x\\" not found$/,
    ],
    [
      'has no node',
      { ...begun, pod: { phase: 'Pending', rows: [['U', 'Unschedulable', '"0/3 nodes are available"']] } },
      /^stuck Unschedulable no node takes its pod \(Unschedulable\): 0\/3 nodes are available$/,
    ],
    [
      'waits for a volume',
      { ...begun, pod: { phase: 'Pending', rows: [container('waiting', 'ContainerCreating', '0', '')] } },
      /^stuck ContainerCreating its pod does not begin/,
    ],
    ['has no pod', begun, /^stuck FailedCreate no pod is made for it/],
  ])('of a job that %s, when it is still so', (__, job, expected) => {
    expect(decide([job])).toEqual([]);
    expect(decide([job], { stuck: [['uid-of-orders-backup-1', 'Something']] })).toEqual([expect.stringMatching(expected)]);
    expect(decide([job], { stuck: [['uid-of-orders-backup-1', 'x']], told: [['uid-of-orders-backup-1', 'stuck', 'hook']] })).toEqual([]);
  });

  test('nothing of a job that only takes its time', () => {
    const stuck = [['uid-of-orders-backup-1', 'x']];
    const step = [['C', 'prepare', 'running', '-', '0', '""'], container('waiting', 'PodInitializing', '0', '')];
    expect(decide([{ ...begun, pod: { phase: 'Pending', rows: step } }], { stuck })).toEqual([]);
    expect(decide([{ ...begun, pod: { phase: 'Running', rows: [container('running', '-', '0', '')] } }], { stuck })).toEqual([]);
    expect(decide([{ ...begun, begun: '2030-05-31T23:59:00Z' }], { stuck })).toEqual([]);
  });

  test('that a success is one after a failure, whichever job it was, and as long as it was the last', () => {
    const good = (name: string, ended: string, owner = 'orders-backup') => ({ name, ended, owner });
    const all = [
      failed,
      good('b', '2025-01-02T00:00:00Z'),
      good('c', '2025-01-03T00:00:00Z'),
      good('d', '2025-01-02T00:00:00Z', 'orders-verify'),
    ];
    expect(decide(all).map(line => line.split(' ')[0])).toEqual(['failure', 'recovery', 'success', 'success']);
    const last = [['orders-backup', '2025-01-01T00:00:00Z', 'gone', 'failure']];
    expect(decide([good('b', '2025-01-02T00:00:00Z')], { last })).toEqual([expect.stringMatching(/^recovery/)]);
    expect(decide([good('b', '2025-01-02T00:00:00Z')], { told: [['uid-of-b', 'stuck', 'hook']] })).toEqual([
      expect.stringMatching(/^recovery/),
    ]);
  });

  test('what a success does not cover', () => {
    const rows = [container('terminated', 'Completed', '0', result('published', 'roles were not seen'))];
    expect(decide([{ ...begun, ended: '2025-01-01T00:01:00Z', pod: { phase: 'Succeeded', rows } }])).toEqual([
      'success - roles were not seen',
    ]);
  });

  test('nothing of jobs of other series', () => {
    expect(decide([{ ...failed, series: 'users' }])).toEqual([]);
  });
});

// RFC 4231, "Identifiers and Test Vectors for HMAC-SHA-224, HMAC-SHA-256 ...", section 4.
inEachShell('a signature, in %s', shell => {
  test.each<[string, Buffer, Buffer | string, string]>([
    ['1', Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    ['2', Buffer.from('Jefe'), 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    ['3', Buffer.alloc(20, 0xaa), Buffer.alloc(50, 0xdd), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [
      '4',
      Buffer.from(Array.from({ length: 25 }, (_, i) => i + 1)),
      Buffer.alloc(50, 0xcd),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      '6',
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '7',
      Buffer.alloc(131, 0xaa),
      'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
    [
      'of a key with bytes of nothing',
      Buffer.from([0, 54, 92, 255, 10, 0]),
      'x',
      createHmac('sha256', Buffer.from([0, 54, 92, 255, 10, 0]))
        .update('x')
        .digest('hex'),
    ],
  ])('is that of test case %s', (_, key, data, expected) => {
    writeFileSync(join(directory, 'key'), key);
    const [command = 'sh', ...words] = shell;
    const { stdout, stderr } = spawnSync(
      command,
      [...words, '-ec', '. lib/observability/notifier/sign.sh; sign cat "$0"', join(directory, 'key')],
      {
        input: data,
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(`${expected}\n`);
  });
});
