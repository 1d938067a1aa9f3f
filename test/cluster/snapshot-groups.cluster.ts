import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { resultOf, succeed } from '../e2e/support/rehearse';
import { ApiFault } from './api-faults/fault';
import { node, until } from './kubectl';
import { checkedOnVolumeOf } from './snapshot-groups/aria';
import { CLAIMS, DOCUMENTS, Shop } from './snapshot-groups/shop';

// A MariaDB with eight writers, a PostgreSQL and three other volumes, snapshotted as one. What goes wrong must leave no server held, no
// group that is not whole, and everything that was there before.

const NAMESPACE = 'snapshot-groups';
let shop: Shop;

beforeAll(async () => {
  shop = await Shop.start(NAMESPACE);
});
afterEach(() => shop?.heal());
afterAll(() => shop?.end());

describe('a group', () => {
  test('is whole, of servers that were held for a moment', async () => {
    const { id, manifest } = await shop.makes('shop');
    expect(manifest).toMatchObject({
      ...{ format: 1, id, series: 'shop', engine: 'volumes', bytes: CLAIMS.length * 256 * 1024 ** 2 },
      about: { mode: 'coordinated' },
    });
    expect(manifest.volumes[2]).toMatchObject({
      ...{ claim: 'data-stock-db-0', snapshot: `shop-${id.toLowerCase()}-data-stock-db-0`, member: 'StatefulSet/stock-db' },
      ...{ snapshotClass: NAMESPACE, driver: 'snapshots.csi.example', storageClass: 'disks' },
      ...{ size: '256Mi', restoreSize: '256Mi', accessModes: 'ReadWriteOnce', volumeMode: 'Filesystem' },
    });
    expect(manifest.quiesced).toMatchObject([{ pod: 'stock-db-0' }]);
    expect(await checkedOnVolumeOf(shop.namespace, manifest.volumes[2]?.snapshot ?? '')).toBe('sound');
  });

  test('would be seen not to be one, were its server not held', async () => {
    const snapshot = {
      ...{ apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshot', metadata: { name: 'torn' } },
      spec: { source: { persistentVolumeClaimName: 'data-stock-db-0' } },
    };
    shop.storageFaults({ claim: 'data-stock-db-0', kind: 'torn' });
    // Else the disk may still be as the snapshot before has left it, when the table was closed.
    await shop.namespace.output('exec', 'stock-db-0', '--container=server', '--', 'sync');
    await shop.namespace.apply(snapshot);
    await shop.namespace.output('wait', 'volumesnapshot/torn', '--for=jsonpath={.status.readyToUse}=true', '--timeout=5m');
    expect(await checkedOnVolumeOf(shop.namespace, 'torn')).toMatch(/warning|error/);
  });

  test('is not there when a snapshot cannot be made', async () => {
    ApiFault.plant({ namespace: NAMESPACE, verb: 'create', resource: 'volumesnapshots', nth: 3 }, { status: 500 });
    await shop.fails('impatient', /the snapshots could not be created: .*planted by a test/);
  });

  test('is not there when a snapshot is not cut in time', async () => {
    shop.storageFaults({ claim: 'thumbs', kind: 'never-cut' });
    await shop.fails('impatient', /were not cut within 5 s \(cutTimeout\); still waiting for .*impatient-\S+-thumbs/);
  });

  test('is not there when the storage fails', async () => {
    shop.storageFaults({ claim: 'carts', kind: 'error' });
    await shop.fails('shop', /the storage reports errors: shop-\S+-carts: .*planted by a test/);
  });

  test('is not there when a snapshot never becomes ready', async () => {
    shop.storageFaults({ claim: 'uploads', kind: 'never-ready' });
    await shop.fails('impatient', /could not be used within 2 s \(readyTimeout\)/);
  });

  test('is not there when the answer to its commit is lost', async () => {
    const lost = ApiFault.plant(
      { namespace: NAMESPACE, verb: 'patch', resource: 'volumesnapshots', nth: 2 * DOCUMENTS.length + 1 },
      { cut: 'after' },
    );
    await shop.fails('documents', /publishing failed/);
    expect(lost.hasStruck).toBe(true);
  });

  test('is not there when a server cannot be held', async () => {
    const holding = "{ echo 'backup stage start;'; echo 'system touch /tmp/held'; until [ -e /tmp/let-go ]; do sleep 0.1; done; }";
    const inServer = (script: string) => shop.namespace.kubectl(['exec', 'stock-db-0', '--container=server', '--', 'sh', '-c', script]);
    const other = inServer(`${holding} | mariadb --socket=/tmp/mysqld.sock --user=root`);
    await until('it has the lock', async () => (await inServer('test -e /tmp/held')).exitCode === 0);
    await shop.fails('impatient', /pod stock-db-0 of StatefulSet\/stock-db could not be held/);
    await inServer('touch /tmp/let-go');
    await other;
  });

  test('is not there when a lock is lost before everything is cut', async () => {
    const job = await shop.untilHeld();
    shop.heal();
    const session = await shop.sql("select id from information_schema.processlist where user = 'quiesce' limit 1");
    await shop.sql(`kill ${session}`);
    await shop.fails('shop', /a server was not held until its snapshots were cut.*pod stock-db-0/, shop.namespace.ended(job));
  });
});

describe('a job that ends too early', () => {
  test('by SIGKILL leaves a lock that goes by itself, and snapshots that the next run removes', async () => {
    const before = await shop.groups('shop');
    const job = await shop.untilHeld();
    const [{ containerID = '' }] = (await shop.podOf(job)).status.containerStatuses;
    await node().run(['ctr', '--namespace=k8s.io', 'tasks', 'kill', '--signal=SIGKILL', containerID.replace('containerd://', '')]);
    await until('writes go on', () => shop.isWritten(), 60);
    const ended = await shop.namespace.ended(job);
    expect(ended.succeeded).toBe(false);
    expect(ended.result).toBeUndefined();
    expect(await shop.groups('shop')).toEqual(before);
    expect(await shop.strays('shop')).toHaveLength(CLAIMS.length);
    shop.heal();
    const { log } = await shop.makes('shop');
    expect(log).toMatch(/has ended without releasing its lease: taking the lease over/);
    expect(log).toMatch(/removed leftovers of a failed run: /);
  });

  test('by SIGTERM lets go first, and leaves nothing', async () => {
    const before = await shop.groups('shop');
    const job = await shop.untilHeld();
    const says = shop.follow(job);
    await shop.namespace.output('delete', 'pod', (await shop.podOf(job)).metadata.name, '--wait=false');
    const log = await says;
    expect(log).toMatch(/"verdict":"failed","reason":"told to stop/);
    expect(log).toContain('deleted the snapshots of this run');
    await shop.isTidy('shop');
    expect(await shop.groups('shop')).toEqual(before);
    expect((await shop.namespace.ended(job)).succeeded).toBe(false);
  });
});

describe('before anything is touched', () => {
  test.each([
    ['pods/exec', ['get', 'create'], 'impatient', /does not allow it to create pods\/stock-db-0 --subresource=exec; apply the Role/],
    ['volumesnapshots', ['create'], 'documents', /does not allow it to create volumesnapshots.snapshot.storage.k8s.io; apply the Role/],
    ['persistentvolumeclaims', ['list'], 'documents', /cannot list resource "persistentvolumeclaims" .*apply the Role/],
  ])('a right that is missing is named: %s', async (resource, verbs, series, says) => {
    const role = `${series}-snapshot`;
    const { rules } = (await shop.namespace.object('role', role)) as unknown as { rules: { resources: string[]; verbs: string[] }[] };
    const patch = (all: object[]) =>
      shop.namespace.output('patch', 'role', role, '--type=merge', `--patch=${JSON.stringify({ rules: all })}`);
    const without = rules.map(rule =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter(verb => !verbs.includes(verb)) } : rule,
    );
    const made = (await shop.snapshotsOf(series)).length;
    await patch(without.filter(rule => rule.verbs.length > 0));
    await shop.fails(series, says);
    await patch(rules);
    expect(await shop.snapshotsOf(series)).toHaveLength(made);
  });

  test('claims that are not there are named', async () => {
    await shop.namespace.output('label', 'pvc', ...DOCUMENTS, 'kind-');
    await shop.fails('documents', /no claim has the labels kind=document/);
    await shop.namespace.output('label', 'pvc', ...DOCUMENTS, 'kind=document');
  });

  test('a class that is not there is named, and nothing stays held', async () => {
    await shop.namespace.output('delete', 'volumesnapshotclass', NAMESPACE);
    await shop.fails('impatient', new RegExp(`the storage reports errors: .*${NAMESPACE}`));
    const driver = { driver: 'snapshots.csi.example', deletionPolicy: 'Delete' };
    await shop.namespace.apply({
      ...{ apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshotClass', metadata: { name: NAMESPACE }, ...driver },
    });
  });

  test('another run is, and this one waits for another time', async () => {
    const pause = ApiFault.plant({ namespace: NAMESPACE, verb: 'list', resource: 'persistentvolumeclaims' }, { pause: true });
    const first = await shop.start('documents');
    await pause.struck();
    const before = await shop.groups('documents');
    failure(await shop.run('documents'), /another run of documents is running, in pod \S+/);
    pause.remove();
    const { id } = await succeed(shop.namespace.ended(first), 'published');
    expect(await shop.groups('documents')).toEqual([id, ...before].slice(0, 2));
  });
});

describe('retention', () => {
  test('keeps what a claim is being made from, and removes it later', async () => {
    await shop.makes('documents');
    const oldest = (await shop.groups('documents')).at(-1) as string;
    const [volume] = (await shop.manifest('documents', oldest)).volumes;
    const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: volume?.snapshot };
    // It stays Pending, as it is smaller than the snapshot.
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } }, dataSource };
    await shop.namespace.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'trial' }, spec });
    const { log } = await shop.makes('documents');
    expect(log).toMatch(new RegExp(`group ${oldest} is kept beyond its retention: claim trial is being restored`));
    expect(await shop.groups('documents')).toContain(oldest);
    await shop.namespace.output('delete', 'pvc', 'trial');
    await shop.makes('documents');
    const kept = await shop.groups('documents');
    expect(kept).toHaveLength(2);
    expect(kept).not.toContain(oldest);
  });

  test('keeps the last group of a claim that is no member any more, and says so each time', async () => {
    await shop.namespace.apply({
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'lent', labels: { kind: 'document' } } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '256Mi' } } },
    });
    await shop.namespace.output('wait', 'pvc/lent', '--for=jsonpath={.status.phase}=Bound', '--timeout=5m');
    const { id: last } = await succeed(shop.run('documents'), 'published');
    await shop.namespace.output('delete', 'pvc', 'lent');
    for (let run = 0; run < 3; run += 1) {
      const { reason } = await succeed(shop.run('documents'), 'published');
      expect(reason).toMatch(new RegExp(`the last group with their data is kept until you delete its snapshots: lent in ${last}$`));
    }
    const kept = await shop.groups('documents');
    expect(kept).toHaveLength(3);
    expect(kept.at(-1)).toBe(last);
    await shop.namespace.output('delete', 'volumesnapshot', `--selector=cdk8s-backup/recovery-point=${last}`);
    expect((await succeed(shop.run('documents'), 'published')).reason).toBe('');
  });

  test('does not count a group that has lost a snapshot, and reports it', async () => {
    const [newest, older] = (await shop.groups('documents')) as [string, string];
    await shop.namespace.output('delete', 'volumesnapshot', (await shop.manifest('documents', newest)).volumes[0]?.snapshot ?? '');
    const run = shop.run('documents');
    const { id } = await shop.makes('documents', run);
    expect(resultOf(await run).reason).toContain(`these groups are ignored`);
    expect(resultOf(await run).reason).toContain(`${newest} (1 of 2 snapshots are there)`);
    expect(await shop.groups('documents')).toEqual([id, older]);
    await shop.namespace.output('delete', 'volumesnapshot', `--selector=cdk8s-backup/recovery-point=${newest}`);
  });

  test('deletes no group that has lost its label, whoever took it, and says so', async () => {
    const [, older = ''] = await shop.groups('documents');
    const ofOlder = `--selector=cdk8s-backup/recovery-point=${older}`;
    // As a policy does that stamps standard labels: of this nothing takes any notice.
    await shop.namespace.output('label', 'volumesnapshots', ofOlder, '--overwrite', 'app.kubernetes.io/component=database');
    expect(resultOf(await shop.run('documents')).reason).not.toContain('are ignored');
    const [, next = ''] = await shop.groups('documents');
    const ofNext = `--selector=cdk8s-backup/recovery-point=${next}`;
    await shop.namespace.output('label', 'volumesnapshots', ofNext, 'cdk8s-backup/published-');
    const { reason } = resultOf(await shop.run('documents'));
    expect(reason).toContain(`these groups are ignored`);
    expect(reason).toContain(`${next} (its snapshots have lost the label cdk8s-backup/published`);
    expect(await shop.manifest('documents', next)).toMatchObject({ id: next, facts: { volumes: DOCUMENTS.length } });
    await shop.namespace.output('label', 'volumesnapshots', ofNext, 'cdk8s-backup/published=yes');
    expect(await shop.groups('documents')).toContain(next);
    expect(resultOf(await shop.run('documents')).reason).not.toContain('are ignored');
  });

  test('that fails is told of, and does not make a good group bad', async () => {
    ApiFault.plant({ namespace: NAMESPACE, verb: 'patch', resource: 'volumesnapshots', nth: 3 * DOCUMENTS.length + 1 }, { status: 500 });
    const { log } = await shop.makes('documents');
    expect(log).toMatch(/WARNING: pruning failed; the new group is published, and the next run prunes again: .*planted by a test/);
    expect(await shop.groups('documents')).toHaveLength(3);
    await shop.makes('documents');
    expect(await shop.groups('documents')).toHaveLength(2);
  });
});

