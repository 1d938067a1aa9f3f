import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withSynthesized } from '../e2e/support/rehearse';
import { readManifests } from '../manifests/manifest';
import type { Manifest } from '../support/synth';
import { until } from './kubectl';
import { type JobSpec, Namespace, RESTRICTED } from './namespace';
import { type Received, Receiver } from './notifier/receiver';

// What a notifier tells of jobs that end as jobs do on a Kubernetes, most of which can say nothing themselves. What they do is made up.

const KEY = 'a key that the receiver has, too';

let shop: Namespace;
let receiver: Receiver;

interface Message {
  readonly id: string;
  readonly outcome: string;
  readonly cronJob: string;
  readonly job: string;
  readonly cause: string | null;
  readonly reason: string;
  readonly [member: string]: unknown;
}

beforeAll(async () => {
  receiver = await Receiver.start();
  shop = await Namespace.create(`notifier-${Date.now().toString(36)}`, RESTRICTED);
  Object.assign(process.env, { NAMESPACE: shop.name, PORT: String(Receiver.PORT) });
  const manifests = await withSynthesized('test/cluster/notifier/main.ts', readManifests);
  await shop.apply(
    ...[
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'receiver' }, data: { 'ca.crt': receiver.authority } },
      {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'receiver' } },
        stringData: { slack: `${Receiver.URL}/slack/secret`, hook: `${Receiver.URL}/hook/secret\n`, key: KEY },
      },
    ],
    ...manifests.map(each => (each.kind === 'Deployment' ? impatient(each) : each.kind === 'CronJob' ? standIn(each) : each)),
  );
  await shop.output('wait', 'deployment/backup-notifier', '--for=condition=Available', '--timeout=5m');
}, 600_000);
afterAll(async () => {
  await receiver?.stop();
  await shop?.delete();
}, 300_000);

/** One that does not wait for two minutes until it says that a job has no pod, and is asked at once whether it is ready. */
function impatient(deployment: Manifest): Manifest {
  deployment.spec.template.spec.containers[0].readinessProbe.periodSeconds = 2;
  deployment.spec.template.spec.containers[0].env.push({ name: 'NOTIFIER_WITHOUT_POD', value: '5' });
  return deployment;
}

/** A CronJob that nothing starts by itself, and that tries once. Its pods are as restricted as they were, and need nothing. */
function standIn(cronJob: Manifest): Manifest {
  const { spec } = cronJob.spec.jobTemplate.spec.template;
  const [{ name, securityContext }] = spec.containers;
  cronJob.spec.suspend = true;
  cronJob.spec.jobTemplate.spec.backoffLimit = 0;
  cronJob.spec.jobTemplate.spec.template.spec = {
    ...{ restartPolicy: 'Never', automountServiceAccountToken: false, terminationGracePeriodSeconds: 0 },
    securityContext: spec.securityContext,
    containers: [
      { name, image: 'busybox:1.37.0-musl', command: ['true'], securityContext, terminationMessagePolicy: 'FallbackToLogsOnError' },
    ],
  };
  return cronJob;
}

let runs = 0;

/** Starts a job by hand, whose container does this; its name. */
async function run(cronJob: string, script: string, change: (spec: JobSpec) => void = () => {}): Promise<string> {
  runs += 1;
  const name = `${cronJob}-${runs}`;
  await shop.createJob(name, cronJob, spec => {
    for (const container of spec.template.spec.containers) container.command = ['sh', '-c', script];
    change(spec);
  });
  return name;
}

/** What run.sh leaves. */
const says = (verdict: string, reason = '') => {
  const line = {
    what: 'backup',
    series: 'good',
    id: '20260801T000000Z-aaaaa',
    bytes: 4711,
    seconds: 12,
    restoreSeconds: null,
    verdict,
    reason,
  };
  return `echo '${JSON.stringify(line)}' >/dev/termination-log`;
};

const messages = (): Message[] =>
  receiver
    .received()
    .filter(({ path }) => path === '/hook/secret')
    .map(({ body }) => JSON.parse(body));

/** Waits for what the receiver is told of a job, of which there may be several messages. */
async function told(job: string, outcome: string): Promise<Message> {
  const find = () => messages().find(each => each.job === job && each.outcome === outcome);
  await until(`${job} is told: ${outcome}`, () => find() !== undefined, 120).catch(async problem => {
    throw new Error(`${problem}\n${JSON.stringify(messages())}\n${await shop.output('logs', 'deployment/backup-notifier')}`);
  });
  return find() as Message;
}

const slackOf = (cronJob: string): string[] =>
  receiver
    .received()
    .filter(({ path }) => path === '/slack/secret')
    .map(({ body }) => JSON.parse(body).text as string)
    .filter(text => text.includes(`*${cronJob}*`));

/** Events as `kubectl describe` shows them. */
async function described(cronJob: string): Promise<string> {
  let text = '';
  await until(`${cronJob} has an event`, async () => {
    text = await shop.output('describe', 'cronjob', cronJob);
    return text.includes('cdk8s-backup-notifier');
  });
  return text;
}

