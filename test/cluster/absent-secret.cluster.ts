import { afterAll, beforeAll, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { succeed } from '../e2e/support/rehearse';
import { until } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { secret } from './server';

// What is wrong with the Secret of a quiesce costs a backup, and no server.

const NAME = 'absent-secret';
let cache: Namespace;

beforeAll(async () => {
  cache = await Namespace.create(NAME, RESTRICTED);
  process.env.NAMESPACE = NAME;
  await cache.applyApp('test/cluster/absent-secret/main.ts');
}, 300_000);
afterAll(() => cache?.delete(), 300_000);

const ready = () => cache.output('wait', 'pod/cache-db-0', '--for=condition=Ready', '--timeout=2m');
const fails = async (says: RegExp) => {
  const ended = await cache.run('cache-snapshot');
  failure(ended, says);
  // A retry would mend nothing, and may lock the account.
  expect(ended.pods).toHaveLength(1);
};
/** As a reason says it. */
const startAgentAnew = async () => {
  const starts = async () => {
    const [pod] = await cache.objects('pods', 'app=cache-db');
    return pod?.status.containerStatuses.map(({ restartCount }: { restartCount: number }) => restartCount);
  };
  const before = await starts();
  await cache.output('exec', 'cache-db-0', '-c', 'quiesce', '--', 'sh', '-c', 'kill 1');
  await until('the agent was started anew', async () => JSON.stringify(await starts()) !== JSON.stringify(before));
  await ready();
  // The server was not.
  expect((await starts()).sort()).toEqual([0, Math.max(...before) + 1]);
};

test('a server is in service without the Secret of its agent, and the run says which is missing and what to do', async () => {
  await until('the pod is there', async () => (await cache.object('pod', 'cache-db-0')) !== undefined);
  await ready();
  await fails(
    /pod cache-db-0 .* could not be held: valkey is not held: it has no credentials: Secret cache-quiesce has no key username, .*: kubectl exec cache-db-0 -c quiesce -- sh -c 'kill 1'/,
  );
});

test('a password that the server refuses is tried once', async () => {
  await cache.apply(secret('cache-quiesce', { username: 'default', password: 'wrong' }));
  await startAgentAnew();
  await fails(/valkey is not held: .*WRONGPASS/);
});

test('the right one is used as soon as the agent is started anew, and nothing else', async () => {
  await cache.apply(secret('cache-quiesce', { username: 'default', password: 'right' }));
  await startAgentAnew();
  await succeed(cache.run('cache-snapshot'), 'published');
});
