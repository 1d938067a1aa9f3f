import { Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Assertion, Engine, PostgresVersion, RecoveryPoint, RedisVersion, Retention, Schedule } from '../../lib';
import {
  CsiDriver,
  SnapshotMode,
  VolumeCheck,
  VolumeSnapshotGroup,
  VolumeSnapshotMember,
  VolumesFromGroup,
  VolumesFromSnapshotHandles,
} from '../../lib/volumes';
import { chart, environment, type Manifest, objects, podSpec } from '../support/synth';

const size = Size.gibibytes(10);
const postgres = Engine.postgresPhysical({ version: PostgresVersion.V15 });
const redis = Engine.redis({ version: RedisVersion.V7_2 });

function group(
  of = chart(),
  members = [VolumeSnapshotMember.claims(['data-db-0', 'data-db-1', 'cache', 'pictures'])],
  mode?: SnapshotMode,
) {
  return new VolumeSnapshotGroup(of, 'shop', { members, mode, retention: Retention.keep({ daily: 7 }) });
}

describe('a verification', () => {
  const of = chart();
  group(of).addVerification({
    checks: [
      VolumeCheck.engine(postgres, { path: 'pgdata', assertions: [Assertion.atLeast('select 1', 1, { database: 'shop' })] }),
      VolumeCheck.engine(redis, { claims: ['cache'] }),
      VolumeCheck.files({ claims: ['pictures'] }),
    ],
  });
  const made = objects(of);

  test('has a check for every claim: that which names it, or the one that names none', () => {
    expect(environment(made['CronJob/shop-verify']).CHECKS).toBe(
      ['cache', 'pictures', 'data-db-0', 'data-db-1'].map(claim => `${claim} shop-check-${claim}`).join('\n'),
    );
    expect(environment(made['CronJob/shop-check-data-db-1'])).toMatchObject({
      ENGINE: 'postgres-physical',
      DATA_DIRECTORY: '/data/pgdata',
    });
    expect(environment(made['CronJob/shop-check-cache'])).toMatchObject({ ENGINE: 'redis', DATA_DIRECTORY: '/data' });
    expect(environment(made['CronJob/shop-check-pictures'])).toMatchObject({ ENGINE: 'files' });
  });

  test('checks in pods that know no server, ask no API and reach nothing, on a volume of their own', () => {
    for (const claim of ['data-db-0', 'cache', 'pictures']) {
      const job = made[`CronJob/shop-check-${claim}`];
      const { volumes, containers, initContainers = [], ...pod } = podSpec(job);
      expect(job.spec.suspend).toBe(true);
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(pod).not.toHaveProperty('serviceAccountName');
      // What a server there runs of the data's owner finds no key, and nothing to write to but what is thrown away.
      const kinds = volumes.map((volume: Manifest) => Object.keys(volume).find(key => key !== 'name'));
      expect(new Set(kinds)).toEqual(new Set(['emptyDir', 'configMap', 'persistentVolumeClaim']));
      expect(volumes.filter((volume: Manifest) => volume.persistentVolumeClaim)).toEqual([
        { name: 'data', persistentVolumeClaim: { claimName: `shop-verify-${claim}` } },
      ]);
      for (const { env = [], envFrom = [] } of [...containers, ...initContainers]) {
        const sources = env.flatMap((variable: Manifest) => Object.keys(variable.valueFrom ?? {}));
        expect([...sources.filter((source: string) => source !== 'fieldRef'), ...envFrom]).toEqual([]);
      }
    }
    expect(made['NetworkPolicy/shop-check'].spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
    expect(made['NetworkPolicy/shop-check'].spec.egress ?? []).toEqual([]);
  });

  test('may delete what it makes, by its names, and nothing else', () => {
    const deletes = made['Role/shop-verify'].rules.filter(({ verbs }: Manifest) => verbs.includes('delete'));
    expect(deletes.map(({ resources, resourceNames }: Manifest) => [resources[0], resourceNames.length])).toEqual([
      ['persistentvolumeclaims', 4],
      ['jobs', 4],
      ['leases', 1],
    ]);
  });

  test.each<[string, VolumeCheck[], RegExp]>([
    [
      'a claim of somebody else',
      [VolumeCheck.files({ claims: ['other'] })],
      /checks\[0\]\.claims is "other": the group has the claims data-db-0/,
    ],
    [
      'a claim twice',
      [VolumeCheck.files({ claims: ['cache'] }), VolumeCheck.files({ claims: ['cache'] })],
      /another check already names it: leave it out of one/,
    ],
    ['two for the rest', [VolumeCheck.files(), VolumeCheck.engine(redis)], /only one check can cover the claims that no other check names/],
    [
      'a logical engine',
      [VolumeCheck.engine(Engine.postgres({ version: PostgresVersion.V15 }))],
      /checks\[0\] is "postgres": .*Engine\.postgresPhysical/,
    ],
  ])('%s is refused', (_, checks, because) => {
    expect(() => group().addVerification({ checks })).toThrow(because);
  });

  test('of claims that are found by their labels has to name them', () => {
    const selected = () => group(chart(), [VolumeSnapshotMember.selecting({ app: 'shop' })]);
    expect(() => selected().addVerification()).toThrow(/checks is 0: the claims of this group are found by their labels/);
    selected().addVerification({ checks: [VolumeCheck.files({ claims: ['anything'] })] });
  });
});

test('a restore waits for somebody to ask for it, and says what', () => {
  const of = chart();
  group(of).addRestore({ claims: { 'data-db-0': 'data-trial-0', cache: 'cache' }, labels: { app: 'shop' } });
  const made = objects(of);
  expect(made['ConfigMap/shop-restore-defaults'].data).toEqual({
    RECOVERY_POINT: 'newest-verified',
    CLAIMS: 'data-db-0=data-trial-0 cache',
  });
  expect(environment(made['CronJob/shop-restore']).CLAIMS).toEqual({
    configMapKeyRef: { name: 'shop-restore-request', key: 'claims', optional: true },
  });
  expect(made['CronJob/shop-restore'].spec.suspend).toBe(true);
  expect(environment(made['CronJob/shop-restore']).LABELS).toBe('app: "shop"');
  expect(() => group().addRestore({ claims: { other: 'new' } })).toThrow(/claims is "other": the group has the claims/);
  expect(() => group().addRestore({ claims: { cache: 'New Name' } })).toThrow(/claims is "New Name"/);
});

test('a restore makes members of the group of what comes back under its own name, and of nothing else', () => {
  const of = chart();
  group(of, [VolumeSnapshotMember.claims(['data-db-0'])], SnapshotMode.native({ selector: { app: 'shop', tier: '1' } })).addRestore();
  expect(environment(objects(of)['CronJob/shop-restore'])).toMatchObject({ LABELS: '', MEMBER_LABELS: 'app: "shop"\ntier: "1"' });
});

test('a verification fails when groups are made no more, by default when two are missing', () => {
  const age = (options: object, schedule?: Schedule) => {
    const of = chart();
    const members = [VolumeSnapshotMember.claims(['data-db-0'])];
    new VolumeSnapshotGroup(of, 'shop', { members, schedule, retention: Retention.keep({ daily: 7 }) }).addVerification(options);
    return Number(environment(objects(of)['CronJob/shop-verify']).MAXIMUM_AGE);
  };
  expect(age({}, Schedule.every(Duration.hours(4)))).toBe(12 * 3600);
  expect(age({ maximumAge: Duration.days(2) })).toBe(2 * 86_400);
  expect(age({}, Schedule.never())).toBeGreaterThan(50 * 365 * 86_400);
  expect(() => age({ maximumAge: Duration.seconds(0) })).toThrow(/maximumAge is .*: write whole seconds/);
});

test('what nobody has said how to check is read, and its verdict says so', () => {
  const of = chart();
  group(of).addVerification({ checks: [VolumeCheck.files({ claims: ['pictures'] })] });
  const chosen = (claim: string) => environment(objects(of)[`CronJob/shop-check-${claim}`]).CHOSEN;
  expect([chosen('pictures'), chosen('cache')]).toEqual(['yes', 'no']);
});

test('jobs of a group know the namespace that they were made for', () => {
  const of = chart();
  const one = group(of);
  one.addVerification();
  one.addRestore();
  for (const job of ['snapshot', 'verify', 'restore']) {
    expect(environment(objects(of)[`CronJob/shop-${job}`])).toMatchObject({
      MADE_FOR_NAMESPACE: 'shop',
      POD_NAMESPACE: { fieldRef: { fieldPath: 'metadata.namespace' } },
    });
  }
});

test('no job of a group may write anything but snapshots, claims, Jobs and its lease', () => {
  const of = chart();
  const one = group(of);
  one.addVerification();
  one.addRestore();
  const written = ['snapshot', 'verify', 'restore'].map(operation =>
    objects(of)[`Role/shop-${operation}`].rules.flatMap(({ resources, verbs }: Manifest) =>
      verbs.some((verb: string) => !['get', 'list'].includes(verb)) ? resources : [],
    ),
  );
  expect(written.map(resources => [...new Set(resources)])).toEqual([
    ['volumesnapshots', 'leases'],
    ['volumesnapshots', 'persistentvolumeclaims', 'jobs', 'leases'],
    ['persistentvolumeclaims'],
  ]);
});

describe('claims as manifests', () => {
  const recoveryPoint = RecoveryPoint.id('20260801T023000Z-x7k2p');

  test('of a group have the names of those that were snapshotted, or new ones', () => {
    const of = chart();
    const { names } = new VolumesFromGroup(of, 'back', { group: group(of), recoveryPoint, size, names: { cache: 'cache-trial' } });
    expect(names).toMatchObject({ 'data-db-0': 'data-db-0', cache: 'cache-trial' });
    expect(objects(of)['PersistentVolumeClaim/cache-trial'].spec.dataSource.name).toBe('shop-20260801t023000z-x7k2p-cache');
  });

  test('cannot be of a group that only the cluster knows', () => {
    const from = (different: object) => () => {
      const of = chart();
      return new VolumesFromGroup(of, 'back', { group: group(of), recoveryPoint, size, ...different });
    };
    expect(from({ recoveryPoint: RecoveryPoint.newest() })).toThrow(/recoveryPoint is "newest": a manifest cannot look into the cluster/);
    expect(from({ names: { other: 'new' } })).toThrow(/names is "other": write one of the restored claims: data-db-0/);
    const native = group(chart(), [VolumeSnapshotMember.selecting({ app: 'shop' })], SnapshotMode.native({ selector: { app: 'shop' } }));
    expect(from({ group: native })).toThrow(/group is "shop": only the cluster knows/);
  });

  test('in another namespace keep the snapshot that they are of, whatever becomes of them', () => {
    const of = chart('trial');
    const driver = CsiDriver.of('ebs.csi.aws.com');
    new VolumesFromSnapshotHandles(of, 'shop', { driver, handles: { 'data-db-0': 'snap-1' }, size });
    const made = objects(of);
    const content = made['VolumeSnapshotContent/trial-shop-data-db-0'];
    expect(content.metadata.namespace).toBeUndefined();
    expect(content.metadata.annotations).toEqual({
      'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false,ServerSideApply=false',
      'kustomize.toolkit.fluxcd.io/prune': 'disabled',
      'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent',
    });
    expect(content.spec).toMatchObject({
      deletionPolicy: 'Retain',
      driver: 'ebs.csi.aws.com',
      source: { snapshotHandle: 'snap-1' },
      volumeSnapshotRef: { name: 'shop-data-db-0', namespace: 'trial' },
    });
    expect(made['VolumeSnapshot/shop-data-db-0'].spec.source).toEqual({ volumeSnapshotContentName: 'trial-shop-data-db-0' });
    expect(made['PersistentVolumeClaim/data-db-0'].spec.dataSource.name).toBe('shop-data-db-0');
    expect(() => new VolumesFromSnapshotHandles(chart(), 'shop', { driver, handles: {}, size })).toThrow(
      /handles is \{\}: name a snapshot/,
    );
    expect(() => new VolumesFromSnapshotHandles(chart(), 'shop', { driver, handles: { cache: ' ' }, size })).toThrow(
      /handles\.cache is " "/,
    );
  });
});
