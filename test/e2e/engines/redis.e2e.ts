import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { RedisServer } from '../support/redis-server';
import { request, resultOf, succeed, synthesize } from '../support/rehearse';

// Redis and Valkey: what is backed up while the application writes is what comes back, with append-only files and without.

const NAMESPACE = 'sessions';

/** A bit of everything that a dump can lose. */
const CONTENT = [
  'set "key with \\"quotes\\" and \\x00\\xff bytes" "value\\x00\\xff\\r\\n"',
  'set "" "the empty name"',
  'rpush "a list" one two',
  ...Array.from({ length: 600 }, (_, i) => `rpush "a long list" "element ${i}"`),
  'hset "a hash" field value "odd field" "odd value"',
  'sadd "a set" 1 2 3 member',
  'zadd "a sorted set" 1.5 one -inf lowest',
  'xadd "a stream" 1-1 field value',
  'xgroup create "a stream" "a group" 0',
  'xreadgroup group "a group" consumer count 1 streams "a stream" >',
  'pfadd "a hyperloglog" a b c d',
  'setbit "a bitmap" 100000 1',
  'geoadd "places" 13.361389 38.115556 Palermo',
  'set "expires next year" soon ex 31536000',
  // Every encoding: small and large, of numbers and of bytes.
  'set int 12345',
  `set raw ${'r'.repeat(100)}`,
  'setrange "a large value" 5000000 x',
  `rpush "a list of large elements" ${'e'.repeat(9000)} ${'f'.repeat(9000)}`,
  `sadd "a set of words" ${words(20)}`,
  `sadd "a large set" ${words(600)}`,
  `sadd "a large set of numbers" ${words(600).replace(/w/g, '')}`,
  `hset "a large hash" ${pairs(600)}`,
  `zadd "a large sorted set" ${pairs(300).replace(/w(\d+) w/g, '$1.25 w')} inf last -0 zero`,
  'hset "a hash with odd bytes" "\x00\xff" "" "" "\x00"',
  'xadd "a stream" 2-1 a 1 b 2',
  'xadd "a stream" 3-1 c 3',
  'xdel "a stream" 2-1',
  'xgroup createconsumer "a stream" "a group" idle',
  'xreadgroup group "a group" other count 1 streams "a stream" >',
  'xclaim "a stream" "a group" consumer 0 3-1 retrycount 7',
  'xgroup create "a stream without entries" g $ mkstream',
  'pexpire "a large hash" 99999999999',
  'select 3',
  'set "ключ \\"3\\"" "in database 3"',
  'select 63',
  'set "beyond the sixteen" "that a server has by itself"',
  'select 15',
  'set "expires next year" soon ex 31536000',
  'function load "#!lua name=shop\\nredis.register_function(\'total\', function() return 42 end)"',
];

function words(number: number): string {
  return Array.from({ length: number }, (_, i) => `w${i}`).join(' ');
}

function pairs(number: number): string {
  return Array.from({ length: number }, (_, i) => `w${i} w${i}`).join(' ');
}

/**
 * Every key as the server itself describes it, a line each: its type, its encoding, when it expires, its content; of what has no order that, sorted, of
 * everything else what the server would move to another one, in which are the groups of a stream, its consumers, and what they have not
 * acknowledged. And the functions.
 */
function inventory(server: RedisServer): string[] {
  const script = `
    local read = { set = 'smembers', hash = 'hgetall' }
    local lines = {}
    for _, key in ipairs(redis.call('keys', '*')) do
      local kind = redis.call('type', key).ok
      local content = redis.call(read[kind] or 'dump', key)
      if kind == 'hash' then
        local fields = {}
        for i = 1, #content, 2 do fields[#fields + 1] = #content[i] .. ' ' .. content[i] .. content[i + 1] end
        content = fields
      end
      if type(content) == 'table' then
        table.sort(content)
        content = table.concat(content, ' ')
      end
      -- A short string that was made in parts is in one when it was loaded.
      local encoding = kind == 'string' and '' or redis.call('object', 'encoding', key)
      lines[#lines + 1] = table.concat({ redis.sha1hex(key), kind, encoding, redis.call('pexpiretime', key), redis.sha1hex(content) }, ' ')
    end
    return lines`;
  const keys = [0, 3, 15, 63].flatMap(database =>
    server
      .ask('-n', String(database), 'eval', script, '0')
      .split('\n')
      .map(line => `${database} ${line}`),
  );
  return [...keys, server.ask('function', 'list', 'withcode')].sort();
}

function fill(server: RedisServer): void {
  server.feed([...CONTENT, ...Array.from({ length: 3000 }, (_, i) => `set session:${i} ${randomBytes(i % 120).toString('hex')}-`)]);
}

