import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type ImageCatalog } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { inImage } from '../support/in-image';
import { RabbitmqServer } from '../support/rabbitmq-server';
import { request, resultOf, succeed, synthesize, until } from '../support/rehearse';

// The definitions of RabbitMQ: every object comes back, in a throw-away broker and in a new one.

const NAMESPACE = 'messaging';
/** The other half of the recipient in main.ts. */
const IDENTITY = 'AGE-SECRET-KEY-1H78SRFKAVAK22V9FP55GG6SYVH9XW2W2HDTZRWE440938UFZRJMS3SSR3R';
const VHOST = 'shop ж';

/** A bit of everything that can be defined. */
const DEFINITIONS = {
  users: [
    {
      name: 'app',
      password_hash: 'CcppyFfvmt65dJEIjpkphQh22OukefdtVYtudPGqvE8ppfI7',
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: ['monitoring'],
      limits: {},
    },
  ],
  vhosts: [{ name: VHOST, metadata: { description: 'orders', tags: ['a'] } }],
  permissions: [{ user: 'app', vhost: VHOST, configure: '^$', write: '.*', read: '.*' }],
  topic_permissions: [{ user: 'app', vhost: VHOST, exchange: 'amq.topic', write: '^a', read: '^b' }],
  policies: [{ vhost: VHOST, name: 'expire', pattern: '^w', 'apply-to': 'queues', definition: { 'message-ttl': 60000 }, priority: 3 }],
  exchanges: [
    {
      vhost: VHOST,
      name: 'orders "new"',
      type: 'topic',
      durable: true,
      auto_delete: false,
      internal: false,
      arguments: { 'alternate-exchange': 'amq.fanout' },
    },
  ],
  queues: [
    { vhost: VHOST, name: 'waiting', durable: true, auto_delete: false, arguments: { 'x-max-length': 1000, 'x-queue-type': 'classic' } },
  ],
  bindings: [
    {
      vhost: VHOST,
      source: 'orders "new"',
      destination: 'waiting',
      destination_type: 'queue',
      routing_key: 'order.#',
      arguments: { a: 1 },
    },
    { vhost: VHOST, source: 'orders "new"', destination: 'amq.direct', destination_type: 'exchange', routing_key: 'x', arguments: {} },
  ],
};

/** What brokers have besides: queues of every type, and more of them than the limit allows that somebody has set since. */
const FULL = 'full';
const MORE = {
  vhosts: [{ name: FULL, metadata: { description: 'more queues than it may have', tags: [] } }],
  users: [
    {
      name: 'ü "quoted" /',
      password_hash: 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR',
      hashing_algorithm: 'rabbit_password_hashing_sha512',
      tags: ['impersonator', 'policymaker'],
      limits: { 'max-connections': 3 },
    },
  ],
  queues: [
    { name: 'one', arguments: { 'x-max-priority': 10 } },
    { name: 'q"\\/ж', arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 } },
    { name: 'n'.repeat(255), arguments: { 'x-queue-type': 'stream', 'x-max-age': '7D' } },
  ].map(queue => ({ vhost: FULL, durable: true, auto_delete: false, ...queue })),
  exchanges: ['direct', 'fanout', 'headers', 'topic'].map(type => ({
    vhost: FULL,
    name: `e ${type}`,
    type,
    ...{ durable: true, auto_delete: false, internal: type === 'fanout', arguments: {} },
  })),
  bindings: [
    {
      ...{ vhost: FULL, source: 'e headers', destination: 'one', destination_type: 'queue', routing_key: '' },
      arguments: { 'x-match': 'any', a: 1, b: 'two', c: true, d: 1.5 },
    },
  ],
  parameters: [
    {
      ...{ vhost: FULL, component: 'operator_policy', name: 'ceiling' },
      value: { 'apply-to': 'queues', definition: { 'max-length': 7 }, pattern: '.*', priority: 1 },
    },
  ],
};

const PLANTED = 'planted-4111111111111111';
/** What begins to move messages as soon as it is there, with a password for where it leads to. */
const MOVING = [
  {
    vhost: VHOST,
    component: 'shovel',
    name: 'away',
    value: { 'src-uri': `amqp://app:${PLANTED}@127.0.0.1:5999`, 'src-queue': 'waiting', 'dest-uri': 'amqp://', 'dest-queue': 'elsewhere' },
  },
  { vhost: VHOST, component: 'federation-upstream', name: 'other', value: { uri: `amqp://app:${PLANTED}@127.0.0.1:5999` } },
];

