import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { succeed } from '../e2e/support/rehearse';
import { node, output, until } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { onVolume, volumeClaim } from './server';

// What a verification or a restore of a group of snapshots finds on its claims may be somebody else's, or nobody's, and a snapshot may be
// another one than was cut. Neither is called good.

const MAIN = 'test/cluster/snapshot-strangers/main.ts';
const NAMESPACE = 'snapshot-strangers';
const CLASSES = { cuts: `${NAMESPACE}-cuts`, waits: `${NAMESPACE}-waits`, ignores: `${NAMESPACE}-ignores` };
let album: Namespace;

const claims = async () => (await album.objects('persistentvolumeclaims')).map(({ metadata }) => metadata.name);
const volumeOf = async (claim: string): Promise<string> => (await album.object('persistentvolumeclaim', claim))?.spec.volumeName;
const onPictures = (claim: string, command: string) => onVolume(album, claim, 'busybox:1.37.0-musl', ['sh', '-ec', command]);
const request = (series: string, words: { [key: string]: string }) =>
  album.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${series}-restore-request` },
    data: { recoveryPoint: 'newest', claims: '', ...words },
  });

/** Volumes that somebody has: they go with no namespace. */
const volumes: string[] = [];
async function volume(name: string, spec: object): Promise<void> {
  volumes.push(name);
  const common = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain' };
  await album.apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { ...common, ...spec } });
}

/** A volume of a class that somebody has kept of a claim that is gone, for a claim of a name, or for whoever comes. */
async function keptVolume(claim: string, storageClassName: string, content: string, wanted?: string): Promise<string> {
  const { spec, ...rest } = volumeClaim(claim);
  await album.apply({ ...rest, spec: { ...spec, storageClassName } });
  await onPictures(claim, `echo ${content} >/data/cat.jpg`);
  const name = await volumeOf(claim);
  volumes.push(name);
  const patch = (changed: object) =>
    output(['patch', 'persistentvolume', name, '--type=merge', `--patch=${JSON.stringify({ spec: changed })}`]);
  await patch({ persistentVolumeReclaimPolicy: 'Retain' });
  await album.output('delete', 'persistentvolumeclaim', claim);
  await patch({ claimRef: null });
  if (wanted) await patch({ claimRef: { namespace: NAMESPACE, name: wanted } });
  else await output(['wait', 'persistentvolume', name, '--for=jsonpath={.status.phase}=Available', '--timeout=5m']);
  return name;
}

/** What is of the cluster goes with no namespace. */
async function clean(): Promise<void> {
  await new Namespace(NAMESPACE).delete();
  if (volumes.length > 0) await output(['delete', 'persistentvolume', ...volumes, '--ignore-not-found', '--timeout=5m']);
  const classes = [`volumesnapshotclass/${CLASSES.cuts}`, `storageclass/${CLASSES.waits}`, `storageclass/${CLASSES.ignores}`];
  await output(['delete', ...classes, '--ignore-not-found']);
}

beforeAll(async () => {
  // Of a run that was killed.
  await clean();
  process.env.NAMESPACE = NAMESPACE;
  album = await Namespace.create(NAMESPACE, RESTRICTED);
  await album.applyApp(MAIN);
  await onPictures('pictures', 'echo a picture >/data/cat.jpg');
});
// A provisioner that a test has stopped.
let stopped = false;
const startAgain = async () => {
  if (stopped) await node().start('csi-provisioner');
  stopped = false;
};
afterEach(startAgain);
afterAll(clean);

test('a group whose class is gone is doubtful: it is kept, restored by its id alone, and good again when somebody has looked', async () => {
  const { id } = await succeed(album.run('album-snapshot'), 'published');
  const snapshot = `album-${id.toLowerCase()}-pictures`;
  const why = `${id} \\(snapshot ${snapshot} can be used, but nothing says since when: .* with the error .*${CLASSES.cuts}`;
  await output(['delete', 'volumesnapshotclass', CLASSES.cuts]);
  // Whatever touches a snapshot has the controller look at its class.
  await album.output('label', 'volumesnapshot', snapshot, 'incident=4711');
  await until('the controller misses the class', async () => (await album.object('volumesnapshot', snapshot))?.status?.error !== undefined);

  await request('album', { claims: 'pictures=pictures-again' });
  const noneIsGood = new RegExp(`^no group of series album is good; these are doubtful, and are restored only if .* by its id: ${why}`);
  failure(await album.run('album-verify'), noneIsGood);
  failure(await album.run('album-restore'), noneIsGood);
  await request('album', { claims: 'pictures=pictures-again', recoveryPoint: id });
  const { reason } = await succeed(album.run('album-restore'), 'restored');
  expect(reason).toMatch(new RegExp(`^group ${id} is doubtful, and may hold a later state of its volumes: snapshot ${snapshot}`));
  expect(await onPictures('pictures-again', 'cat /data/cat.jpg')).toBe('a picture');

  await album.applyApp(MAIN);
  const next = await succeed(album.run('album-snapshot'), 'published');
  expect(next.reason).toMatch(new RegExp(`these groups are doubtful: they are kept, and restored only by their ids: ${why}`));
  // As the documentation has it.
  const looked = ['--field-manager=cdk8s-backup-publish', '--overwrite', 'cdk8s-backup/looked-at=2026-11-22'];
  await album.output('label', 'volumesnapshots', `--selector=cdk8s-backup/recovery-point=${id}`, ...looked);
  expect((await succeed(album.run('album-snapshot'), 'published')).reason).toBe('');
  await succeed(album.run('album-verify'), 'verified');
});

test('a volume that is set free while a claim waits for its own is not taken for it, whatever it is called', async () => {
  await node().kill('csi-provisioner');
  stopped = true;
  await request('album', { claims: 'pictures=pictures-late' });
  const job = await album.start('album-restore');
  const annotations = async () => (await album.object('persistentvolumeclaim', 'pictures-late'))?.metadata.annotations ?? {};
  await until('a volume is asked for', async () => 'volume.kubernetes.io/storage-provisioner' in (await annotations()));
  await volume(`${NAMESPACE}-kept`, { storageClassName: 'disks', hostPath: { path: '/var/tmp' } });
  failure(
    await album.ended(job),
    new RegExp(
      `^claim pictures-late was given the volume ${NAMESPACE}-kept, which was there already, .*these claims, which it made, are kept: pictures-late`,
    ),
  );
  expect(await claims()).toContain('pictures-late');
  await startAgain();
});

test('where a class waits for the first pod, no check begins on a volume that somebody has kept, nor is it changed', async () => {
  await succeed(album.run('waiting-snapshot'), 'published');
  const verified = await album.run('waiting-verify');
  await succeed(Promise.resolve(verified), 'verified');
  expect(verified.log).toContain('waits for a first pod');
  const kept = await keptVolume('kept', CLASSES.waits, 'what somebody keeps');
  const verification = await album.run('waiting-verify');
  failure(
    verification,
    new RegExp(`^group \\S+ is not good: pictures: claim waiting-verify-pictures was given the volume ${kept}, which was there already`),
  );
  expect(verification.log).not.toContain('checking pictures');
  expect(await volumeOf('waiting-verify-pictures')).toBe(kept);
  expect(await album.objects('jobs', 'cdk8s-backup/operation=check')).toEqual([]);
  expect(await onPictures('waiting-verify-pictures', 'cat /data/cat.jpg')).toBe('what somebody keeps');
});

test('of a snapshot whose driver nobody in the namespace knows, a restore does not say that it is back, and leaves the claim', async () => {
  const kept = await keptVolume('lent', 'disks', 'a picture', 'handed');
  const { spec, ...handed } = volumeClaim('handed');
  await album.apply({ ...handed, spec: { ...spec, storageClassName: 'disks', volumeName: kept } });
  await album.output('wait', 'pvc/handed', '--for=jsonpath={.status.phase}=Bound', '--timeout=5m');
  await succeed(album.run('handed-snapshot'), 'published');
  const job = await album.start('handed-restore');
  let uid = '';
  await until('its claim is made', async () => {
    uid = (await album.object('persistentvolumeclaim', 'handed-back'))?.metadata.uid ?? '';
    return uid !== '';
  });
  // As the provisioner does: it makes a volume for the claim, and nothing is in it.
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: NAMESPACE, name: 'handed-back', uid };
  await volume(`pvc-${uid}`, { storageClassName: CLASSES.ignores, claimRef, hostPath: { path: '/var/tmp' } });
  failure(
    await album.ended(job),
    /^whether the volumes of these claims come from their snapshots is not known: handed-back \(made by ignores\.example\)\. .* The new claims are kept\./,
  );
  expect(await claims()).toContain('handed-back');
});
