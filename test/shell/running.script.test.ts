import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linkShell } from '../support/shell-folder';
import { Job } from './job';

// Whether a server runs whose files are to be replaced: what its address answers, and what it leaves in its data directory.

describe('a restore of files', () => {
  let job: Job;
  const restoring = (running: string, words: { [name: string]: string } = {}) => {
    job.engine({ running, restore: ':', ready: 'exit 1' });
    return job.run('restore', { DATA_DIRECTORY: join(job.directory, 'data'), ...words });
  };
  beforeEach(() => {
    job = new Job({ dump: 'put data.txt echo data; fact rows 1', verify: ':' });
    job.run('backup');
  });
  afterEach(() => job.remove());

  test('is refused when the server runs, whatever the request says', () => {
    const refused = restoring('echo "it refuses a login" >&2', { SERVER_IS_DOWN: 'yes' });
    expect(refused.code).toBe(78);
    expect(refused.result.reason).toBe('the test server is running: scale it to zero first; nothing was changed (it refuses a login)');
  });

  test('is refused when that cannot be told, until the request says that it is down', () => {
    const refused = restoring('echo "silence" >&2; exit 2');
    expect(refused.code).toBe(78);
    expect(refused.result.reason).toMatch(
      /^it is not known whether the test server is running: silence\. Nothing was changed\. .*serverIsDown to yes in ConfigMap orders-restore-request$/,
    );
    expect(restoring('exit 2', { SERVER_IS_DOWN: 'yes' }).result).toMatchObject({ verdict: 'restored' });
  });

  test('goes on when nobody is there', () => {
    expect(restoring('exit 1').result).toMatchObject({ verdict: 'restored' });
  });

  test('does not replace files under a server that was started meanwhile', () => {
    const data = join(job.directory, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'held'), '');
    const restore =
      '. "$BACKUP_HOME/shell/data-directory.sh"; stage_data_directory; : >"$STAGING/restored"; : >"$DATA_DIRECTORY/pid"; swap_data_directory';
    job.engine({ running: '[ -e "$DATA_DIRECTORY/pid" ] || exit 1; echo "pid is there" >&2', restore, ready: 'exit 1' });
    const refused = job.run('restore', { DATA_DIRECTORY: data, DATA_VOLUME: job.directory, REPLACE: 'yes' });
    expect(refused.result.reason).toMatch(/^the test server was started while this restore was running \(pid is there\)/);
    expect(spawnSync('ls', [data], { encoding: 'utf8' }).stdout).toBe('held\npid\n');
  });

  test.each([
    ['a directory of its volume', 'data'],
    ["its volume's root", '.'],
  ])('that ended while it put %s in place says where the old one is, until one has succeeded', (_, path) => {
    const volume = join(job.directory, 'volume');
    const data = join(volume, path);
    mkdirSync(data, { recursive: true });
    for (const name of ['one', 'two']) writeFileSync(join(data, name), '');
    const restoring = (interrupted: string) => {
      const restore = `. "$BACKUP_HOME/shell/data-directory.sh"; stage_data_directory; : >"$STAGING/restored"; ${interrupted}; swap_data_directory`;
      job.engine({ running: 'exit 1', restore, ready: 'exit 1' });
      return job.run('restore', { DATA_DIRECTORY: data, DATA_VOLUME: path === '.' ? data : volume, REPLACE: 'yes' });
    };
    const found = () => spawnSync('find', [volume, '-type', 'f'], { encoding: 'utf8' }).stdout;

    expect(restoring('mv() { command mv "$@"; exit 1; }').code).not.toBe(0);
    const again = restoring(':');
    expect(again.result).toMatchObject({
      verdict: 'restored',
      reason: expect.stringMatching(
        /an earlier restore was interrupted while it put a data directory in place\. The directory now holds (nothing|one|two); what it held before that restore is in \S+before-\d+ of the volume/,
      ),
    });
    expect(found()).toMatch(/\/restored$/m);
    expect(found()).toMatch(/before-\d+\/one$/m);
    expect(found()).toMatch(/before-\d+\/two$/m);
    expect(found()).not.toContain('.restoring-');
    expect(restoring(':').result.reason ?? '').not.toContain('an earlier restore was interrupted');
  });
});

const REFUSED = 'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused\n\tIs the server running on that host?';

