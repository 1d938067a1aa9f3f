import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { resultOf } from '../e2e/support/rehearse';
import { ApiFault } from './api-faults/fault';
import { kubectl, node, output, until } from './kubectl';
import { CLAIMS, type Manifest, Shop } from './snapshot-groups/shop';

// What a cluster does to a group of snapshots while it is made, and after it: its controllers, its driver, its API server and its kubelet
// are restarted, and objects go. Each ends with a verdict that is true, no server held, and nothing published that is not whole.

const NAMESPACE = 'snapshot-groups-restarts';
let shop: Shop;

beforeAll(async () => {
  shop = await Shop.start(NAMESPACE);
});
afterEach(() => shop?.heal());
afterAll(() => shop?.end());

const milliseconds = async (id: string) => (await shop.manifest('shop', id)).quiesced[0]?.milliseconds ?? 0;

/** Whether a row can be written, when there is no API to ask by: the runtime runs the client. */
async function isWrittenOnNode(container: string): Promise<boolean> {
  const statement = 'set lock_wait_timeout = 1; insert into shop.hits(writer) values (0)';
  const client = ['mariadb', '--socket=/tmp/mysqld.sock', '--user=root', `--execute=${statement}`];
  const exec = ['ctr', '--namespace=k8s.io', 'tasks', 'exec', `--exec-id=row-${Date.now()}`, container];
  return (await node().run([...exec, ...client])).exitCode === 0;
}

describe('restarted while a server is held', () => {
  test('the snapshot controller: the group waits for it, and is whole', async () => {
    await node().kill('snapshot-controller');
    const job = await shop.start('shop');
    await until('snapshots are asked for', async () => (await shop.snapshotsOf('shop')).length === CLAIMS.length);
    expect(await shop.isWritten()).toBe(false);
    await node().start('snapshot-controller');
    await shop.makes('shop', shop.namespace.ended(job));
  });

  test('the driver: what it was cutting is cut anew, and the group is whole', async () => {
    const job = await shop.untilHeld();
    const others = async () => (await shop.snapshotsOf('shop')).filter(({ status }) => status?.creationTime).length;
    const before = (await shop.groups('shop')).length * CLAIMS.length;
    await until('the others are cut', async () => (await others()) === before + CLAIMS.length - 1);
    shop.heal();
    // They end when it does, and are one pod of a cluster: not before they have ended may they be started again.
    const pod = ['csi-snapshotter', 'csi-provisioner', 'csi-driver'];
    for (const daemon of pod) await node().kill(daemon);
    for (const daemon of pod.reverse()) await node().start(daemon);
    const { id } = await shop.makes('shop', shop.namespace.ended(job));
    expect(await milliseconds(id)).toBeGreaterThan(1000);
  });

  test('the API server, for longer than an agent waits for a word: nothing is held, and nothing published', async () => {
    const job = await shop.untilHeld();
    const server = (await shop.namespace.object('pod', 'stock-db-0'))?.status.containerStatuses.find(
      ({ name }: { name: string }) => name === 'server',
    );
    const container = server.containerID.replace('containerd://', '');
    await node().kill('kube-apiserver');
    expect(await isWrittenOnNode(container)).toBe(false);
    await until('writes go on, with no API server', () => isWrittenOnNode(container), 60);
    await node().start('kube-apiserver');
    await until('it answers', async () => (await kubectl(['get', '--raw=/readyz', '--request-timeout=5s'])).exitCode === 0);
    await shop.fails('shop', /did not answer for 10 s while servers were held|a server was not held until/, shop.namespace.ended(job));
  });

  test('the kubelet, for a moment: the group is whole', async () => {
    const job = await shop.untilHeld();
    await node().kill('kubelet');
    shop.heal();
    await node().start('kubelet');
    await shop.makes('shop', shop.namespace.ended(job));
  });
});

