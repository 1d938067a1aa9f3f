import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linkShell } from '../support/shell-folder';
import { Job } from './job';
import { inEachShell } from './shells';

/** Which program an engine's `ready` asks with, and where it finds the server. */
const CLIENTS: { [engine: string]: { program: string; environment: { [name: string]: string } } } = {
  postgres: { program: 'psql', environment: { MAINTENANCE_DATABASE: 'postgres' } },
  'postgres-physical': { program: 'psql', environment: { MAINTENANCE_DATABASE: 'postgres' } },
  mysql: { program: 'mysql', environment: { DIALECT: 'mysql', LOCK_TIMEOUT: '1', TLS: '', TLS_CA: '' } },
  'mysql-physical': { program: 'mariadb', environment: { DIALECT: 'mariadb', LOCK_TIMEOUT: '1', TLS: '', TLS_CA: '' } },
  mongodb: {
    program: 'mongosh',
    environment: { MONGODB_HOST: 'db', MONGODB_PORT: '1', MONGODB_USERNAME: 'u', MONGODB_PASSWORD: 'p', AUTHENTICATION_DATABASE: 'admin' },
  },
  redis: {
    program: 'redis-cli',
    environment: { PROGRAM: 'redis', REDIS_HOST: 'db', REDIS_PORT: '1', REDIS_USERNAME: 'u', TLS_CLIENT: '', TLS_AUTHORITY: '' },
  },
  rabbitmq: { program: 'escript', environment: {} },
  etcd: { program: 'curl', environment: { SERVER_URL: 'https://etcd:2379' } },
};
const SERVER = { SERVER_HOST: 'db', SERVER_PORT: '1', SERVER_USER: 'u', SERVER_PASSWORD: 'p' };

let job: Job | undefined;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ready-'));
});
afterEach(() => {
  job?.remove();
  job = undefined;
  rmSync(directory, { recursive: true });
});

/** The exit code of an engine's `ready`, whose client says something and fails. */
function ready(engine: string, says: string, code: number): number | null {
  const { program, environment } = CLIENTS[engine] ?? { program: '', environment: {} };
  const home = join(directory, 'home');
  for (const folder of [home, join(directory, 'bin'), join(directory, 'scratch')]) mkdirSync(folder, { recursive: true });
  linkShell(join(home, 'shell'));
  symlinkSync(resolve('lib/engines', engine), join(home, 'engine'));
  for (const name of [program, 'rabbitmq-server'])
    writeFileSync(join(directory, 'bin', name), '#!/bin/sh\nprintf "%s\\n" "$SAYS" >&2\nexit "$CODE"\n', { mode: 0o755 });
  const done = spawnSync('sh', [join(home, 'engine', 'ready.sh')], {
    env: {
      PATH: `${join(directory, 'bin')}:${process.env.PATH}`,
      ...{ BACKUP_HOME: home, SCRATCH: join(directory, 'scratch'), REPOSITORY_FOLDER: 'none', OPERATION: 'backup', SERIES: 'orders' },
      ...{ ...SERVER, ...environment, SAYS: says, CODE: String(code) },
    },
    encoding: 'utf8',
  });
  const words = (text: string) => text.replaceAll(/ +/g, ' ');
  expect(words(done.stderr), 'why is said').toContain(words(says));
  return done.status;
}

const psql = (said: string) => `psql: error: connection to server at "db" (10.0.0.1), port 5432 failed: ${said}`;

describe('a server that answers, and that no wait brings to answer otherwise', () => {
  test.each([
    ['postgres', psql('FATAL:  password authentication failed for user "backup"'), 2],
    ['postgres', psql('FATAL:  role "backup" does not exist'), 2],
    ['postgres', psql('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "backup", database "postgres", SSL off'), 2],
    ['postgres', psql('fe_sendauth: no password supplied'), 2],
    ['postgres', psql('SSL error: certificate verify failed'), 2],
    ['postgres-physical', psql('FATAL:  role "backup" is not permitted to log in'), 2],
    ['mysql', "ERROR 1045 (28000): Access denied for user 'backup'@'10.0.0.9' (using password: YES)", 1],
    ['mysql', 'ERROR 3118 (HY000): Access denied for user. Account is locked.', 1],
    ['mysql', "ERROR 2061 (HY000): Authentication plugin 'caching_sha2_password' reported error: requires secure connection.", 1],
    ['mysql', 'ERROR 2026 (HY000): TLS/SSL error: self-signed certificate in certificate chain', 1],
    ['mysql-physical', "ERROR 1130 (HY000): Host '10.0.0.9' is not allowed to connect to this MariaDB server", 1],
    ['mongodb', 'MongoServerError: Authentication failed.', 1],
    ['mongodb', 'MongoServerError: Command ping requires authentication', 1],
    ['redis', 'AUTH failed: WRONGPASS invalid username-password pair or user is disabled.', 0],
    ['redis', "NOPERM User backup has no permissions to run the 'ping' command", 0],
    ['rabbitmq', 'error: http://db:15672/api/whoami answers 401: {"error":"not_authorized"}', 1],
    ['rabbitmq', 'error: user backup is not allowed to export definitions: it needs the tag administrator', 1],
    ['etcd', 'curl: (60) SSL certificate problem: unable to get local issuer certificate', 60],
    ['etcd', 'curl: (56) OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad certificate, errno 0', 56],
  ])('%s: %s', (engine, says, code) => {
    expect(ready(engine, says, code)).toBe(78);
  });
});