describe('the committed dist/: Redis with append-only files, and a user who may do nothing but replicate', () => {
  let cluster: Cluster;
  let server: RedisServer;
  let before: string;
  let id: string;
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `logins-${operation}` });
  const ask = (words: { [key: string]: string }) => request(cluster, NAMESPACE, 'logins', words);

  beforeAll(async () => {
    const images = await imagesOfDist();
    cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
    server = await RedisServer.start({
      image: imageNamed(images, 'redis:7.2.14-bookworm'),
      directory: cluster.claim(NAMESPACE, 'data-sessions-db-0'),
      settings: { databases: '64' },
    });
    fill(server);
    server.ask('acl', 'setuser', 'backup', 'on', '>backup secret', '+ping', '+replconf', '+sync', '+psync');
    cluster.service(NAMESPACE, 'sessions-db', server.address);
    cluster.secret(NAMESPACE, 'sessions-backup', { username: 'backup', password: 'backup secret' });
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
  });

  test('a backup publishes a recovery point, while keys come, change and expire', async () => {
    const writing = server.repeat(
      'eval',
      "for i = 1, 200 do redis.call('set', 'w:' .. math.random(1, 2000), i, 'px', math.random(1, 2000)) end",
      '0',
    );
    try {
      const result = await succeed(run('backup'), 'published');
      expect(result).toMatchObject({ what: 'backup', series: 'logins', reason: '' });
    } finally {
      await writing.stop();
    }
    // By now most of the keys that were dumped have expired: the counts are of the dump, and must be found again nevertheless.
    await new Promise(resolve => setTimeout(resolve, 1000));
    await succeed(run('verify'), 'verified');
    await new Promise(resolve => setTimeout(resolve, 1200));
  });

  test('a verification brings it up in a server of its own, and asks the assertions', async () => {
    before = server.digest();
    id = (await succeed(run('backup'), 'published')).id;
    const verification = await run('verify');
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ what: 'verify', series: 'logins', id });
    expect(verification.log).toContain(`the digest of their content is ${before}`);
    expect(verification.log).toMatch(/assertion 01 holds: '\d+' is at-least 10/);
    expect(verification.log).not.toContain(server.address);
  });

  test('the password is in no argument, log or result', async () => {
    const seen: string[] = [];
    const backup = await cluster.run(
      { kind: 'CronJob', namespace: NAMESPACE, name: 'logins-backup' },
      {
        onPod: async pod => {
          let over = false;
          void pod.done.then(() => {
            over = true;
          });
          while (!over) {
            seen.push(...pod.processes().map(argv => argv.join(' ')));
            await new Promise(resolve => setTimeout(resolve, 10));
          }
        },
      },
    );
    await succeed(Promise.resolve(backup), 'published');
    expect(seen.join('\n')).toMatch(/redis-cli .*--rdb/);
    expect(`${seen.join('\n')}${backup.log}${JSON.stringify(backup.result)}`).not.toContain('backup secret');
  });

  test('a node of a cluster, which has the keys of its slots only, is refused where nobody said that it is one', async () => {
    const node = await RedisServer.start({
      image: imageNamed(await imagesOfDist(), 'redis:7.2.14-bookworm'),
      settings: { 'cluster-enabled': 'yes' },
    });
    node.ask('acl', 'setuser', 'backup', 'on', '>backup secret', '+ping', '+replconf', '+sync', '+psync');
    cluster.moveService(NAMESPACE, 'sessions-db', node.address);
    const refused = await run('backup');
    cluster.moveService(NAMESPACE, 'sessions-db', server.address);
    await node.stop();
    expect(resultOf(refused).reason).toMatch(/^sessions-db is a node of a Redis Cluster, .*set clusterNode: true$/);
  });

  test('a restore under a running server is refused, also with credentials that the server refuses', async () => {
    ask({ replace: 'yes' });
    const refused = await run('restore');
    expect(resultOf(refused).reason).toMatch(/^the redis server is running: scale it to zero first; nothing was changed/);
    cluster.secret(NAMESPACE, 'sessions-backup', { username: 'backup', password: 'wrong' });
    const stranger = await run('restore');
    cluster.secret(NAMESPACE, 'sessions-backup', { username: 'backup', password: 'backup secret' });
    expect(resultOf(stranger).reason).toMatch(/^the redis server is running: scale it to zero first; nothing was changed \(.*NOAUTH/);
    expect(server.digest()).toBe(before);
  });

  test('after the data is lost, a restore brings back what a server with append-only files loads', async () => {
    server.ask('flushall');
    await server.down();
    rmSync(join(server.directory, 'appendonlydir'), { recursive: true });
    ask({});
    expect(await succeed(run('restore'), 'restored')).toMatchObject({ id });
    await server.up();
    expect(server.digest()).toBe(before);
    expect(server.ask('fcall', 'total', '0')).toBe('42');
    expect(server.ask('-n', '3', 'get', 'ключ "3"')).toBe('in database 3');
  });

  test('and a server without them loads the same', async () => {
    await server.down();
    await server.up(false);
    expect(server.digest()).toBe(before);
    await server.down();
    await server.up();
  });

  test('a restore that replaces puts the old files aside; they are a data directory still', async () => {
    server.ask('set', 'since', 'then');
    const since = server.digest();
    await server.down();
    ask({ replace: 'yes' });
    // What a node of a cluster is nobody without, and what else is no data.
    const node = `${'a'.repeat(40)} 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-16383\n`;
    for (const name of ['nodes.conf', 'users.acl']) writeFileSync(join(server.directory, name), node);
    mkdirSync(join(server.directory, 'modules'));
    writeFileSync(join(server.directory, 'modules', 'shop.so'), 'what the server is started with');
    await succeed(run('restore'), 'restored');
    for (const name of ['nodes.conf', 'users.acl']) expect(readFileSync(join(server.directory, name), 'utf8')).toBe(node);
    expect(readFileSync(join(server.directory, 'modules', 'shop.so'), 'utf8')).toBe('what the server is started with');
    await server.up();
    expect(server.digest()).toBe(before);
    await server.down();
    const [aside] = readdirSync(server.directory).filter(name => name.startsWith('.before-'));
    const old = await RedisServer.start({
      image: imageNamed(await imagesOfDist(), 'redis:7.2.14-bookworm'),
      directory: join(server.directory, aside ?? 'nothing was put aside'),
      settings: { databases: '64' },
    });
    expect(old.digest()).toBe(since);
    await old.stop();
    await server.up();
  });
});

