import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { FaultTable, failure } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { RedisServer } from '../support/redis-server';
import { succeed } from '../support/rehearse';
import { NAMESPACE, platform } from './encryption/restic-platform';

// The passwords of a restic repository are exchanged while it is in use, and a drill tells the one that opens it from the one that does not.

const table = new FaultTable('keys of restic');
const dists: string[] = [];
let cluster: Cluster;
let redis: RedisServer;
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `cache-${operation}` });
const secret = (name: string, password: string) => cluster.secret(NAMESPACE, name, { password });

beforeAll(async () => {
  const images = await imagesOfDist();
  dists.push(platform('first'));
  cluster = await Cluster.create({ manifests: dists, images, backoffSeconds: 0.1 });
  cluster.claim(NAMESPACE, 'restic');
  redis = await RedisServer.start({ image: imageNamed(images, 'redis:7.2.14-bookworm'), directory: cluster.claim(NAMESPACE, 'data') });
  redis.feed(['set a b']);
  cluster.service(NAMESPACE, 'cache', redis.address);
  cluster.secret(NAMESPACE, 'cache', { username: 'default', password: redis.password });
  secret('first', 'the first password');
  secret('next', 'the second password');
  secret('escrow', 'the second password');
});

afterAll(async () => {
  await cluster?.destroy();
  await redis?.stop();
  for (const dist of dists) rmSync(dist, { recursive: true, force: true });
  table.print();
});

test('a drill with a password that opens nothing fails', async () => {
  const { id } = await succeed(run('backup'), 'published');
  const { reason } = failure(await run('drill'), /the password of the restic repository at .* is wrong/);
  table.add('drill with a key that is none', reason, id);
});

test('a key is added and proved; then the drill succeeds with it', async () => {
  const added = await run('add-key');
  await succeed(Promise.resolve(added), 'succeeded');
  expect(added.log).toMatch(/the new key [0-9a-f]+ opens the repository, which now has 2 keys/);
  expect(added.log).not.toContain('the second password');
  expect((await run('add-key')).log).toMatch(/the repository has this key already/);
  await succeed(run('drill'), 'verified');
});

test('the key in force is not removed', async () => {
  const refused = await run('remove-key');
  expect(refused.reason).toBe('PodFailurePolicy');
  table.add('removing the key in force', failure(refused, /the old key is still in use/).reason, 'nothing was removed');
});

test('the old key is removed when the new one is in force, and opens nothing from then on', async () => {
  dists.push(platform('next'));
  cluster.apply(dists.slice(-1));
  const removed = await run('remove-key');
  await succeed(Promise.resolve(removed), 'succeeded');
  expect(removed.log).toMatch(/removed key [0-9a-f]+; 1 is left/);
  expect((await run('remove-key')).log).toMatch(/it has been removed already/);
  const { id } = await succeed(run('verify'), 'verified');
  secret('escrow', 'the first password');
  table.add('drill with the removed key', failure(await run('drill'), /is wrong/).reason, `${id}, verified with the new one`);
});
