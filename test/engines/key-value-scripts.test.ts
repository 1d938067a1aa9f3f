import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runScript } from '../shell/script';

// What the scripts of etcd and Redis conclude from answers and files that no test can make a real server give at will.

let directory: string;
let data: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'key-value-'));
  data = join(directory, 'data');
  mkdirSync(data);
});
afterEach(() => rmSync(directory, { recursive: true }));

const REDIS = {
  ...{ PROGRAM: 'redis', DUMP_FILE: 'dump.rdb', APPEND_FILE: 'appendonly.aof', APPEND_DIRECTORY: 'appendonlydir', ALLOW_EMPTY: 'no' },
  ...{ TLS_AUTHORITY: '', TLS_CLIENT: '', REDIS_HOST: 'db', REDIS_PORT: '6379', REDIS_USERNAME: 'default', REPLACE: 'yes' },
};
const redis = (script: string, programs: { [name: string]: string } = {}, files: { [name: string]: string } = {}) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(data, name)), { recursive: true });
    writeFileSync(join(data, name), content);
  }
  return runScript('redis', script, { directory, programs, environment: { ...REDIS, DATA_DIRECTORY: data } });
};

describe('Redis runs', () => {
  test.each([
    ['PONG', 0],
    ['NOAUTH Authentication required.', 0],
    ['WRONGPASS invalid username-password pair or user is disabled.', 0],
    ['LOADING Redis is loading the dataset in memory', 0],
    ['DENIED Redis is running in protected mode', 0],
    ['Could not connect to Redis at db:6379: SSL_connect failed: certificate verify failed', 0],
    ['Could not connect to Redis at db:6379: Connection refused', 1],
    ['Could not connect to Redis at db:6379: Name or service not known', 1],
    ['Could not connect to Redis at db:6379: Temporary failure in name resolution', 2],
    ['Error: Server closed the connection', 2],
  ])('where it says "%s": %i', (answer, code) => {
    expect(redis('running', { 'redis-cli': `echo '${answer}'` }).code).toBe(code);
  });

  test('where it says nothing in time, it cannot be told', () => {
    expect(redis('running', { 'redis-cli': 'exit 0', timeout: 'exit 124' }).code).toBe(2);
  });
});

describe('etcd runs', () => {
  test.each([
    ['answers', 'exit 0', 0],
    ['refuses the certificate', 'exit 58', 0],
    ['refuses the connection', 'echo "* connect to 10.0.0.1 port 2379 failed: Connection refused" >&2; exit 7', 1],
    ['cannot be reached', 'echo "* connect to 10.0.0.1 port 2379 failed: No route to host" >&2; exit 7', 2],
    ['is silent', 'exit 28', 2],
    ['has no name', 'exit 6', 1],
  ])('where it %s: %3$i', (_, curl, code) => {
    const programs = { curl, nslookup: 'echo "** server can\'t find etcd: NXDOMAIN"; exit 1' };
    const environment = { SERVER_URL: 'https://etcd:2379', DATA_DIRECTORY: data };
    expect(runScript('etcd', 'running', { directory, programs, environment }).code).toBe(code);
  });

  test('where the resolver is silent, it cannot be told', () => {
    const programs = { curl: 'exit 6', nslookup: 'echo ";; connection timed out; no servers could be reached"; exit 1' };
    const environment = { SERVER_URL: 'https://[fd00::1]:2379', DATA_DIRECTORY: data };
    expect(runScript('etcd', 'running', { directory, programs, environment })).toMatchObject({
      code: 2,
      log: expect.stringContaining('[fd00::1]'),
    });
  });
});

describe('a restore of Redis is refused', () => {
  const id = 'a'.repeat(40);

  test('where the server loads from files of other names, beside which it would start empty', () => {
    const { code, reason } = redis('restore', {}, { 'state.rdb': 'REDIS0011' });
    expect([code, reason]).toEqual([
      78,
      expect.stringMatching(/^the data directory holds state\.rdb, and no appendonlydir\/\S+ nor dump\.rdb: .*Set dumpFile/),
    ]);
    rmSync(join(data, 'state.rdb'));
    expect(redis('restore', {}, { 'log/log.aof.manifest': '' }).reason).toMatch(/holds log\/log\.aof\.manifest, and no .* nor dump/);
    // Beside append-only files a server looks at no dump, so that the one it has says nothing.
    expect(redis('restore', {}, { 'dump.rdb': '' }).reason).toMatch(/holds log\/log\.aof\.manifest, and no appendonlydir\/\S+: the server/);
  });

  test('on a replica of a cluster, whose data would be replaced by its master', () => {
    const { code, reason } = redis(
      'restore',
      {},
      { 'dump.rdb': '', 'nodes-6379.conf': `${id} 10.0.0.1:6379@16379 myself,slave ${id} 0 0 3 connected\n` },
    );
    expect([code, reason]).toEqual([78, expect.stringMatching(/^nodes-6379\.conf says that this node is a replica/)]);
  });
});

test('no name of a key is in the words of a dump that is damaged', () => {
  const check = `cat >/dev/null; echo '--- RDB ERROR DETECTED ---'; echo '[offset 9] Unexpected EOF'; echo "[additional info] Reading key 'planted-4111'"; exit 1`;
  const { code, log } = redis('dump-stream', { 'redis-cli': 'echo x', 'redis-check-rdb': check });
  expect([code, log]).toEqual([1, expect.stringContaining('Unexpected EOF')]);
  expect(log).not.toContain('planted');
});
