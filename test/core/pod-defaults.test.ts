import { Chart, Size, Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupPlan,
  DatabaseBackup,
  type DatabaseBackupProps,
  Engine,
  EtcdCluster,
  EtcdVersion,
  PodDefaults,
  type PodOptions,
  PostgresVersion,
  Repository,
  Retention,
  Scratch,
  SecretRef,
} from '../../lib';
import { objects, podSpec, restic } from '../support/synth';

const common = { repository: Repository.files({ claimName: 'backups' }), retention: Retention.keep({ last: 3 }) };
const database = {
  ...{ engine: Engine.postgres({ version: PostgresVersion.V16 }), host: 'orders-db', credentials: SecretRef.named('orders-backup') },
};

function chartWith(defaults: PodOptions): Chart {
  const app = Testing.app();
  PodDefaults.of(app).add(defaults);
  return new Chart(app, 'shop', { namespace: 'shop' });
}

interface Disk {
  readonly 'ephemeral-storage'?: string;
}

function backup(chart: Chart, props: Partial<DatabaseBackupProps> = {}): DatabaseBackup {
  return new DatabaseBackup(chart, 'orders', { ...common, ...database, ...props });
}

const podOf = (chart: Chart, job: string) => podSpec(objects(chart)[`CronJob/orders-${job}`]);
const limitsOf = (chart: Chart, job: string) =>
  podOf(chart, job).containers.map(({ resources }: { resources: { limits: { memory: string } } }) => resources.limits.memory);