describe.each([
  ['postgres-physical', 'psql', (words: string) => `psql: error: ${words}`],
  ['mysql-physical', 'mariadb', (words: string) => words],
])('%s', (engine, client, says) => {
  let directory: string;
  let data: string;
  let port = 0;
  let listener: Server;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'running-'));
    data = join(directory, 'data');
    for (const folder of ['bin', 'home', 'scratch', 'data']) mkdirSync(join(directory, folder));
    linkShell(join(directory, 'home/shell'));
    symlinkSync(resolve('lib/engines', engine), join(directory, 'home/engine'));
    listener = createServer(socket => socket.destroy());
    port = await new Promise(ready => {
      listener.listen(0, '127.0.0.1', () => ready((listener.address() as { port: number }).port));
    });
  });
  afterEach(async () => {
    await new Promise(closed => listener.close(closed));
    rmSync(directory, { recursive: true });
  });

  /** The exit code of the engine's `running`, where the client says something and fails. */
  const running = (words: string, ...args: string[]) => {
    writeFileSync(join(directory, 'bin', client), `#!/bin/sh\n[ -n "$SAYS" ] || { echo 1; exit 0; }\nprintf '%s\\n' "$SAYS" >&2\nexit 2\n`);
    chmodSync(join(directory, 'bin', client), 0o755);
    return spawnSync('sh', [join(directory, 'home/engine/running.sh'), ...args], {
      encoding: 'utf8',
      env: {
        PATH: `${join(directory, 'bin')}:${process.env.PATH}`,
        BACKUP_HOME: join(directory, 'home'),
        SCRATCH: join(directory, 'scratch'),
        REPOSITORY_FOLDER: 'none',
        SERIES: 'orders',
        DATA_DIRECTORY: data,
        SAYS: words && says(words),
        PGHOST: 'db',
        MAINTENANCE_DATABASE: 'postgres',
        DIALECT: 'mariadb',
        SERVER_HOST: '127.0.0.1',
        SERVER_PORT: String(port),
        SERVER_USER: 'backup',
        SERVER_PASSWORD: 'secret',
        TLS: '',
      },
    }).status;
  };
  const postgres = engine === 'postgres-physical';

  test('an answer of any kind means that it runs', () => {
    expect(running('')).toBe(0);
    for (const answer of postgres
      ? [
          'connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "backup"',
          'connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  role "backup" does not exist',
          'connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  sorry, too many clients already',
          'connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  the database system is starting up',
          'connection to server at "db" (10.0.0.1), port 5432 failed: server does not support SSL, but SSL was required',
          'connection to server at "db" (10.0.0.1), port 5432 failed: SSL error: certificate verify failed',
          `${REFUSED}\nconnection to server at "db" (fd00::1), port 5432 failed: FATAL:  no pg_hba.conf entry for host "fd00::2"`,
        ]
      : [
          "ERROR 1045 (28000): Access denied for user 'backup'@'10.0.0.2' (using password: YES)",
          'ERROR 1040 (HY000): Too many connections',
          'ERROR 1130 (HY000): Host is not allowed to connect to this MariaDB server',
          'ERROR 2026 (HY000): TLS/SSL error: SSL is required, but the server does not support it',
        ]) {
      expect([answer, running(answer)]).toEqual([answer, 0]);
    }
  });

  test('silence tells nothing', () => {
    for (const answer of postgres
      ? [
          'connection to server at "db" (10.0.0.1), port 5432 failed: timeout expired',
          'connection to server at "db" (10.0.0.1), port 5432 failed: No route to host',
          'could not translate host name "db" to address: Temporary failure in name resolution',
          'connection to server at "db" (10.0.0.1), port 5432 failed: server closed the connection unexpectedly\n\tThis probably means',
          `${REFUSED}\nconnection to server at "db" (fd00::1), port 5432 failed: Connection timed out`,
        ]
      : ["ERROR 2013 (HY000): Lost connection to server at 'handshake: reading initial communication packet', system error: 110"]) {
      expect([answer, running(answer)]).toEqual([answer, 2]);
    }
  });

  test('nobody at the address, or no such name, means that it is stopped, unless its files say otherwise', async () => {
    await new Promise(closed => listener.close(closed));
    for (const answer of [REFUSED, 'could not translate host name "db" to address: Name or service not known']) {
      expect(running(answer)).toBe(1);
    }
    expect(running(REFUSED, 'files')).toBe(1);
    writeFileSync(join(data, postgres ? 'postmaster.pid' : 'db-0.pid'), '1\n/data\n1764162000\n');
    expect(running(REFUSED)).toBe(2);
    expect(running(REFUSED, 'files')).toBe(0);
  });
});