describe('a native group', () => {
  test('is taken by the driver, of a server that was held for a moment', async () => {
    const { id, manifest } = await shop.makes('together');
    expect(manifest.about).toMatchObject({ mode: 'native', group: `together-${id.toLowerCase()}` });
    expect(manifest.quiesced).toMatchObject([{ pod: 'stock-db-0' }]);
  });

  test('goes as one', async () => {
    const ids: string[] = [];
    for (let run = 0; run < 3; run += 1) ids.push((await shop.makes('filed')).id);
    expect(await shop.groups('filed')).toEqual(ids.slice(1).reverse());
    const whole = async () => (await shop.namespace.objects('volumegroupsnapshots', 'cdk8s-backup/series=filed')).length;
    await until('the first is gone', async () => (await whole()) === 2);
  });

  test('is not there when the driver fails', async () => {
    shop.storageFaults({ claim: 'letters', kind: 'error' });
    await shop.fails('filed', /the storage reports errors: filed-\S+: .*planted by a test/);
  });

  test('that has lost its labels is not deleted, and is named', async () => {
    const [newest = ''] = await shop.groups('filed');
    const snapshots = `--selector=cdk8s-backup/recovery-point=${newest}`;
    const names = (await shop.manifest('filed', newest)).volumes.map(({ snapshot }) => snapshot);
    await shop.namespace.output('label', 'volumesnapshots', snapshots, 'cdk8s-backup/published-', 'cdk8s-backup/series-');
    expect(resultOf(await shop.run('filed')).reason).toContain(`group ${newest} has lost labels, and is ignored; nothing of it is deleted`);
    for (const name of names) expect((await shop.namespace.object('volumesnapshot', name))?.metadata.deletionTimestamp).toBeUndefined();
    await shop.namespace.output('label', 'volumesnapshots', ...names, 'cdk8s-backup/published=yes', 'cdk8s-backup/series=filed');
  });

  test('needs its labels on the claims of its members, and on no others', async () => {
    await shop.namespace.output('label', 'pvc', 'letters', 'kind-');
    await shop.fails('filed', /claim letters belongs to the group but lacks its labels: kubectl label .*pvc letters kind=document/);
    await shop.namespace.output('label', 'pvc', 'letters', 'kind=document');
  });
});

