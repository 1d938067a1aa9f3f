import { type App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { describe, expect, test } from 'vitest';
import { MariadbVersion, MongodbVersion, Retention, Schedule, SecretRef } from '../../lib';
import { warnings } from '../../lib/core/warning';
import {
  GroupSnapshotVersion,
  type IQuiesce,
  Quiesce,
  SnapshotMode,
  VolumeSnapshotGroup,
  type VolumeSnapshotGroupProps,
  VolumeSnapshotMember,
} from '../../lib/volumes';
import { backup, chart, container, environment, type Manifest, objects, podSpec } from '../support/synth';

const retention = Retention.keep({ daily: 7 });
const claims = VolumeSnapshotMember.claims(['uploads']);

function mariadb(limit = Duration.seconds(60)) {
  return Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials: SecretRef.named('stock-quiesce'), limit });
}

/** A server of two replicas with a volume for each. */
function stock(of: Chart, replicas = 2): k8s.KubeStatefulSet {
  const labels = { app: 'stock-db' };
  return new k8s.KubeStatefulSet(of, 'stock-db', {
    metadata: { name: 'stock-db' },
    spec: {
      replicas,
      serviceName: 'stock-db',
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: 'mariadb', image: 'mariadb:10.11.19-jammy', volumeMounts: [{ name: 'data', mountPath: '/var/lib/mysql' }] }],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            { name: 'import', persistentVolumeClaim: { claimName: 'import' } },
          ],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
    },
  });
}

function files(of: Chart): k8s.KubeDeployment {
  const labels = { app: 'files' };
  return new k8s.KubeDeployment(of, 'files', {
    metadata: { name: 'files' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: 'files', image: 'nginx:1.29' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'uploads' } }],
        },
      },
    },
  });
}

function group(of: Chart, different: Partial<VolumeSnapshotGroupProps> = {}, id = 'shop'): VolumeSnapshotGroup {
  return new VolumeSnapshotGroup(of, id, { members: [claims], retention, ...different });
}

/** What the Role of the job lets it do, one rule a line. */
function rules(of: Chart): string[] {
  return objects(of)['Role/shop-snapshot'].rules.map(
    ({ resources, verbs, resourceNames = [] }: Manifest) =>
      `${resources}: ${verbs}${resourceNames.length > 0 ? ` of ${resourceNames}` : ''}`,
  );
}