test('a group that is deleted while it is published is none, whatever was labelled; nothing older goes', async () => {
  const before = await shop.groups('documents');
  const known = new Set((await shop.snapshotsOf('documents')).map(({ metadata }) => metadata.name));
  const plant = (verb: string, resource: string, nth: number) =>
    ApiFault.plant({ namespace: NAMESPACE, verb, resource, nth }, { pause: true });
  const described = plant('patch', 'volumesnapshots', 2);
  const job = await shop.start('documents');
  await described.struck();
  const judged = plant('get', 'leases', 1);
  described.remove();
  await judged.struck();
  const made = (await shop.snapshotsOf('documents')).map(({ metadata }) => metadata.name).filter(name => !known.has(name));
  await shop.namespace.output('delete', 'volumesnapshot', ...made, '--timeout=5m');
  judged.remove();
  failure(
    await shop.namespace.ended(job),
    /is incomplete: it, or a part of it, was deleted while it was being published\. Nothing older was removed/,
  );
  expect(await shop.groups('documents')).toEqual(before);
});

describe('a claim', () => {
  test('that is Pending is named, and nothing is held for it', async () => {
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Mi' } } };
    const metadata = { name: 'pending', labels: { kind: 'document' } };
    await shop.namespace.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec });
    await shop.fails('documents', /claim pending of selected is Pending, not Bound\. Nothing was touched/);
    await shop.namespace.output('delete', 'pvc', 'pending');
  });

  test('that is being deleted is named, and nothing is held for it', async () => {
    // As one stays that a pod uses, or that is being snapshotted.
    const finalizers = (op: string) =>
      shop.namespace.output(
        ...['patch', 'pvc', 'uploads', '--type=json'],
        `--patch=[{"op":"${op}","path":"/metadata/finalizers/0","value":"scenarios.example/stays"}]`,
      );
    await finalizers('add');
    await shop.namespace.output('delete', 'pvc', 'uploads', '--wait=false');
    await shop.fails('shop', /claim uploads of claims is being deleted\. Nothing was touched/);
    await finalizers('remove');
  });
});

test('a group whose storage was taken from under a snapshot counts for nothing, though all that is left looks whole', async () => {
  const { id: older, manifest: ofOlder } = await shop.makes('documents');
  const { id, manifest } = await shop.makes('documents');
  const { snapshot, creationTime } = manifest.volumes[0] as Manifest['volumes'][number];
  const object = async () => (await shop.namespace.object('volumesnapshot', snapshot))?.status;
  const content: string = (await object()).boundVolumeSnapshotContentName;
  const handle = () =>
    output(['get', 'volumesnapshotcontent', content, '--ignore-not-found', '--output=jsonpath={.status.snapshotHandle}']);
  const lost = await handle();
  await output(['annotate', 'volumesnapshotcontent', content, 'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted=yes']);
  // The controller makes one of the same name at once, and kubectl may wait for that one to go.
  await output(['delete', 'volumesnapshotcontent', content, '--wait=false']);
  await until('the controller has it made anew', async () => !['', lost].includes(await handle()) && (await object()).readyToUse);
  expect((await object()).creationTime).toBe(creationTime);
  // Whatever else is written to it later: that it was published before is not forgotten.
  await shop.namespace.output('label', 'volumesnapshots', '--all', 'incident=4711');
  // And what else somebody writes into the status of a good one is no news of its data.
  const noted = ['--type=merge', '--subresource=status', '--patch={"status":{"error":{"message":"noted by somebody"}}}'];
  await shop.namespace.output('patch', 'volumesnapshot', ofOlder.volumes[0]?.snapshot ?? '', ...noted);
  const run = shop.run('documents');
  const { id: newest } = await shop.makes('documents', run);
  expect(resultOf(await run).reason).toMatch(
    new RegExp(`these groups are ignored.*: ${id} \\(snapshot ${snapshot} was re-created at \\S+ from what its volume held then`),
  );
  expect(resultOf(await run).reason).not.toContain(older);
  // It is kept for whoever looks into it, and takes no place of a good one.
  expect((await shop.groups('documents')).sort()).toEqual([older, id, newest].sort());
});
