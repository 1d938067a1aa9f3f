import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageCatalog } from '../rehearsal';
import { ClusterWithApi } from '../rehearsal/cluster-with-api';
import { kubectlImage } from '../rehearsal/images/kubectl';
import { until } from './support/rehearse';

// The API server stand-in, asked by the real kubectl: what the tests of snapshots rest on.

let shop: ClusterWithApi;

const kubectl = (...argv: string[]) => shop.kubectl('--namespace=shop', ...argv);
const asReader = (...argv: string[]) => shop.kubectlAs({ namespace: 'shop', serviceAccount: 'reader' }, ...argv);

/** What a command prints; it must succeed. */
async function output(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await kubectl(...argv);
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

const snapshot = (name: string, claim: string, more: object = {}) => ({
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { name, namespace: 'shop' },
  spec: { volumeSnapshotClassName: 'fast', source: { persistentVolumeClaimName: claim }, ...more },
});

const claimFrom = (name: string, source: string, storage = '1Gi', namespace = 'shop') => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage } },
    dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: source },
  },
});

const ready = (what: string) => output('wait', '--for=jsonpath={.status.readyToUse}=true', what, '--timeout=20s');
const bound = (claim: string, namespace = 'shop') =>
  output('wait', `--namespace=${namespace}`, '--for=jsonpath={.status.phase}=Bound', `pvc/${claim}`, '--timeout=20s');
const lines = (directory: string, file: string) => readFileSync(join(directory, file), 'utf8').split('\n').length;
const handleOf = (name: string) => {
  const content = shop.object('VolumeSnapshot', 'shop', name)?.status.boundVolumeSnapshotContentName;
  return shop.object('VolumeSnapshotContent', undefined, content)?.status.snapshotHandle as string;
};

beforeAll(async () => {
  const images = new ImageCatalog().add(await kubectlImage());
  shop = await ClusterWithApi.create({ manifests: [join(__dirname, 'api-server')], images });
  await shop.start('StatefulSet', 'shop', 'db');
  await output('wait', '--for=condition=Ready', 'pod/db-0', 'pod/db-1', '--timeout=20s');
});
afterAll(() => shop.destroy());

describe('objects', () => {
  test('are made, changed, selected and deleted', async () => {
    await output('create', 'configmap', 'point', '--from-literal=manifest.json={}');
    expect((await kubectl('create', 'configmap', 'point')).stderr).toContain('configmaps "point" already exists');
    await output('label', 'configmap', 'point', 'series=orders');
    await output('annotate', 'configmap', 'point', 'cdk8s-backup/verified=now');
    await output('patch', 'configmap', 'point', '--patch={"data":{"more":"yes"}}');
    expect(await output('get', 'configmap', '--selector=series=orders', '--output=jsonpath={.items[*].data.more}')).toBe('yes');
    expect(await output('get', 'configmap', '--selector=series notin (orders)', '--output=name')).toBe('');
    const stale = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'point', namespace: 'shop', resourceVersion: '1' } };
    expect(() => shop.api.update(shop.api.resourceOf(stale), stale)).toThrow('the object has been modified');
    await output('delete', 'configmap', 'point');
    expect(await kubectl('get', 'configmap', 'point')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(NotFound)') });
    expect((await kubectl('get', 'nonsense')).stderr).toContain(`the server doesn't have a resource type "nonsense"`);
  });

  test.each<[string, object, string]>([
    ['an unknown field', snapshot('bad', 'data-db-0', { clas: 'x' }), 'strict decoding error: unknown field "spec.clas"'],
    [
      'a source of two',
      snapshot('bad', 'data-db-0', { source: { persistentVolumeClaimName: 'a', volumeSnapshotContentName: 'b' } }),
      'exactly one of',
    ],
    ['no source', snapshot('bad', 'data-db-0', { source: undefined }), 'spec.source: Required value'],
    ['a wrong type', snapshot('bad', 'data-db-0', { volumeSnapshotClassName: 5 }), 'must be of type string'],
    ['a name with capitals', snapshot('Bad', 'data-db-0'), 'a lowercase RFC 1123 subdomain'],
  ])('are refused with %s', async (_, object, message) => {
    const { exitCode, stderr } = await create(object);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(1);
  });
});