describe('is told:', () => {
  test('all at a time', async () => {
    const isSigned = ({ headers, body }: Received) => {
      const [[time], [signature]] = [headers['X-Backup-Timestamp'] ?? [], headers['X-Backup-Signature'] ?? []];
      return signature === `sha256=${createHmac('sha256', KEY).update(`${time}.${body}`).digest('hex')}`;
    };
    const good = await run('good-backup', says('published', 'nothing was seen of "roles"'));
    const failed = await run('failed-backup', `${says('failed', 'the server <db> said "no" & went')}; exit 1`);
    const killed = await run('killed-backup', 'exec tail /dev/zero', ({ template }) => {
      for (const container of template.spec.containers) container.resources = { limits: { memory: '16Mi' } };
    });
    const slow = await run('slow-backup', 'exec sleep 100000', spec => {
      spec.activeDeadlineSeconds = 12;
    });
    const unpulled = await run('unpulled-backup', 'true', ({ template }) => {
      for (const container of template.spec.containers) container.image = 'registry.example/nobody/has:1';
    });
    const refused = await run('refused-backup', 'true', ({ template }) => {
      Object.assign(template.spec, { serviceAccountName: 'nobody' });
    });
    const moved = await run('moved-restore', 'exec sleep 100000');
    const podOf = async () => (await shop.objects('pods', `job-name=${moved}`)).find(({ status }) => status?.phase === 'Running');
    await until('its pod runs', async () => (await podOf()) !== undefined);
    const pod = (await podOf())?.metadata.name ?? '';
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace: shop.name } };
    const path = `/api/v1/namespaces/${shop.name}/pods/${pod}/eviction`;
    const evicted = await shop.kubectl(['create', `--raw=${path}`, '--filename=-'], { input: Buffer.from(JSON.stringify(eviction)) });
    expect(evicted.exitCode, evicted.stderr).toBe(0);

    expect(await told(good, 'success')).toMatchObject({
      ...{ version: 1, cluster: 'test', namespace: shop.name, series: 'good', operation: 'backup', cronJob: 'good-backup' },
      ...{ verdict: 'published', recoveryPoint: '20260801T000000Z-aaaaa', bytes: 4711, seconds: 12, cause: null },
      reason: 'nothing was seen of "roles"',
    });
    expect(await told(failed, 'failure')).toMatchObject({ cause: 'Failed', verdict: 'failed', reason: 'the server <db> said "no" & went' });
    expect(await told(killed, 'failure')).toMatchObject({
      cause: 'OOMKilled',
      reason: expect.stringContaining('container backup was killed for want of memory'),
    });
    expect(await told(slow, 'failure')).toMatchObject({
      cause: 'DeadlineExceeded',
      reason: expect.stringContaining('not done within its time'),
    });
    expect(await told(unpulled, 'stuck')).toMatchObject({ cause: expect.stringMatching(/^(ErrImagePull|ImagePullBackOff)$/) });
    expect(await told(refused, 'stuck')).toMatchObject({
      cause: 'FailedCreate',
      reason: expect.stringContaining(`kubectl describe job ${refused}`),
    });
    expect(await told(moved, 'failure')).toMatchObject({
      cause: expect.stringMatching(/^(EvictionByEvictionAPI|DisruptionTarget)$/),
      operation: 'restore',
    });

    expect(await described('failed-backup')).toMatch(
      /Warning +BackupJobFailed .*cdk8s-backup-notifier +failed-backup-\d+ has failed: the server <db> said "no" & went/,
    );
    expect(await described('killed-backup')).toMatch(/Warning +BackupJobFailed .* OOMKilled|OOMKilled/);
    expect(await described('good-backup')).toMatch(/Normal +BackupJobSucceeded /);
    expect(await described('unpulled-backup')).toMatch(/Warning +BackupJobStuck /);
    expect(await described('moved-restore')).toMatch(/Warning +BackupJobFailed /);
    expect(slackOf('good-backup')).toEqual([]);
    expect(slackOf('failed-backup')[0]).toContain(`in test/${shop.name} has failed: the server &lt;db&gt; said "no" &amp; went`);
    const unsigned = receiver.received().filter(each => each.path === '/hook/secret' && !isSigned(each));
    expect(unsigned).toEqual([]);
  });

  test('a success after a failure, and nothing twice when the notifier is started anew', async () => {
    const before = messages().map(({ id }) => id);
    await shop.output('delete', 'pod', '--selector=cdk8s-backup/job=backup-notifier');
    await shop.output('wait', 'deployment/backup-notifier', '--for=condition=Available', '--timeout=5m');
    const again = await run('failed-backup', says('published'));
    expect(await told(again, 'recovery')).toMatchObject({ verdict: 'published', cause: null });
    await until('Slack is told, too', () => slackOf('failed-backup').length === 2);
    expect(slackOf('failed-backup')[1]).toContain('succeeds again: published');
    const now = messages().map(({ id }) => id);
    expect(new Set(now).size).toBe(now.length);
    expect(now.filter(id => !before.includes(id))).toHaveLength(1);
  });

  test('nothing of secrets is in the log', async () => {
    expect(await shop.output('logs', 'deployment/backup-notifier')).not.toMatch(/secret\b|a key that/);
  });
});
