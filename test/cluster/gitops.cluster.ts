import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resultOf, succeed, withSynthesized } from '../e2e/support/rehearse';
import { until } from './kubectl';
import { type ClusterObject, Namespace, RESTRICTED } from './namespace';
import { PostgresServer } from './postgres-server';

// What is in Git is applied again and again, by whatever deploys it, also while a restore runs and long after it. A restore that ran a
// second time by itself would take back what was written since.

let shop: Namespace;
let server: PostgresServer;

beforeAll(async () => {
  shop = await Namespace.create(`gitops-${Date.now().toString(36)}`, RESTRICTED);
  server = new PostgresServer(shop);
  await Promise.all([server.start(), synchronize()]);
  await succeed(shop.run('orders-backup'), 'published');
}, 900_000);
afterAll(() => shop?.delete(), 600_000);

/** Applies what is in Git, as Argo CD and Flux do; what is refused. */
async function synchronize(environment: { [name: string]: string } = {}): Promise<string> {
  Object.assign(process.env, { NAMESPACE: shop.name, RESTORED_AS: '', MEMORY: '512' }, environment);
  return withSynthesized('test/cluster/gitops/main.ts', async dist => {
    const { stderr } = await shop.kubectl(['apply', '--server-side', '--force-conflicts', '--filename', dist]);
    return stderr;
  });
}

const accounts = (database: string) => server.sql(database, 'select count(*) from pgbench_accounts');
const write = (database: string) => server.sql(database, 'insert into pgbench_accounts values (0)');
const jobs = async () => (await shop.objects('jobs')).map(({ metadata }) => metadata.name);
const restores = () => shop.objects('jobs', 'app.kubernetes.io/component=restore');

describe('a restore on demand', () => {
  test('runs when somebody starts it, and goes on while what is in Git is applied', async () => {
    await server.sql('postgres', 'drop database orders with (force)');
    await server.answers(false);
    const job = await shop.start('orders-restore');
    const pod = await server.waitsForIt(job);
    expect(await synchronize({ MEMORY: '600' })).toBe('');
    expect(await server.waitsForIt(job)).toBe(pod);
    await server.answers(true);
    const { pods } = await shop.ended(job).then(async ended => ({ ...ended, ...(await succeed(Promise.resolve(ended), 'restored')) }));
    expect(pods.map(({ metadata }) => metadata.name)).toEqual([pod]);
    expect(await accounts('orders')).toBe('20000');
  });

  test('does not run again: not when it is applied, not when its job is cleaned up, not when somebody lets it go by its schedule', async () => {
    await write('orders');
    const before = await jobs();
    await shop.output('patch', 'cronjob', 'orders-restore', '--type=merge', '--patch={"spec":{"suspend":false}}');
    await until('the controller has looked when it is due', async () => {
      const said = await shop.output(
        'get',
        'events',
        '--field-selector=involvedObject.name=orders-restore',
        '--output=jsonpath={.items[*].message}',
      );
      return said.includes('schedule');
    });
    expect(await synchronize()).toBe('');
    expect((await shop.object('cronjob', 'orders-restore'))?.spec.suspend).toBe(true);
    for (const { metadata } of await restores()) await shop.output('delete', 'job', metadata.name);
    expect(await synchronize()).toBe('');
    expect(await jobs()).toEqual(before.filter(name => !name.startsWith('orders-restore')));
    expect(await accounts('orders')).toBe('20001');
  });
});

describe('a restore that is a Job', () => {
  let job: ClusterObject;
  const theOne = async () => {
    const found = (await restores()).filter(({ metadata }) => metadata.name.startsWith('orders-once'));
    expect(found).toHaveLength(1);
    return found[0] as ClusterObject;
  };

  test('runs when it is applied, once, however often that is', async () => {
    await server.answers(false);
    expect(await synchronize({ RESTORED_AS: 'looked_at' })).toBe('');
    job = await theOne();
    const pod = await server.waitsForIt(job.metadata.name);
    expect(await synchronize({ RESTORED_AS: 'looked_at' })).toBe('');
    expect((await theOne()).metadata.uid).toBe(job.metadata.uid);
    expect(await server.waitsForIt(job.metadata.name)).toBe(pod);
  });

  test('is left to its work by a change of its pods: the API server refuses that, and applies the rest', async () => {
    expect(await synchronize({ RESTORED_AS: 'looked_at', MEMORY: '600' })).toMatch(
      /^The Job "orders-once-\w+" is invalid: .*field is immutable\n$/s,
    );
    expect(await restores()).toHaveLength(1);
    const { jobTemplate } = (await shop.object('cronjob', 'orders-restore'))?.spec ?? {};
    expect(jobTemplate.spec.template.spec.containers[0].resources.limits.memory).toBe('600Mi');
    await server.answers(true);
    await succeed(shop.ended(job.metadata.name), 'restored');
  });

  test('does not run again when it has ended, whatever is changed but the request', async () => {
    await write('looked_at');
    expect(await synchronize({ RESTORED_AS: 'looked_at' })).toBe('');
    expect(await synchronize({ RESTORED_AS: 'looked_at', MEMORY: '700' })).toContain('field is immutable');
    expect((await theOne()).metadata.uid).toBe(job.metadata.uid);
    expect((await theOne()).status).toEqual((await shop.ended(job.metadata.name)).job.status);
    expect(await accounts('looked_at')).toBe('20001');
  });

  test('runs again when somebody has deleted it and left it in Git, and refuses to replace what is there', async () => {
    await shop.output('delete', 'job', job.metadata.name);
    expect(await synchronize({ RESTORED_AS: 'looked_at' })).toBe('');
    const { reason } = resultOf(await shop.ended((await theOne()).metadata.name));
    expect(reason).toContain('looked_at');
    expect(await accounts('looked_at')).toBe('20001');
  });
});