interface Other {
  readonly series: string;
  readonly image: string;
  readonly program: 'redis' | 'valkey';
  readonly appendOnly: boolean;
  readonly settings: { [name: string]: string };
  readonly client: string[];
}

const TLS = ['--tls', '--cacert', '/srv/tls.crt', '--cert', '/srv/tls.crt', '--key', '/srv/tls.key'];

describe.each<Other>([
  {
    series: 'redis8',
    image: 'redis:8.0.6-bookworm',
    program: 'redis',
    appendOnly: false,
    settings: {
      dbfilename: 'state.rdb',
      port: '0',
      'tls-port': '6379',
      'tls-cert-file': '/srv/tls.crt',
      'tls-key-file': '/srv/tls.key',
      'tls-ca-cert-file': '/srv/tls.crt',
    },
    client: TLS,
  },
  {
    series: 'valkey',
    image: 'valkey/valkey:8.1.8-trixie',
    program: 'valkey',
    appendOnly: true,
    settings: { appendfilename: 'log.aof', appenddirname: 'log' },
    client: [],
  },
])('$series, its data below the root of the volume, its files under other names', ({ series, image, settings, ...other }) => {
  const dist = synthesize('test/e2e/engines/redis/main.ts');
  let cluster: Cluster;
  let server: RedisServer;
  let data: string;
  const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name });

  beforeAll(async () => {
    const images = await imagesOfDist();
    cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
    cluster.claim(NAMESPACE, 'backups');
    const directory = cluster.claim(NAMESPACE, series);
    data = join(directory, 'server');
    mkdirSync(data);
    const [certificate, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test', '-days', '2', '-out', certificate, '-keyout', key];
    execFileSync('openssl', words, { stdio: 'ignore' });
    execFileSync('chown', ['999:999', data, key]);
    server = await RedisServer.start({
      image: imageNamed(images, image),
      directory,
      settings: { dir: '/srv/server', databases: '64', ...settings },
      ...other,
    });
    fill(server);
    cluster.service(NAMESPACE, series, server.address);
    cluster.secret(NAMESPACE, 'db', { username: 'default', password: server.password });
    const pem = readFileSync(certificate, 'utf8');
    cluster.secret(NAMESPACE, 'tls', { authority: pem, 'tls.crt': pem, 'tls.key': readFileSync(key, 'utf8') });
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
    rmSync(dist, { recursive: true, force: true });
  });

  test('is backed up, verified, lost and restored', async () => {
    const [before, keys] = [server.digest(), inventory(server)];
    expect(keys.length).toBeGreaterThan(3000);
    const { id } = await succeed(run(`${series}-backup`), 'published');
    const verification = await run(`${series}-verify`);
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ id });
    expect(verification.log).toContain("assertion 03 holds: 'in database 3' is equals in database 3");

    await server.down();
    rmSync(data, { recursive: true });
    await succeed(run(`${series}-restore`), 'restored');
    for (const mode of [other.appendOnly, !other.appendOnly]) {
      await server.up(mode);
      expect(server.digest()).toBe(before);
      const found = inventory(server);
      const differing = keys.filter((line, i) => line !== found[i]);
      console.log(`${series}: ${keys.length} keys and functions compared, ${differing.length} differences`);
      expect([differing, found.length]).toEqual([[], keys.length]);
      await server.down();
    }
  });

  if (series !== 'redis8') return;
  test('a client that is older than the server says so', async () => {
    await server.up();
    expect(resultOf(await run('older-backup')).reason).toMatch(/this redis is older than the server: set version to the server's/);
  });
});
