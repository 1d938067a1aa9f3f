import { App, Chart, Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { DataVolume, Engine, EtcdCluster, type EtcdEngineOptions, EtcdTls, EtcdVersion, ImageCatalog, SecretRef } from '../../lib';
import { backup, chart, environment, type Manifest, objects, podSpec, restic } from '../support/synth';

const cluster = EtcdCluster.statefulSet({
  name: 'etcd',
  replicas: 3,
  service: 'peers',
  peerTls: true,
  peerDomain: '.shop.svc',
  path: 'etcd',
});
const engine = (different: Partial<EtcdEngineOptions> = {}) => Engine.etcd({ version: EtcdVersion.V3_5, cluster, ...different });
const synthesized = (different: Partial<EtcdEngineOptions> = {}, credentials?: SecretRef) => {
  const shop = chart();
  const made = backup(shop, { engine: engine(different), host: 'etcd', credentials }, 'keys');
  made.addVerification();
  made.addRestore();
  return objects(shop);
};
const steps = (object: Manifest) => podSpec(object).initContainers.map(({ name }: Manifest) => name);
const step = (object: Manifest, wanted: string) => podSpec(object).initContainers.find(({ name }: Manifest) => name === wanted);

describe('an etcd', () => {
  test('is asked by its own programs, in exec form, before the scripts', () => {
    const all = synthesized({ tls: EtcdTls.secret(SecretRef.named('client')) }, SecretRef.named('login'));
    expect(steps(all['CronJob/keys-backup'])).toEqual(['prepare', 'snapshot', 'restore-scratch', 'etcd']);
    expect(steps(all['CronJob/keys-verify'])).toEqual(['prepare', 'status', 'restore-scratch', 'etcd']);
    expect(steps(all['CronJob/keys-restore-etcd-1'])).toEqual(['prepare', 'restore-scratch', 'etcd', 'restore-member']);
    expect(step(all['CronJob/keys-backup'], 'etcd').restartPolicy).toBe('Always');
    expect(step(all['CronJob/keys-backup'], 'snapshot').env).toEqual([
      { name: 'ETCDCTL_ENDPOINTS', value: 'https://etcd:2379' },
      { name: 'ETCDCTL_USER', valueFrom: { secretKeyRef: { name: 'login', key: 'username' } } },
      { name: 'ETCDCTL_PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
    ]);
    // What is called ETCD_ would be a setting to the throw-away server.
    expect(step(all['CronJob/keys-backup'], 'etcd').env).toBeUndefined();
  });

  test('is backed up every 15 minutes, unless somebody says something else', () => {
    expect(synthesized()['CronJob/keys-backup'].spec.schedule).toMatch(/^\d+,\d+,\d+,\d+ \* \* \* \*$|^\S*\/15 \* \* \* \*$/);
    const shop = chart();
    expect(backup(shop, { engine: engine(), host: 'etcd' }, 'keys').interval).toEqual(Duration.minutes(15));
  });

  test('is restored member by member, from one request', () => {
    const all = synthesized({ bumpRevision: true });
    const restore = all['CronJob/keys-restore-etcd-2'];
    expect(step(restore, 'restore-member').command).toEqual([
      ...['etcdutl', 'snapshot', 'restore', '/scratch/snapshot.db', '--data-dir=/data/.restoring-member', '--name=etcd-2'],
      '--initial-advertise-peer-urls=https://etcd-2.peers.shop.svc:2380',
      '--initial-cluster=etcd-0=https://etcd-0.peers.shop.svc:2380,etcd-1=https://etcd-1.peers.shop.svc:2380,etcd-2=https://etcd-2.peers.shop.svc:2380',
      '--initial-cluster-token=$(SERIES)-$(RECOVERY_POINT)-$(ATTEMPT)',
      ...['--bump-revision=1000000000', '--mark-compacted'],
    ]);
    expect(step(restore, 'restore-member').env.map(({ name }: Manifest) => name)).toEqual(['SERIES', 'RECOVERY_POINT', 'ATTEMPT']);
    expect(environment(restore).DATA_DIRECTORY).toBe('/data/etcd');
    expect(podSpec(restore).volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-etcd-2' } });
    expect(Object.keys(all).filter(name => name.endsWith('-defaults'))).toEqual(['ConfigMap/keys-restore-defaults']);
    // Its program has no shell that could put one in the place of the other.
    expect(step(restore, 'restore-member').envFrom).toEqual([{ configMapRef: { name: 'keys-restore-defaults' } }]);
    expect(all['ConfigMap/keys-restore-runbook'].data['restore.md']).toContain('job --from=cronjob/keys-restore-etcd-1');
  });

  test('has the write-ahead log restored where the members have it', () => {
    const logs = EtcdCluster.statefulSet({ name: 'etcd', replicas: 1, service: 'peers', walClaim: 'wal', walPath: 'log' });
    const all = synthesized({ cluster: logs });
    const restore = all['CronJob/keys-restore'];
    expect(step(restore, 'restore-member').command).toContain('--wal-dir=/wal/.restoring-wal');
    expect(step(restore, 'restore-member').volumeMounts).toContainEqual({ name: 'wal', mountPath: '/wal' });
    expect(environment(restore).WAL_DIRECTORY).toBe('/wal/log');
    expect(podSpec(restore).volumes).toContainEqual({ name: 'wal', persistentVolumeClaim: { claimName: 'wal-etcd-0' } });
    expect(JSON.stringify(all['CronJob/keys-backup'])).not.toContain('wal-etcd-0');
    expect(all['ConfigMap/keys-restore-runbook'].data['restore.md']).toContain('Each job replaces the data and the log');
  });

  test('of 3.4 is restored by etcdctl, as there is no etcdutl', () => {
    expect(step(synthesized({ version: EtcdVersion.V3_4 })['CronJob/keys-verify'], 'restore-scratch').command[0]).toBe('etcdctl');
  });
});

describe('a control plane', () => {
  const plane = (repository = restic, host = '127.0.0.1') => {
    const system = chart('kube-system');
    const nodes = EtcdCluster.kubeadm([{ name: 'cp-1', address: '10.0.0.11' }]);
    const made = backup(
      system,
      { engine: Engine.etcdControlPlane({ version: EtcdVersion.V3_6, cluster: nodes }), host, repository, credentials: undefined },
      'plane',
    );
    made.addVerification();
    made.addRestore();
    return objects(system);
  };

  test('is asked in the network of its node, and verified in one of the pod', () => {
    const all = plane();
    expect(podSpec(all['CronJob/plane-backup'])).toMatchObject({
      hostNetwork: true,
      nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
      tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
      securityContext: { runAsUser: 0 },
    });
    expect(podSpec(all['CronJob/plane-restore']).nodeSelector).toMatchObject({ 'kubernetes.io/hostname': 'cp-1' });
    const verify = podSpec(all['CronJob/plane-verify']);
    expect(verify.hostNetwork).toBeUndefined();
    expect(verify.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
    expect(JSON.stringify(verify)).not.toMatch(/hostPath|127\.0\.0\.1/);
  });

  test('has a runbook with the image that its jobs have', () => {
    const app = new App();
    ImageCatalog.mirror(app, 'registry.example/proxy');
    const system = new Chart(app, 'system', { namespace: 'kube-system' });
    const cluster = EtcdCluster.kubeadm([{ name: 'cp-1', address: '10.0.0.11' }]);
    const engine = Engine.etcdControlPlane({ version: EtcdVersion.V3_6, cluster });
    backup(system, { engine, host: '127.0.0.1', repository: restic, credentials: undefined }, 'plane').addRestore();
    const runbook = objects(system)['ConfigMap/plane-restore-runbook'].data['restore.md'];
    expect(runbook).toMatch(/ registry\.example\/proxy\/\S*etcd:v3\.6\.\d+ restore /);
    expect(runbook).not.toContain(' gcr.io/');
  });

  test('has pods of root, so that no other user can be assigned to them', () => {
    const engine = Engine.etcdControlPlane({
      version: EtcdVersion.V3_6,
      cluster: EtcdCluster.kubeadm([{ name: 'cp-1', address: '10.0.0.11' }]),
    });
    const props = { engine, host: '127.0.0.1', repository: restic, credentials: undefined, pods: { assignedUser: true } };
    expect(() => backup(chart('kube-system'), props, 'plane')).toThrow(/pods\.assignedUser.*these pods run as root on their node/s);
  });

  test('is not kept on a claim of its own cluster, nor asked elsewhere', () => {
    const system = chart('kube-system');
    const nodes = EtcdCluster.kubeadm([{ name: 'cp-1', address: '10.0.0.11' }]);
    const engine = Engine.etcdControlPlane({ version: EtcdVersion.V3_6, cluster: nodes });
    expect(() => backup(system, { engine, host: '127.0.0.1' })).toThrow(
      /repository is .*: the claim belongs to the cluster that this backup has to bring back/,
    );
    expect(() => plane(restic, 'cp-1')).toThrow('host is "cp-1": jobs run on a control plane node');
  });
});

describe('is refused', () => {
  const member = { name: 'a', peerUrl: 'http://a:2380', dataVolume: DataVolume.claim('a') };
  test.each<[string, Partial<EtcdEngineOptions>, RegExp]>([
    ['a release that is none', { version: EtcdVersion.of('3.5') }, /engine\.version is "3\.5": write a release from 3\.4\.0 on/],
    ['a release before snapshots were checked', { version: EtcdVersion.of('3.3.27') }, /engine\.version is "3\.3\.27"/],
    [
      'a bump that the release cannot',
      { version: EtcdVersion.of('3.5.9'), bumpRevision: true },
      /engine\.bumpRevision is "true, with etcd 3\.5\.9"/,
    ],
    ['a cluster without members', { cluster: EtcdCluster.of([]) }, /engine\.cluster is 0: name from one to nine members/],
    [
      'a peer URL without a port',
      { cluster: EtcdCluster.of([{ ...member, peerUrl: 'http://a' }]) },
      /engine\.cluster is "http:\/\/a": write the member's/,
    ],
    [
      'one directory for data and log',
      { cluster: EtcdCluster.of([{ ...member, walVolume: DataVolume.claim('a') }]) },
      /engine\.cluster is "one directory for data and log of a": the data and the log need different directories/,
    ],
    ['a member twice', { cluster: EtcdCluster.of([member, { ...member, peerUrl: 'http://b:2380' }]) }, /each member needs its own name/],
  ])('%s', (_, different, message) => {
    expect(() => backup(chart(), { engine: engine(different), host: 'etcd' })).toThrow(message);
  });

  test('one data volume for several members', () => {
    const made = backup(chart(), { engine: engine(), host: 'etcd' });
    expect(() => made.addRestore({ dataVolume: DataVolume.claim('a') })).toThrow(
      /dataVolume is "one volume": each of etcd-0, etcd-1, etcd-2 is restored/,
    );
  });
});

test('releases know what they can do', () => {
  expect(['3.4.26', '3.4.27', '3.5.9', '3.5.10', '3.6.0'].map(release => EtcdVersion.of(release).canBumpRevision)).toEqual([
    false,
    true,
    false,
    true,
    true,
  ]);
  expect(['3.4.45', '3.5.2', '3.5.3', '3.6.0'].map(release => EtcdVersion.of(release).corruptsData)).toEqual([false, true, false, false]);
});
