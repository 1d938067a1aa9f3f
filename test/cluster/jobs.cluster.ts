import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resultOf, succeed } from '../e2e/support/rehearse';
import { kubectl, node, output, until } from './kubectl';
import { type EndedJob, type JobSpec, Namespace, RESTRICTED } from './namespace';
import { PostgresServer } from './postgres-server';

// What a Job does when its pod, or what runs it, comes to an end that nobody planned: what it says, whether it is tried again, that it
// publishes nothing, and that the next run finds its way free.

let shop: Namespace;
let server: PostgresServer;

beforeAll(async () => {
  shop = await Namespace.create(`jobs-${Date.now().toString(36)}`, RESTRICTED);
  process.env.NAMESPACE = shop.name;
  server = new PostgresServer(shop);
  await Promise.all([server.start(), shop.applyApp('test/cluster/jobs/main.ts')]);
  await shop.output('wait', 'pod/looker', '--for=condition=Ready', '--timeout=5m');
}, 900_000);
afterEach(() => kubectl(['uncordon', 'node']));
afterAll(() => shop?.delete(), 600_000);

const HOLD = 'begin; lock table pgbench_accounts; select pg_sleep(3600)';
const HOLDERS = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(3600)%' and pid <> pg_backend_pid()";

/** Starts a job while somebody holds a table, and waits until it is in the middle of its dump; its pod. */
async function dumping(job: string, change: (spec: JobSpec) => void = () => {}): Promise<string> {
  const locks = async (which: string) => Number(await server.sql('orders', `select count(*) from pg_locks where ${which}`));
  // It becomes a child of the server, which takes the failure of a child for a crash.
  const holder = `psql -U postgres -d orders -c "${HOLD}" ; exit 0`;
  await shop.output('exec', 'orders-db', '--', 'sh', '-c', `setsid sh -c '${holder}' >/dev/null 2>&1 &`);
  await until('the table is held', async () => (await locks("mode = 'AccessExclusiveLock'")) > 0);
  await shop.createJob(job, 'orders-backup', change);
  await until('the dump waits for the table', async () => (await locks('not granted')) > 0);
  return podOf(job);
}

const goOn = () => server.sql('postgres', HOLDERS);

const podOf = (job: string) => shop.output('get', 'pod', `--selector=job-name=${job}`, '--output=jsonpath={.items[0].metadata.name}');

/** What is in the repository: recovery points, and what is being made. */
async function stored(): Promise<{ readonly published: string[]; readonly staging: string[] }> {
  const names = (await shop.output('exec', 'looker', '--', 'sh', '-c', 'ls -A /backups/orders 2>/dev/null || :')).split('\n');
  return { published: names.filter(name => /^\d/.test(name)), staging: names.filter(name => name.startsWith('.staging')) };
}

const failureOf = ({ job }: EndedJob) =>
  job.status.conditions.find(({ type, status }: { type: string; status: string }) => type === 'Failed' && status === 'True');

/** What is left by a run does not keep the next one, which clears it away; what that says beside its verdict. */
async function nextRun(): Promise<string> {
  const { reason, id } = await succeed(shop.run('orders-backup'), 'published');
  const { published, staging } = await stored();
  expect(published).toContain(id);
  expect(staging).toEqual([]);
  return reason;
}

