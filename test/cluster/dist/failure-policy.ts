import { expect, test } from 'vitest';
import { succeed } from '../../e2e/support/rehearse';
import { until } from '../kubectl';
import { server, shop } from './shop';

/** What a Job of dist/ does when its pod comes to an end that nobody planned; after `postgresComesBack`, which has brought up its server. */
export function jobsFail(): void {
  test('what no retry can mend is not tried again', async () => {
    await shop.createJob('astray', 'orders-backup', spec => {
      for (const variable of spec.template.spec.containers[0]?.env ?? []) {
        if (variable.name === 'MADE_FOR_NAMESPACE') variable.value = 'another';
      }
    });
    const { job, pods } = await shop.ended('astray');
    expect(job.status.conditions).toContainEqual(expect.objectContaining({ type: 'Failed', reason: 'PodFailurePolicy' }));
    expect(pods).toHaveLength(1);
  });

  test('an eviction costs no attempt: the next pod goes on', async () => {
    await server.answers(false);
    await shop.createJob('evicted', 'orders-backup');
    const pod = await server.waitsForIt('evicted');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: shop.name } };
    const path = `/api/v1/namespaces/${shop.name}/pods/${pod}/eviction`;
    const { exitCode, stderr } = await shop.kubectl(['create', `--raw=${path}`, '--filename=-'], {
      input: Buffer.from(JSON.stringify(eviction)),
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await until('another pod waits', async () => (await server.waitsForIt('evicted')) !== pod);
    await server.answers(true);
    const { job, succeeded, log } = await shop.ended('evicted');
    expect(succeeded, log).toBe(true);
    expect(job.status.failed ?? 0).toBe(0);
  });

  test('a pod that is deleted by force is replaced, and what it left does not stand in the way', async () => {
    await server.answers(false);
    await shop.createJob('forced', 'orders-backup');
    const pod = await server.waitsForIt('forced');
    await shop.output('delete', 'pod', pod, '--force', '--grace-period=0');
    await until('another pod waits', async () => (await server.waitsForIt('forced')) !== pod);
    await server.answers(true);
    const { succeeded, log } = await shop.ended('forced');
    expect(succeeded, log).toBe(true);
    await succeed(shop.run('orders-backup'), 'published');
  });
}