describe('rights', () => {
  test('are those of the role, and no more', async () => {
    await output('create', 'configmap', 'told', '--from-literal=word=hello');
    expect(await asReader('get', 'configmap', 'told', '--output=jsonpath={.data.word}')).toMatchObject({ exitCode: 0, stdout: 'hello' });
    const refused = await asReader('delete', 'configmap', 'told');
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      'configmaps "told" is forbidden: User "system:serviceaccount:shop:reader" cannot delete resource "configmaps" in API group "" in the namespace "shop"',
    );
    expect((await asReader('get', 'configmap', '--all-namespaces')).stderr).toContain('at the cluster scope');
    expect((await asReader('exec', 'db-1', '--', 'true')).stderr).toContain('cannot create resource "pods/exec"');
    expect(await asReader('exec', 'db-0', '--container=server', '--', 'true')).toMatchObject({ exitCode: 0 });
  });

  test('are those of the token that a pod finds', async () => {
    const { succeeded, log } = await shop.run({ kind: 'CronJob', namespace: 'shop', name: 'look' });
    expect(log).toContain('hello');
    expect(succeeded).toBe(true);
    const asked = shop.server.answered.filter(({ user }) => user === 'system:serviceaccount:shop:reader');
    expect(asked.at(-1)).toMatchObject({ verb: 'get', resource: 'configmaps', name: 'told', code: 200 });
  });
});

describe('a running pod', () => {
  test('runs commands, whose streams and exit code come back', async () => {
    const result = await kubectl('exec', 'db-0', '--container=agent', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3');
    expect(result).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 3\n' });
    expect((await kubectl('exec', 'db-0', '--container=other', '--', 'true')).stderr).toContain('container not found ("other")');
    expect((await kubectl('exec', 'db-7', '--', 'true')).stderr).toContain('pods "db-7" not found');
  });

  test('comes back when it is deleted, and is gone when its set is scaled', async () => {
    const old = shop.object('Pod', 'shop', 'db-1')?.metadata.uid;
    await output('delete', 'pod', 'db-1');
    await until('there is a new one', () => shop.object('Pod', 'shop', 'db-1') !== undefined);
    await output('wait', '--for=condition=Ready', 'pod/db-1', '--timeout=20s');
    expect(shop.object('Pod', 'shop', 'db-1')?.metadata.uid).not.toBe(old);
    await output('scale', 'statefulset/db', '--replicas=1');
    await output('wait', '--for=delete', 'pod/db-1', '--timeout=20s');
    expect(await output('get', 'pod', '--selector=app=db', '--output=name')).toBe('pod/db-0');
    await output('scale', 'statefulset/db', '--replicas=2');
    await output('wait', '--for=jsonpath={.status.readyReplicas}=2', 'statefulset/db', '--timeout=20s');
  });
});

describe('a workload', () => {
  test('whose pods cannot start yet has them when they can', async () => {
    const labels = { app: 'late' };
    const container = {
      name: 'main',
      image: 'alpine/kubectl:1.34.2',
      command: ['sleep', '3600'],
      envFrom: [{ secretRef: { name: 'late' } }],
    };
    const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } };
    const spec = { replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: labels }, template };
    await create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'late', namespace: 'shop' }, spec });
    await shop.start('Deployment', 'shop', 'late');
    await output('create', 'secret', 'generic', 'late', '--from-literal=word=hello');
    const pods = () => shop.objects('Pod', 'shop').filter(({ metadata }) => metadata.labels?.app === 'late');
    await until('it runs', () => pods().some(({ status }) => status.phase === 'Running'));
    await output('scale', 'deployment/late', '--replicas=0');
    await until('it is gone', () => pods().length === 0);
  });
});