describe('a server that may answer later', () => {
  test.each([
    ['postgres', psql('Connection refused'), 2],
    ['postgres', psql('FATAL:  the database system is starting up'), 2],
    ['postgres', psql('FATAL:  sorry, too many clients already'), 2],
    ['postgres-physical', psql('FATAL:  the database system is not yet accepting connections'), 2],
    ['mysql', "ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (111)", 1],
    ['mysql', 'ERROR 1040 (HY000): Too many connections', 1],
    ['mysql-physical', "ERROR 2005 (HY000): Unknown server host 'db' (-2)", 1],
    ['mongodb', 'MongoServerSelectionError: connect ECONNREFUSED 10.0.0.1:27017', 1],
    ['redis', 'Could not connect to Redis at db:6379: Connection refused', 1],
    ['redis', 'LOADING Redis is loading the dataset in memory', 0],
    ['rabbitmq', 'error: http://db:15672/api/whoami answers 503: not yet', 1],
    ['etcd', 'curl: (7) Failed to connect to etcd port 2379: Connection refused', 7],
    ['etcd', 'curl: (35) OpenSSL SSL_connect: Connection reset by peer in connection to etcd:2379', 35],
  ])('%s: %s', (engine, says, code) => {
    expect(ready(engine, says, code)).not.toBeOneOf([0, 78]);
  });
});

inEachShell('waiting for a server, in %s', shell => {
  test('tries credentials that are refused once, and says so', () => {
    job = new Job({ ready: 'echo try >>"$SCRATCH/../tries"; echo "FATAL: password authentication failed" >&2; exit 78' });
    const { code, result } = job.run('backup', { READY_TIMEOUT: '60' }, shell);
    expect({ code, ...result }).toMatchObject({
      code: 78,
      verdict: 'failed',
      reason: expect.stringMatching(
        /^the test server refuses this job, .*: FATAL: password authentication failed\. Check the credentials in the Secret/,
      ),
    });
    expect(readFileSync(join(job.directory, 'tries'), 'utf8')).toBe('try\n');
  });

  // busybox looks at a clock of its own.
  if (shell[0] === 'busybox') return;

  test('says once a minute what for, since when and until when', () => {
    // A clock on which every look is a quarter of a minute later than the one before.
    const date = join(mkdtempSync(join(tmpdir(), 'clock-')), 'date');
    const clock = `#!/bin/sh\ncase "$*" in +%s) n=$(cat "$0.now" 2>/dev/null || echo 0); echo $((n + 15)) >"$0.now"; echo $((1000000000 + n)) ;; *) exec /usr/bin/date "$@" ;; esac\n`;
    writeFileSync(date, clock, { mode: 0o755 });
    writeFileSync(join(date, '..', 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
    job = new Job({ ready: 'echo "Connection refused" >&2; exit 2' });
    const { code, log, result } = job.run('backup', { READY_TIMEOUT: '200', PATH: `${join(date, '..')}:${process.env.PATH}` }, shell);
    rmSync(join(date, '..'), { recursive: true });
    const lines = log.split('\n').filter(line => line.includes('waiting for the test server since'));
    expect(code).toBe(1);
    expect(lines, log).toHaveLength(4);
    expect(lines[0]).toMatch(/since 01:4\d:\d\d, until 01:5\d:\d\d at most: Connection refused$/);
    expect(result.reason).toBe('the test server was not ready within 200 s: Connection refused');
  });
});

test('a restore of files takes a server that refuses its credentials for one that runs', () => {
  job = new Job({ ready: 'exit 78', restore: ':' });
  const data = join(job.directory, 'data');
  mkdirSync(data);
  job.run('backup', { READY_TIMEOUT: '1' });
  const { code, result } = job.run('restore', { DATA_DIRECTORY: data, DATA_VOLUME: data, REPLACE: 'yes' });
  expect({ code, ...result }).toMatchObject({ code: 78, reason: expect.stringMatching(/^the test server is running: scale it to zero/) });
});