describe('a group', () => {
  test('is made by one run at a time, which never lasts for ever', () => {
    const shop = chart();
    group(shop, { schedule: Schedule.daily({ at: '03:00' }), readyTimeout: Duration.minutes(20) });
    const { metadata, spec } = objects(shop)['CronJob/shop-snapshot'];
    expect(metadata.labels).toMatchObject({ 'cdk8s-backup/series': 'shop', 'cdk8s-backup/operation': 'snapshot' });
    expect(spec).toMatchObject({ schedule: '0 3 * * *', timeZone: 'UTC', concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 4 * 3600 });
    expect(spec.jobTemplate.spec).toMatchObject({ backoffLimit: 2, activeDeadlineSeconds: 60 + 20 * 60 + 600 });
    expect(container(objects(shop)['CronJob/shop-snapshot'])).toMatchObject({
      name: 'snapshot',
      image: 'alpine/kubectl:1.34.2',
      command: ['sh', '/opt/backup/shell/run.sh', 'snapshot'],
    });
    expect(podSpec(objects(shop)['CronJob/shop-snapshot'])).toMatchObject({
      serviceAccountName: 'shop-snapshot',
      automountServiceAccountToken: true,
    });
  });

  test('is of all claims of workloads, of claims by name, and of those that have labels', () => {
    const shop = chart();
    group(shop, {
      members: [
        VolumeSnapshotMember.workload(stock(shop)),
        VolumeSnapshotMember.workload(files(shop)),
        VolumeSnapshotMember.selecting({ app: 'shop' }),
      ],
      snapshotClassName: 'fast',
    });
    expect(environment(objects(shop)['CronJob/shop-snapshot'])).toMatchObject({
      MODE: 'coordinated',
      CLAIMS: [
        'StatefulSet/stock-db data-stock-db-0',
        'StatefulSet/stock-db data-stock-db-1',
        'StatefulSet/stock-db import',
        'Deployment/files uploads',
      ].join('\n'),
      SELECTORS: 'selected app=shop',
      HOLDS: '',
      SNAPSHOT_CLASS: 'fast',
      CUT_TIMEOUT: '60',
      RETENTION: 'last=0 hourly=0 daily=7 weekly=0 monthly=0 yearly=0 at-least=3',
    });
  });

  test('holds every replica of a server, in order, for no longer than its quiesce', () => {
    const shop = chart();
    const members = [
      VolumeSnapshotMember.workload(stock(shop), { quiesce: mariadb(Duration.seconds(30)), volumes: ['data'] }),
      VolumeSnapshotMember.workload(files(shop)),
    ];
    group(shop, { members });
    const { HOLDS, RELEASES, CUT_TIMEOUT } = environment(objects(shop)['CronJob/shop-snapshot']);
    expect(HOLDS.split('\n')).toEqual(
      [0, 1].map(n => expect.stringMatching(new RegExp(`^StatefulSet/stock-db stock-db-${n} quiesce \\d+ sh .*hold.sh`))),
    );
    expect(RELEASES.split('\n')).toEqual(
      [0, 1].map(n => expect.stringMatching(new RegExp(`^StatefulSet/stock-db stock-db-${n} quiesce sh .*release.sh`))),
    );
    expect(CUT_TIMEOUT).toBe('30');
  });

  test('holds one member of a replica set, the first that lets itself be held, and of other servers all', () => {
    const oneOf = (quiesce: IQuiesce, replicas = 2) => {
      const shop = chart();
      group(shop, { members: [VolumeSnapshotMember.workload(stock(shop, replicas), { quiesce })] });
      return environment(objects(shop)['CronJob/shop-snapshot']).ONE_OF;
    };
    const version = MongodbVersion.V8_0;
    const credentials = SecretRef.named('stock-quiesce');
    expect(oneOf(Quiesce.mongodb({ version, credentials, replicaSet: 'rs0' }))).toBe('StatefulSet/stock-db');
    expect(oneOf(Quiesce.mongodb({ version, credentials, replicaSet: 'rs0' }), 1)).toBeUndefined();
    expect(oneOf(Quiesce.mongodb({ version, credentials, onlyMember: true }))).toBeUndefined();
    expect(oneOf(mariadb())).toBeUndefined();
  });

  test('may do what it does, and run commands in no pods but those it holds', () => {
    const [plain, held, native] = [chart(), chart(), chart()];
    group(plain);
    group(held, { members: [VolumeSnapshotMember.workload(stock(held), { quiesce: mariadb() })] });
    group(native, { mode: SnapshotMode.native({ selector: { app: 'shop' } }) });
    const always = ['persistentvolumeclaims: list', 'leases: create', 'leases: get,update,delete of shop-snapshot', 'pods: get'];
    expect(rules(plain)).toEqual(['volumesnapshots: get,list,create,patch,delete', ...always]);
    expect(rules(held)).toEqual([...rules(plain), 'pods/exec: get,create of stock-db-0,stock-db-1']);
    expect(rules(native)).toEqual(['volumesnapshots: get,list,patch,delete', 'volumegroupsnapshots: get,list,create,delete', ...always]);
    expect(objects(plain)['NetworkPolicy/shop-snapshot'].spec.podSelector.matchLabels).toEqual({
      'cdk8s-backup/series': 'shop',
      'cdk8s-backup/operation': 'snapshot',
    });
  });

  test('is taken by the driver at once, in the version that the cluster serves', () => {
    const shop = chart();
    const mode = SnapshotMode.native({
      selector: { app: 'shop', tier: 'db' },
      groupClassName: 'together',
      apiVersion: GroupSnapshotVersion.V1,
    });
    group(shop, { mode });
    expect(environment(objects(shop)['CronJob/shop-snapshot'])).toMatchObject({
      MODE: 'native',
      GROUP_API: 'groupsnapshot.storage.k8s.io/v1',
      GROUP_SELECTOR: 'app=shop,tier=db',
      SNAPSHOT_CLASS: 'together',
    });
  });

  test('of labels that a StatefulSet overwrites on its claims is warned of', () => {
    const shop = chart();
    const member = VolumeSnapshotMember.workload(stock(shop));
    const native = (id: string, selector: { [label: string]: string }) =>
      group(shop, { members: [member], mode: SnapshotMode.native({ selector }) }, id);
    expect(warnings([native('by-app', { app: 'shop', tier: 'db' })])).toEqual([
      "warning: shop/by-app: claims of StatefulSet/stock-db, such as data-stock-db-0, get the label app=stock-db from its selector, whatever its volumeClaimTemplates say, so a group of app=shop lacks them: for mode.selector, choose a label that no workload's selector has",
    ]);
    expect(warnings([native('by-tier', { tier: 'db' })])).toEqual([]);
  });

  test('that nothing verifies is warned of', () => {
    const shop = chart();
    const one = group(shop);
    one.node.validate();
    expect(warnings([one])).toEqual(['warning: shop/shop: nothing proves that a server starts on the snapshots of shop: verify them']);
  });
});