test('results say what the group is', async () => {
  const result = resultOf(await shop.run('documents'));
  expect(result).toMatchObject({ what: 'snapshot', series: 'documents', bytes: 512 * 1024 ** 2, verdict: 'published', reason: '' });
});

describe('a claim that is made anew', () => {
  /** Under the same name: of nothing, or of a snapshot. */
  async function anew(claim: string, annotations: object, snapshot?: string): Promise<void> {
    await shop.namespace.output('delete', 'pvc', claim, '--timeout=5m');
    const dataSource = snapshot && { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot };
    await shop.namespace.apply({
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: claim, labels: { kind: 'document' }, annotations } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '256Mi' } }, ...(dataSource && { dataSource }) },
    });
    await shop.namespace.output('wait', `pvc/${claim}`, '--for=jsonpath={.status.phase}=Bound', '--timeout=5m');
  }

  test('with the annotations of a restore has not been restored: the last group of what it held is kept', async () => {
    const { id, manifest } = await shop.makes('documents');
    const restored = { 'cdk8s-backup/restored-from': id, 'cdk8s-backup/restored-by': 'documents-restore-1-abcde' };
    await anew('letters', restored, manifest.volumes.find(({ claim }) => claim === 'letters')?.snapshot);
    const goesOn = shop.run('documents');
    const { id: last, manifest: ofLast } = await shop.makes('documents', goesOn);
    expect(resultOf(await goesOn).reason).toBe('');
    expect(ofLast.volumes[1]).toMatchObject({ claim: 'letters', restoredFrom: id, restoredBy: 'documents-restore-1-abcde' });
    // As a deploy tool applies what somebody has once taken from the cluster.
    await anew('letters', restored);
    for (let run = 0; run < 3; run += 1) {
      expect((await succeed(shop.run('documents'), 'published')).reason).toMatch(
        new RegExp(`re-created, or no longer members, and the last group .* is kept until .*: letters in ${last}$`),
      );
    }
    expect(await shop.groups('documents')).toContain(last);
  });

  test('between the look and the cut is in no group', async () => {
    const pause = ApiFault.plant({ namespace: NAMESPACE, verb: 'list', resource: 'volumesnapshots' }, { pause: true });
    const job = await shop.start('documents');
    await pause.struck();
    await anew('letters', {});
    pause.remove();
    await shop.fails(
      'documents',
      /^these claims were deleted and re-created while the group was made, .*: letters$/,
      shop.namespace.ended(job),
    );
  });
});