describe('a run that fails', () => {
  test('is not tried again where no retry can mend it', async () => {
    await shop.createJob('astray', 'orders-backup', ({ template }) => {
      for (const variable of template.spec.containers[0]?.env ?? []) {
        if (variable.name === 'MADE_FOR_NAMESPACE') variable.value = 'another';
      }
    });
    const ended = await shop.ended('astray');
    expect(failureOf(ended)).toMatchObject({ reason: 'PodFailurePolicy' });
    expect(ended.pods).toHaveLength(1);
  });

  test('for want of memory, in the middle of a dump, is tried again; who comes next says so, as it could not', async () => {
    const pod = await dumping('large', spec => {
      for (const container of spec.template.spec.containers) container.resources = { limits: { memory: '96Mi' } };
    });
    const before = await stored();
    expect(before.staging).toHaveLength(1);
    await runOutOfMemory(pod);
    await goOn();
    const ended = await shop.ended('large');
    const [killed, next, ...others] = ended.pods;
    expect(killed?.status.containerStatuses[0].state.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    expect(next?.status.phase).toBe('Succeeded');
    expect(others).toEqual([]);
    const { id, reason } = await succeed(Promise.resolve(ended), 'published');
    expect(reason).toContain('the backup before this one gave no verdict: it was killed (out of memory, or by force)');
    expect(await stored()).toEqual({ published: [...before.published, id], staging: [] });
  });

  test('for want of room on its scratch volume ends: the kubelet evicts it, and that uses up its attempts', async () => {
    const pod = await dumping('wide', spec => {
      spec.backoffLimit = 0;
      for (const { name, emptyDir } of spec.template.spec.volumes) if (name === 'scratch') emptyDir.sizeLimit = '4Mi';
    });
    const before = await stored();
    await shop.output('exec', pod, '--', 'dd', 'if=/dev/zero', 'of=/scratch/more', 'bs=1M', 'count=16');
    const ended = await shop.ended('wide');
    expect(failureOf(ended)).toMatchObject({ reason: 'BackoffLimitExceeded' });
    expect(ended.pods).toHaveLength(1);
    // What README and docs/troubleshooting.md have an operator look at.
    expect(await shop.output('get', 'pods', '--selector=job-name=wide', '--output=custom-columns=KUBELET:.status.message')).toContain(
      'Usage of EmptyDir volume "scratch" exceeds the limit "4Mi"',
    );
    expect((await stored()).published).toEqual(before.published);
    await goOn();
    await nextRun();
  });

  test('is told to stop when its time is over, says so, and leaves nothing that is locked', async () => {
    const pod = await dumping('slow', spec => {
      spec.activeDeadlineSeconds = 3600;
    });
    const before = await stored();
    const log = shop.kubectl(['logs', '--follow', pod]);
    await shop.output('patch', 'job', 'slow', '--type=merge', '--patch={"spec":{"activeDeadlineSeconds":1}}');
    const ended = await shop.ended('slow');
    expect(failureOf(ended)).toMatchObject({ reason: 'DeadlineExceeded' });
    const verdict = JSON.parse((await log).stdout.trim().split('\n').at(-1) ?? '');
    expect(verdict).toMatchObject({ what: 'backup', verdict: 'failed' });
    expect(verdict.reason).toMatch(/^told to stop .*: this run published nothing, and earlier recovery points are untouched$/);
    expect((await stored()).published).toEqual(before.published);
    await goOn();
    expect(await nextRun()).not.toContain('gave no verdict');
  });
});

/** As the kernel ends a container that is over its limit: on cgroup v1 it kills the largest process alone, on v2 all of them at once. */
async function runOutOfMemory(pod: string): Promise<void> {
  await shop.kubectl(['exec', pod, '--', 'tail', '/dev/zero']);
  const script = `for id in $(ctr -n k8s.io containers ls -q "labels.io.kubernetes.pod.name==$0,labels.io.kubernetes.container.name==backup"); do
    ctr -n k8s.io tasks kill --signal SIGKILL "$id"
  done`;
  await node().run(['sh', '-c', script, pod]);
}

describe('a disruption', () => {
  const drain = (...jobs: string[]) =>
    output([
      'drain',
      'node',
      `--pod-selector=job-name in (${jobs.join(',')})`,
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--timeout=5m',
    ]);

  test('by a drain costs a backup no attempt: the next pod goes on as soon as there is a node', async () => {
    const pod = await dumping('drained');
    await drain('drained');
    await until('another pod waits for a node', async () => {
      const name = await podOf('drained').catch(() => pod);
      return name !== pod && (await shop.object('pod', name))?.status.phase === 'Pending';
    });
    await output(['uncordon', 'node']);
    await goOn();
    const ended = await shop.ended('drained');
    await succeed(Promise.resolve(ended), 'published');
    expect(ended.job.status.failed ?? 0).toBe(0);
  });

  test('by a drain ends a restore, which is not run again: the Job says what ended it', async () => {
    await server.sql('postgres', 'drop database orders with (force)');
    await server.answers(false);
    await shop.createJob('restore-drained', 'orders-restore');
    await server.waitsForIt('restore-drained');
    await drain('restore-drained');
    const ended = await shop.ended('restore-drained');
    expect(failureOf(ended)).toMatchObject({ reason: 'PodFailurePolicy', message: expect.stringContaining('DisruptionTarget') });
    await output(['uncordon', 'node']);
    await server.answers(true);
    await succeed(shop.run('orders-restore'), 'restored');
  });

  test('of a pod that is deleted by force is made good by another one', async () => {
    const pod = await dumping('forced');
    await shop.output('delete', 'pod', pod, '--force', '--grace-period=0');
    await goOn();
    await succeed(shop.ended('forced'), 'published');
    await nextRun();
  });

  test.each(['containerd', 'kubelet'])('of %s, which is killed and comes again in the middle of a dump, is not noticed', async daemon => {
    const pod = await dumping(`beside-${daemon}`);
    await node().kill(daemon);
    await node().start(daemon);
    await until('the node answers', async () => (await shop.kubectl(['exec', pod, '--', 'true'])).exitCode === 0);
    await goOn();
    const ended = await shop.ended(`beside-${daemon}`);
    await succeed(Promise.resolve(ended), 'published');
    expect(
      ended.pods.map(({ metadata }) => metadata.name),
      ended.log,
    ).toEqual([pod]);
    expect(resultOf(ended).reason).toBe('');
  });
});