describe('a job', () => {
  test('runs when it is made, and says how it ended', async () => {
    await output('create', 'job', 'now', '--from=cronjob/look');
    await output('wait', '--for=condition=complete', 'job/now', '--timeout=20s');
    expect(await output('get', 'pod', '--selector=job-name=now', '--output=jsonpath={.items[0].status.phase}')).toBe('Succeeded');
    expect(await output('logs', 'job/now')).toBe('hello');
    await output('delete', 'job', 'now');
    await until('its pods are gone', () => shop.objects('Pod', 'shop').every(({ metadata }) => !metadata.name.startsWith('now-')));
  });
});

describe('a snapshot', () => {
  test('is of one instant, becomes ready, fills a claim, and goes with its copy', async () => {
    await create(snapshot('one', 'data-db-0'));
    await ready('volumesnapshot/one');
    const copy = shop.driver.snapshot(handleOf('one'))?.path ?? '';
    expect(Math.abs(lines(copy, 'a') - lines(copy, 'b'))).toBeLessThanOrEqual(1);
    expect(lines(copy, 'a')).toBeGreaterThan(1);
    await create(claimFrom('again', 'one'));
    await bound('again');
    expect(lines(shop.cluster.claim('shop', 'again'), 'a')).toBe(lines(copy, 'a'));
    const handle = handleOf('one');
    await output('delete', 'volumesnapshot', 'one');
    expect(shop.driver.snapshot(handle)).toBeUndefined();
    await output('delete', 'pvc', 'again');
  });

  test('is not used before it is ready, nor for a smaller claim; and stays while a claim waits for it', async () => {
    shop.snapshotFaults.plant({ claim: 'data-db-1', kind: 'never-ready' });
    await create(snapshot('late', 'data-db-1'));
    await output('wait', '--for=jsonpath={.status.creationTime}', 'volumesnapshot/late', '--timeout=20s');
    await create(claimFrom('early', 'late'));
    const events = () => output('get', 'events', '--field-selector=involvedObject.name=early', '--output=jsonpath={.items[*].message}');
    await until('the claim says why it waits', async () => (await events()).includes('snapshot late is not Ready'));
    await output('delete', 'volumesnapshot', 'late', '--wait=false');
    await until('the snapshot says why it stays', async () =>
      (await output('get', 'events', '--output=yaml')).includes('SnapshotDeletePending'),
    );
    await output('delete', 'pvc', 'early');
    await output('wait', '--for=delete', 'volumesnapshot/late', '--timeout=20s');
    shop.snapshotFaults.clear();
    await create(snapshot('big', 'data-db-0'));
    await ready('volumesnapshot/big');
    await create(claimFrom('small', 'big', '1Mi'));
    const small = () => output('get', 'events', '--field-selector=involvedObject.name=small', '--output=jsonpath={.items[*].message}');
    await until('the claim says that it is too small', async () => (await small()).includes('is less than the size 1073741824'));
    await output('delete', 'pvc/small', 'volumesnapshot/big');
  });

  test('says what the driver could not do, and is tried again', async () => {
    shop.snapshotFaults.plant({ claim: 'data-db-0', kind: 'error', message: 'quota exceeded', times: 1 });
    await create(snapshot('second-try', 'data-db-0'));
    await until('the error is told', async () =>
      (await output('get', 'volumesnapshot', 'second-try', '--output=jsonpath={.status}')).includes('quota exceeded'),
    );
    await ready('volumesnapshot/second-try');
    expect(await output('get', 'volumesnapshot', 'second-try', '--output=jsonpath={.status.error}')).toBe('');
  });

  test('can be taken over by another namespace when it is kept', async () => {
    await create(snapshot('kept', 'data-db-0', { volumeSnapshotClassName: 'kept' }));
    await ready('volumesnapshot/kept');
    const snapshotHandle = handleOf('kept');
    await output('delete', 'volumesnapshot', 'kept');
    expect(shop.driver.snapshot(snapshotHandle)).toBeDefined();
    const apiVersion = 'snapshot.storage.k8s.io/v1';
    const reference = { apiVersion, kind: 'VolumeSnapshot', name: 'adopted', namespace: 'other' };
    const spec = { deletionPolicy: 'Retain', driver: 'rehearsal.csi.example', source: { snapshotHandle }, volumeSnapshotRef: reference };
    await output('create', 'namespace', 'other');
    await create({ apiVersion, kind: 'VolumeSnapshotContent', metadata: { name: 'adopted' }, spec });
    const source = { volumeSnapshotContentName: 'adopted' };
    await create({ apiVersion, kind: 'VolumeSnapshot', metadata: { name: 'adopted', namespace: 'other' }, spec: { source } });
    await create(claimFrom('data', 'adopted', '2Gi', 'other'));
    await bound('data', 'other');
    expect(lines(shop.cluster.claim('other', 'data'), 'a')).toBeGreaterThan(1);
  });

  test.each(['v1', 'v1beta2', 'v1beta1'])('of a group (%s) is cut with all the others, and belongs to it', async version => {
    const selector = { matchLabels: { group: 'shop' } };
    await create({
      apiVersion: `groupsnapshot.storage.k8s.io/${version}`,
      kind: 'VolumeGroupSnapshot',
      metadata: { name: 'all', namespace: 'shop' },
      spec: { volumeGroupSnapshotClassName: 'fast', source: { selector } },
    });
    await ready(`volumegroupsnapshots.${version}.groupsnapshot.storage.k8s.io/all`);
    const members = shop.objects('VolumeSnapshot', 'shop').filter(({ status }) => status?.volumeGroupSnapshotName === 'all');
    expect(members.map(({ spec }) => spec.source.persistentVolumeClaimName).sort()).toEqual(['data-db-0', 'data-db-1']);
    expect(new Set(members.map(({ status }) => status.creationTime)).size).toBe(1);
    expect(members.map(({ metadata }) => metadata.ownerReferences?.[0]?.name)).toEqual(['all', 'all']);
    const [first] = members.map(({ metadata }) => metadata.name);
    await output('delete', 'volumesnapshot', `${first}`, '--wait=false');
    await until('it is refused', async () =>
      (await output('get', 'events', '--output=yaml')).includes('as it belongs to group snapshot shop/all'),
    );
    await output('delete', `volumegroupsnapshots.${version}.groupsnapshot.storage.k8s.io`, 'all');
    await until('all members are gone', () => members.every(({ metadata }) => !shop.object('VolumeSnapshot', 'shop', metadata.name)));
  });
});

describe('faults', () => {
  test('befall the requests that they were planted for', async () => {
    const fault = shop.plant({ verb: 'create', resource: 'volumesnapshots', nth: 2 }, { status: 500 });
    expect(await create(snapshot('f-1', 'data-db-0'))).toMatchObject({ exitCode: 0 });
    expect(await create(snapshot('f-2', 'data-db-0'))).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('planted by a test') });
    expect(await create(snapshot('f-3', 'data-db-0'))).toMatchObject({ exitCode: 0 });
    expect(fault.matched).toBe(3);
  });

  test('lose an answer to what was done', async () => {
    shop.plant({ verb: 'create', resource: 'volumesnapshots', name: 'f-4' }, { cut: 'after' });
    expect(await create(snapshot('f-4', 'data-db-0'))).toMatchObject({ exitCode: 1 });
    expect(shop.object('VolumeSnapshot', 'shop', 'f-4')).toBeDefined();
  });
});

function create(object: object) {
  return shop.kubectlWith(JSON.stringify(object), 'create', '--filename=-');
}