describe.each([
  { platform: 'dist', image: 'rabbitmq:4.0.9-management', version: 'RabbitMQ 4.0, from the committed dist/', plugins: [], moving: [] },
  {
    platform: 'test/e2e/engines/rabbitmq/main.ts',
    image: 'rabbitmq:3.13.7-management',
    version: 'RabbitMQ 3',
    plugins: ['rabbitmq_shovel', 'rabbitmq_federation'],
    moving: MOVING,
  },
])('$version', ({ platform, image, version, plugins, moving }) => {
  const dist = platform === 'dist' ? platform : synthesize(platform);
  let cluster: Cluster;
  let images: ImageCatalog;
  let server: RabbitmqServer;
  let before: { [kind: string]: string[] };
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `events-${operation}` });

  function point(at: RabbitmqServer): void {
    cluster.moveService(NAMESPACE, 'broker', at.address);
    cluster.secret(NAMESPACE, 'broker-backup', { username: at.username, password: at.password });
  }

  beforeAll(async () => {
    images = await imagesOfDist();
    cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
    cluster.claim(NAMESPACE, 'backups');
    cluster.secret(NAMESPACE, 'backup-identity', { identity: IDENTITY });
    server = await RabbitmqServer.start(imageNamed(images, image), plugins);
    await server.define({ ...DEFINITIONS, parameters: moving });
    await server.define(MORE);
    await server.request('PUT', `/api/vhost-limits/${FULL}/max-queues`, { value: 1 });
    cluster.service(NAMESPACE, 'broker', server.address);
    point(server);
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
    if (dist !== 'dist') rmSync(dist, { recursive: true });
  });

  test('a backup publishes a recovery point', async () => {
    before = await server.definitions();
    const counted = async () => (await server.request('GET', '/api/queues')).some((queue: { messages?: number }) => queue.messages === 0);
    await until('the broker has counted its messages', counted);
    expect(await succeed(run('backup'), 'published')).toMatchObject({ what: 'backup', series: 'events', reason: '' });
  });

  test('a verification starts a broker of its own from it, and compares every object', async () => {
    const verification = await run('verify');
    await succeed(Promise.resolve(verification), 'verified');
    expect(verification.log).toMatch(/assertion 01 holds: 'waiting' is equals waiting/);
    expect(verification.log).not.toContain(server.address);
  });

  test('a restore of what is there as it was changes nothing', async () => {
    request(cluster, NAMESPACE, 'events', {});
    await succeed(run('restore'), 'restored');
    expect(await server.definitions()).toEqual(before);
  });

  test('what was deleted comes back; users who exist keep their passwords', async () => {
    await server.request('DELETE', `/api/vhosts/${encodeURIComponent(VHOST)}`);
    await server.request('PUT', '/api/users/app', { password: 'another', tags: 'monitoring' });
    const [user] = (await server.definitions()).users.filter((each: string) => each.includes('"app"'));
    request(cluster, NAMESPACE, 'events', { moveMessages: 'yes' });
    const { reason } = await succeed(run('restore'), 'restored');
    // The verdict says what is not as it was.
    expect(reason).toMatch(
      /^1 users, virtual hosts and global parameters that the broker already had keep its passwords .* \(users app\)$/,
    );
    const after = await server.definitions();
    expect(after.users).toContain(user);
    expect({ ...after, users: [] }).toEqual({ ...before, users: [] });
  });

  test('a policy that differs is overwritten only when that is asked for, and after a safety backup', async () => {
    const path = `/api/policies/${encodeURIComponent(VHOST)}/expire`;
    await server.request('PUT', path, { pattern: '^other', definition: { 'message-ttl': 1 }, 'apply-to': 'queues', priority: 0 });
    const changed = await server.definitions();
    const refused = await run('restore');
    expect(resultOf(refused).reason).toMatch(
      /^the broker has other values for policies shop ж expire: nothing was changed\. Set replace to yes/,
    );
    request(cluster, NAMESPACE, 'events', { replace: 'yes' });
    expect(resultOf(await run('restore')).reason).toMatch(
      /no backup would keep those: nothing was changed\. Set safetyBackup to yes, too$/,
    );
    expect(await server.definitions()).toEqual(changed);

    request(cluster, NAMESPACE, 'events', { replace: 'yes', safetyBackup: 'yes' });
    const restored = await run('restore');
    await succeed(Promise.resolve(restored), 'restored');
    expect(restored.log).toMatch(/safety backup published as \S+ of series events-safety/);
    expect((await server.definitions()).policies).toEqual(before.policies);
  });

  test('a queue with other properties stops a restore before anything is changed', async () => {
    const path = `/api/queues/${encodeURIComponent(VHOST)}/waiting`;
    await server.request('DELETE', path);
    await server.request('PUT', path, { durable: true, auto_delete: false, arguments: { 'x-max-length': 1 } });
    const changed = await server.definitions();
    const refused = await run('restore');
    expect(resultOf(refused).reason).toMatch(
      /^the broker has other properties for queues shop ж waiting: nothing was changed\. .* delete it first$/,
    );
    expect(await server.definitions()).toEqual(changed);
  });

  test('the broker is lost: a new one gets everything', async () => {
    await server.stop();
    server = await RabbitmqServer.start(imageNamed(await imagesOfDist(), image), plugins);
    point(server);
    request(cluster, NAMESPACE, 'events', {});
    const { reason } = await succeed(run('restore'), 'restored');
    if (moving.length > 0) {
      expect(reason).toMatch(
        /2 shovels and upstreams of federations were not imported \(parameters shop ж federation-upstream other, .*moveMessages/,
      );
      expect(JSON.stringify((await server.definitions()).parameters)).not.toMatch(/shovel|federation/);
      request(cluster, NAMESPACE, 'events', { moveMessages: 'yes' });
      expect((await succeed(run('restore'), 'restored')).reason).not.toContain('moveMessages');
    }
    const after = await server.definitions();
    const lost = Object.entries(before).flatMap(([kind, objects]) => objects.filter(each => !after[kind].includes(each)));
    // The new broker's own administrator, whose password is salted anew.
    const own = lost.filter(each => each.includes(`"name":"${server.username}"`));
    console.log(`${version}: ${Object.values(before).flat().length} objects compared, ${lost.length - own.length} differences`);
    expect({ ...after, users: [] }).toEqual({ ...before, users: [] });
    expect(after.users).toContainEqual(before.users?.find(user => user.includes('"app"')));
  });

  test('the password is in no argument, log or result; messages that are left out are in the verdict', async () => {
    const seen: string[] = [];
    const host = encodeURIComponent(VHOST);
    await server.request('PUT', `/api/permissions/${host}/${server.username}`, { configure: '.*', write: '.*', read: '.*' });
    await server.request('POST', `/api/exchanges/${host}/amq.default/publish`, {
      ...{ properties: { delivery_mode: 2 }, routing_key: 'waiting', payload: 'planted', payload_encoding: 'string' },
    });
    await until(
      'the broker has counted the message',
      async () => (await server.request('GET', `/api/queues/${host}/waiting`)).messages === 1,
    );
    const backup = await cluster.run(
      { kind: 'CronJob', namespace: NAMESPACE, name: 'events-backup' },
      {
        onPod: async pod => {
          let over = false;
          void pod.done.then(() => {
            over = true;
          });
          while (!over) {
            seen.push(...pod.processes().map(argv => argv.join(' ')));
            await new Promise(resolve => setTimeout(resolve, 20));
          }
        },
      },
    );
    // What no definition holds is in the verdict.
    const { reason } = await succeed(Promise.resolve(backup), 'published');
    expect(reason).toBe(
      `1 messages in 1 durable queues are not in this recovery point, which holds definitions only: most were in ${VHOST} waiting`,
    );
    expect(seen.join('\n')).toContain('definitions.escript export');
    expect(`${seen.join('\n')}${backup.log}${JSON.stringify(backup.result)}`).not.toContain('correct "horse"');
  });

  if (platform === 'dist') return;
  test('a throw-away broker has shovels and upstreams that lead nowhere', () => {
    const directory = mkdtempSync(join(tmpdir(), 'e2e-still-'));
    chmodSync(directory, 0o777);
    copyFileSync('lib/engines/rabbitmq/definitions.escript', join(directory, 'definitions.escript'));
    writeFileSync(join(directory, 'in.json'), JSON.stringify({ ...DEFINITIONS, parameters: MOVING }));
    const libraries = 'export LIBRARIES="$(dirname "$(dirname "$(readlink -f "$(command -v rabbitmq-server)")")")/plugins"';
    const script = (...words: string[]) =>
      spawnSync(
        'unshare',
        inImage(imageNamed(images, image), directory, 999, [
          'sh',
          '-ec',
          `${libraries}; exec escript /srv/definitions.escript "$@"`,
          'sh',
          ...words,
        ]),
        {
          encoding: 'utf8',
          env: { PATH: `/opt/rabbitmq/sbin:${process.env.PATH}`, HOME: '/srv' },
        },
      );
    expect(script('still', '/srv/in.json', '/srv/out.json').status).toBe(0);
    const { parameters, ...others } = JSON.parse(readFileSync(join(directory, 'out.json'), 'utf8'));
    expect(JSON.stringify(parameters)).not.toMatch(/planted|5999/);
    expect(parameters[0].value).toEqual({ ...MOVING[0]?.value, 'src-uri': 'amqp://127.0.0.1:1', 'dest-uri': 'amqp://127.0.0.1:1' });
    expect(others).toEqual({ ...DEFINITIONS, parameters: undefined });
    // Erlang itself would print what it could not read.
    writeFileSync(join(directory, 'in.json'), JSON.stringify({ parameters: MOVING }).slice(0, -5));
    const torn = script('still', '/srv/in.json', '/srv/out.json');
    expect([torn.status, torn.stderr]).toEqual([1, expect.stringMatching(/^error: still ended with error /)]);
    expect(torn.stdout + torn.stderr).not.toContain('planted');
    rmSync(directory, { recursive: true });
  });

  test('a user who may not export definitions is told so', async () => {
    await server.request('PUT', '/api/users/reader', { password: 'secret', tags: 'monitoring' });
    cluster.secret(NAMESPACE, 'broker-backup', { username: 'reader', password: 'secret' });
    expect(resultOf(await run('backup')).reason).toMatch(
      /error: user reader is not allowed to export definitions: it needs the tag administrator/,
    );
  });
});