describe('what is said once of all pods', () => {
  test('holds for every job below, which says what is its own', () => {
    const chart = chartWith({
      ...{ imagePullSecrets: ['registry'], imagePullPolicy: 'Always', runtimeClassName: 'gvisor', nodeSelector: { pool: 'batch' } },
      tolerations: [{ key: 'batch', operator: 'Exists', effect: 'NoSchedule' }],
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } },
    });
    const orders = backup(chart, { pods: { imagePullSecrets: ['other'] } });
    orders.addVerification({ pods: { nodeSelector: { disk: 'fast' }, memoryLimit: Size.gibibytes(4) } });
    orders.addRestore();
    for (const job of ['backup', 'verify', 'restore']) {
      const pod = podOf(chart, job);
      expect(pod).toMatchObject({
        ...{ imagePullSecrets: [{ name: 'registry' }, { name: 'other' }], runtimeClassName: 'gvisor' },
        nodeSelector: job === 'verify' ? { pool: 'batch', disk: 'fast' } : { pool: 'batch' },
        tolerations: [{ key: 'batch', operator: 'Exists', effect: 'NoSchedule' }],
        affinity: { nodeAffinity: expect.anything() },
      });
      for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) expect(container.imagePullPolicy).toBe('Always');
    }
  });

  test('is that of the nearest who says it', () => {
    const app = Testing.app();
    PodDefaults.of(app)
      .add({ priorityClassName: 'low', labels: { team: 'a', cost: '1' } })
      .add({ labels: { cost: '2' } });
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    PodDefaults.of(chart).add({ priorityClassName: 'high' });
    const plan = new BackupPlan(chart, 'nightly', { ...common, pods: { cpuLimit: '1' } });
    plan.addBackup('orders', { ...database, pods: { labels: { team: 'b' } } });
    const { template } = objects(chart)['CronJob/orders-backup'].spec.jobTemplate.spec;
    expect(template.metadata.labels).toMatchObject({ team: 'b', cost: '2' });
    expect(template.spec).toMatchObject({ priorityClassName: 'high', containers: [{ resources: { limits: { cpu: '1' } } }] });
  });

  test('lowers no memory that a job needs by itself: only the job says so', () => {
    const chart = chartWith({ memoryLimit: Size.mebibytes(300) });
    const orders = backup(chart);
    orders.addVerification();
    orders.addRestore({ pods: { memoryLimit: Size.mebibytes(600) } });
    expect(limitsOf(chart, 'backup')).toEqual(['300Mi']);
    expect(limitsOf(chart, 'verify')).toEqual(['2Gi', '2Gi']);
    expect(limitsOf(chart, 'restore')).toEqual(['600Mi']);
  });

  test('raises it', () => {
    const chart = chartWith({ memoryLimit: Size.gibibytes(4) });
    backup(chart).addVerification();
    expect(limitsOf(chart, 'verify')).toEqual(['4Gi', '4Gi']);
  });

  test('raises it to what is set aside for every pod', () => {
    const chart = chartWith({ memoryRequest: Size.mebibytes(600) });
    const orders = backup(chart);
    orders.addVerification();
    orders.addRestore();
    expect(limitsOf(chart, 'backup')).toEqual(['600Mi']);
    expect(limitsOf(chart, 'restore')).toEqual(['1Gi']);
  });

  test('spreads pods, and says how much of the disk of their node they have', () => {
    const spread = { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' };
    const chart = chartWith({ topologySpreadConstraints: [spread], ephemeralStorageLimit: Size.gibibytes(5) });
    const orders = backup(chart, { scratch: Scratch.emptyDir(Size.mebibytes(300)) });
    orders.addVerification({ scratch: Scratch.ephemeralVolume(Size.gibibytes(40)) });
    orders.addRestore({ pods: { ephemeralStorageRequest: Size.gibibytes(3) } });
    expect(podOf(chart, 'backup').topologySpreadConstraints).toEqual([spread]);
    const disks = (job: string) =>
      podOf(chart, job).containers.map(({ resources: { requests, limits } }: { resources: { requests: Disk; limits: Disk } }) => [
        requests['ephemeral-storage'],
        limits['ephemeral-storage'],
      ]);
    expect(disks('backup')).toEqual([['300Mi', '5Gi']]);
    // The server of a verification has a volume of its own.
    expect(disks('verify')).toEqual([
      ['300Mi', '5Gi'],
      [undefined, '5Gi'],
    ]);
    expect(disks('restore')[0]).toEqual(['3Gi', '5Gi']);
    expect(() => backup(chartWith({ ephemeralStorageLimit: Size.gibibytes(1), ephemeralStorageRequest: Size.gibibytes(2) }))).toThrow(
      'shop/orders: pods.ephemeralStorageLimit is "1Gi": it is below the request of 2Gi, so the API server would refuse the pods: raise it, or lower ephemeralStorageRequest',
    );
  });

  test('adds a toleration once, however often it is said', () => {
    const batch = { key: 'batch', operator: 'Exists' };
    const chart = chartWith({ tolerations: [batch] });
    backup(chart, { pods: { tolerations: [batch, { key: 'other' }] } });
    expect(podOf(chart, 'backup').tolerations).toEqual([batch, { key: 'other' }]);
  });

  test("leaves out the user of every job, where it is the cluster's to choose", () => {
    const chart = chartWith({ assignedUser: true });
    backup(chart).addVerification();
    for (const job of ['backup', 'verify']) expect(podOf(chart, job).securityContext).not.toHaveProperty('runAsUser');
  });

  test('sends no job away from the node of a control plane that it works on', () => {
    const chart = chartWith({ nodeSelector: { pool: 'batch' }, runtimeClassName: 'gvisor', assignedUser: true, priorityClassName: 'low' });
    const cluster = EtcdCluster.kubeadm([{ name: 'cp-1', address: '10.0.0.11' }]);
    const engine = Engine.etcdControlPlane({ version: EtcdVersion.V3_6, cluster });
    backup(chart, { engine, host: '127.0.0.1', credentials: undefined, repository: restic });
    const pod = podOf(chart, 'backup');
    expect(pod.nodeSelector).toEqual({ 'node-role.kubernetes.io/control-plane': '' });
    expect(pod).toMatchObject({ priorityClassName: 'low', securityContext: { runAsUser: 0 } });
    expect(pod).not.toHaveProperty('runtimeClassName');
  });

  test('asks for no more than a small limit, in a verification', () => {
    const chart = chartWith({});
    backup(chart).addVerification({ pods: { memoryRequest: Size.mebibytes(64), memoryLimit: Size.mebibytes(100) } });
    for (const { resources } of podOf(chart, 'verify').containers) {
      expect(Number.parseInt(resources.requests.memory, 10)).toBeLessThanOrEqual(100);
    }
  });

  test('is said before the first child, which is made without it otherwise', () => {
    const app = Testing.app();
    const chart = new Chart(app, 'shop');
    backup(chart);
    expect(() => PodDefaults.of(app).add({ priorityClassName: 'low' })).toThrow(
      'PodDefaults is {"priorityClassName":"low"}: set it before you create the first child: shop was created without it',
    );
  });

  test('is wrong where it says what no pod can have', () => {
    expect(() => backup(chartWith({ memoryLimit: Size.mebibytes(1.5) }))).toThrow(
      'shop/orders: pods.memoryLimit is "1.5Mi": write whole mebibytes',
    );
    expect(() => backup(chartWith({ imagePullPolicy: 'always' }))).toThrow(
      'shop/orders: pods.imagePullPolicy is "always": write one of Always, IfNotPresent, Never',
    );
  });
});
