import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultOf, succeed } from '../e2e/support/rehearse';
import { kubectl, node, output, until } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { PostgresServer } from './postgres-server';
import { startShell, volumeClaim } from './server';

// A repository of files on volumes as clusters have them: who owns what there, and what is said where it cannot be used.

const NAME = 'volumes';
const FOREIGN = `/var/lib/${NAME}-of-root`;
let volumes: Namespace;
let server: PostgresServer;

/** Runs a command where the repository's volume is mounted a second time, on the same node. */
const look = (command: string) => volumes.output('exec', 'looker', '--', 'sh', '-ec', command);

beforeAll(async () => {
  volumes = await Namespace.create(NAME, RESTRICTED);
  process.env.NAMESPACE = NAME;
  await volumes.applyApp('test/cluster/volumes/main.ts');
  // As small as a file system with a journal can be.
  await volumes.apply(volumeClaim('disk', '16Mi'));
  await startShell(volumes, { name: 'looker', image: 'busybox:1.37.0-musl', claim: 'disk' });
  server = new PostgresServer(volumes);
  await server.start();
}, 900_000);
afterAll(async () => {
  await volumes?.delete();
  await kubectl(['delete', 'persistentvolume', FOREIGN_VOLUME.metadata.name, '--ignore-not-found']);
  await node().run(['rm', '-rf', FOREIGN]);
}, 600_000);

test('a volume that another pod of the node has mounted too, with what a file system has at its root, is a repository', async () => {
  const before = await server.dump('orders');
  const { id } = await succeed(volumes.run('on-disk-backup'), 'published');
  expect((await succeed(volumes.run('on-disk-verify'), 'verified')).id).toBe(id);
  await server.sql('postgres', 'drop database orders');
  await succeed(volumes.run('on-disk-restore'), 'restored');
  expect(await server.dump('orders')).toBe(before);
  expect((await look('ls -A /data')).split('\n').sort()).toEqual(['.state-on-disk', 'lost+found', 'on-disk', 'on-disk-safety']);
});

test("what is written there belongs to the pods' user, and nobody else can read it", async () => {
  expect(await look(`find /data -mindepth 1 ! -path '*/lost+found' ! \\( -user 999 -group 999 \\)`)).toBe('');
  expect(await look(`find /data/on-disk -type f -perm /077`)).toBe('');
});

test('a full volume: a backup says so and leaves nothing behind, and what was there stays good', async () => {
  const tree = () => look(`find /data -type f -path '*/on-disk/*' -exec sha256sum {} + | sort`);
  const before = await tree();
  await look('dd if=/dev/zero of=/data/of-others bs=64k 2>/dev/null || :');
  const refused = await volumes.run('on-disk-backup');
  expect(refused.succeeded).toBe(false);
  expect(resultOf(refused).reason).toMatch(/no space left|full/i);
  expect(await tree()).toBe(before);
  const { id } = await succeed(volumes.run('on-disk-verify'), 'verified');
  await look('rm /data/of-others');
  expect((await succeed(volumes.run('on-disk-backup'), 'published')).id).not.toBe(id);
});

test('a volume that has become read-only: backups say so, and data comes back from it', async () => {
  const { id } = await succeed(volumes.run('on-disk-verify'), 'verified');
  const volume = await volumes.output('get', 'persistentvolumeclaim', 'disk', '--output=jsonpath={.spec.volumeName}');
  const remount = (how: string) =>
    node().run([
      'sh',
      '-ec',
      `mount -o remount,${how} "$(awk -v name="/$0/mount" 'index($2, name) { print $2; exit }' /proc/mounts)"`,
      volume,
    ]);
  expect(await remount('ro')).toMatchObject({ exitCode: 0 });
  try {
    const refused = await volumes.run('on-disk-backup');
    expect(refused.succeeded).toBe(false);
    expect(resultOf(refused).reason).toMatch(/read-only/i);
    const before = await server.dump('orders');
    await server.sql('postgres', 'drop database orders');
    expect((await succeed(volumes.run('on-disk-restore'), 'restored')).id).toBe(id);
    expect(await server.dump('orders')).toBe(before);
  } finally {
    await remount('rw');
  }
});

test('a volume of root, whose driver gives it to no group: a backup says whose it is, and what to do', async () => {
  await output(['apply', '--server-side', '--filename=-'], { input: Buffer.from(JSON.stringify(FOREIGN_VOLUME)) });
  await volumes.apply(FOREIGN_CLAIM);
  const refused = await volumes.run('on-foreign-backup');
  expect(refused.succeeded).toBe(false);
  expect(resultOf(refused).reason).toMatch(
    /Permission denied\. \/repository is drwxr-xr-x of user 0 and group 0: give it to user 999, by chown, or with a driver/,
  );
});

test('a claim without a volume: the pod waits, and the cluster says for what', async () => {
  await volumes.apply({ ...volumeClaim('nowhere'), spec: { ...CLAIM_SPEC, storageClassName: 'cdk8s-backup-has-no-such-class' } });
  const job = await volumes.start('on-nowhere-backup');
  await until('the scheduler says why', async () => {
    const query = `--output=jsonpath={.items[*].status.conditions[?(@.type=="PodScheduled")].message}`;
    return (await volumes.output('get', 'pods', `--selector=job-name=${job}`, query)).includes('unbound immediate PersistentVolumeClaims');
  });
});

const CLAIM_SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const FOREIGN_VOLUME = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: `${NAME}-foreign` },
  spec: {
    ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', storageClassName: 'none' },
    // Of those the kubelet changes no owner, as of CSI drivers whose fsGroupPolicy is None.
    hostPath: { path: FOREIGN, type: 'DirectoryOrCreate' },
    claimRef: { namespace: NAME, name: 'foreign' },
  },
};
const FOREIGN_CLAIM = {
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'foreign' } },
  spec: { ...CLAIM_SPEC, storageClassName: 'none' },
};