describe('refused is', () => {
  const refused = (different: (of: Chart) => Partial<VolumeSnapshotGroupProps>) => () => {
    const shop = chart();
    group(shop, different(shop));
  };

  test('a group of nothing', () => {
    expect(refused(() => ({ members: [] }))).toThrow(/^shop\/shop: members is \[\]: name what to snapshot/);
    expect(refused(() => ({ members: [VolumeSnapshotMember.claims([])] }))).toThrow(/members is \[\]: name one claim/);
    expect(refused(() => ({ members: [VolumeSnapshotMember.claims(['A'])] }))).toThrow(/members is "A": write the name/);
    expect(refused(() => ({ members: [VolumeSnapshotMember.selecting({})] }))).toThrow(/members is {}: name one label/);
    expect(refused(() => ({ members: [VolumeSnapshotMember.selecting({ app: 'a b' })] }))).toThrow(
      /members is {"app":"a b"}: write the name of a label/,
    );
    expect(refused(() => ({ mode: SnapshotMode.native({ selector: {} }) }))).toThrow(/mode.selector is {}/);
  });

  test('a workload whose volumes are no claims, or not there', () => {
    const nothing = (of: Chart) => VolumeSnapshotMember.workload(stock(of, 0), { volumes: [] });
    expect(refused(of => ({ members: [nothing(of)] }))).toThrow(/members is "StatefulSet\/stock-db": none of its volumes is a claim/);
    const temporary = (of: Chart) => VolumeSnapshotMember.workload(stock(of), { volumes: ['tmp'] });
    expect(refused(of => ({ members: [temporary(of)] }))).toThrow(/members.volumes is "tmp": .* it has: data, import/);
  });

  test('a workload of another namespace', () => {
    const elsewhere = (of: Chart) =>
      VolumeSnapshotMember.workload(stock(new Chart(of.node.root as App, 'other', { namespace: 'other' })), { quiesce: mariadb() });
    expect(refused(of => ({ members: [elsewhere(of)] }))).toThrow(
      /members is "StatefulSet\/stock-db": it is in namespace other, and the group in shop, which has neither its claims nor its pods/,
    );
  });

  test('to hold pods whose names nobody knows', () => {
    const deployment = (of: Chart) => VolumeSnapshotMember.workload(files(of), { quiesce: mariadb() });
    expect(refused(of => ({ members: [deployment(of)] }))).toThrow(/members.quiesce is "Deployment\/files": only pods of a StatefulSet/);
  });

  test('a cut later than a server is held', () => {
    const held = (of: Chart) => VolumeSnapshotMember.workload(stock(of), { quiesce: mariadb(Duration.seconds(30)) });
    expect(refused(of => ({ members: [held(of)], cutTimeout: Duration.seconds(31) }))).toThrow(
      /cutTimeout is "31 s": a quiesce of its members ends after 30 s/,
    );
    expect(refused(() => ({ cutTimeout: Duration.millis(1500) }))).toThrow(/cutTimeout is 1.5: write whole seconds/);
    expect(refused(() => ({ readyTimeout: Duration.seconds(0) }))).toThrow(/readyTimeout is 0: write whole seconds/);
  });

  test('a class of the other kind', () => {
    const mode = SnapshotMode.native({ selector: { app: 'shop' } });
    expect(refused(() => ({ mode, snapshotClassName: 'fast' }))).toThrow(
      /snapshotClassName is "fast": a native group uses a VolumeGroupSnapshotClass/,
    );
    expect(refused(() => ({ snapshotClassName: 'A' }))).toThrow(/snapshotClassName is "A"/);
  });

  test('a series that another has', () => {
    const shop = chart();
    group(shop);
    expect(() => group(shop, {}, 'other')).not.toThrow();
    expect(() => group(shop, { series: 'shop' }, 'again')).toThrow(/shop\/again: series is "shop": shop\/shop keeps its recovery points/);
    expect(() => backup(shop, { series: 'shop' })).toThrow(
      /shop\/orders: series is "shop": shop\/shop already uses that series in this namespace/,
    );
    expect(() => group(new Chart(shop.node.root as App, 'elsewhere', { namespace: 'elsewhere' }))).not.toThrow();
  });
});
