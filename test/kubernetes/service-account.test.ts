import { App, Chart, Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupPlan,
  Engine,
  EtcdCluster,
  EtcdVersion,
  type IRepository,
  PodDefaults,
  PodServiceAccount,
  Prerequisites,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../lib';
import { VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../lib/volumes';
import { backup, chart, type Manifest, objects, podSpec, props } from '../support/synth';

const password = SecretRef.named('key').key('password');
const role = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/backup' };
const account = PodServiceAccount.annotated('backup', role);
const keyless = Repository.restic({ location: ResticLocation.s3({ bucket: 'acme', region: 'eu-central-1' }), password });

const templateOf = (made: { [id: string]: Manifest }, job: string) => made[`CronJob/orders-${job}`].spec.jobTemplate.spec.template;
const skipped = (template: Manifest) => ({
  aws: template.metadata.annotations?.['eks.amazonaws.com/skip-containers'],
  azure: template.metadata.annotations?.['azure.workload.identity/skip-containers'],
});

describe('a service account', () => {
  test('is the nearest that is said, of a plan, a backup and a job', () => {
    const app = Testing.app();
    PodDefaults.of(app).add({ serviceAccount: PodServiceAccount.named('of-all') });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const { repository, retention, ...database } = props();
    const plan = new BackupPlan(shop, 'nightly', { repository, retention });
    const orders = plan.addBackup('orders', database);
    orders.addVerification({ pods: { serviceAccount: PodServiceAccount.named('of-job') } });
    const users = plan.addBackup('users', { ...database, pods: { serviceAccount: PodServiceAccount.named('of-backup') } });
    users.addVerification();
    const made = objects(shop);
    const names = ['orders-backup', 'orders-verify', 'users-backup', 'users-verify'].map(job => podSpec(made[`CronJob/${job}`]));
    expect(names.map(({ serviceAccountName }) => serviceAccountName)).toEqual(['of-all', 'of-job', 'of-backup', 'of-backup']);
    expect(names.map(({ automountServiceAccountToken }) => automountServiceAccountToken)).toEqual([false, false, false, false]);
  });

  test('that somebody else makes is a prerequisite', () => {
    const shop = chart();
    backup(shop, { pods: { serviceAccount: PodServiceAccount.named('backup') } });
    expect(Prerequisites.of(shop).objects.filter(({ kind }) => kind === 'ServiceAccount')).toMatchObject([
      { name: 'backup', namespace: 'shop', usedBy: ['CronJob orders-backup'] },
    ]);
    expect(Object.keys(objects(shop))).not.toContain('ServiceAccount/backup');
  });

  test('of the library is made once in a namespace, and is no prerequisite', () => {
    const app = new App();
    PodDefaults.of(app).add({ serviceAccount: account });
    const charts = ['shop', 'shop', 'crm'].map((namespace, index) => new Chart(app, `chart-${index}`, { namespace }));
    charts.forEach((each, index) => void backup(each, { series: `orders-${index}` }).addVerification());
    const accounts = charts.map(each => objects(each)['ServiceAccount/backup']);
    expect(accounts).toMatchObject(
      [
        {
          metadata: { name: 'backup', namespace: 'shop', annotations: role, labels: { 'app.kubernetes.io/managed-by': 'cdk8s-backup' } },
          automountServiceAccountToken: false,
        },
        {},
        { metadata: { namespace: 'crm' } },
      ].map((each, index) => (index === 1 ? undefined : each)),
    );
    expect(Prerequisites.of(app).objects.filter(({ kind }) => kind === 'ServiceAccount')).toEqual([]);
  });

  test('fails: two that are not the same, of one name in one namespace', () => {
    const shop = chart();
    backup(shop, { pods: { serviceAccount: account } });
    const other = PodServiceAccount.annotated('backup', {});
    expect(() => backup(shop, { pods: { serviceAccount: other } }, 'users')).toThrow(
      /^shop\/users: pods\.serviceAccount is \{\}: backup has different annotations in this namespace, set by shop\/orders: \{"eks.*choose another name$/,
    );
  });

  test.each([
    [PodServiceAccount.named('Backup'), /pods\.serviceAccount is "Backup": write the name of an existing object/],
    [
      PodServiceAccount.annotated('default', role),
      /pods\.serviceAccount is "default": all pods of the namespace that name no account use this one/,
    ],
  ])('fails: a name that is none for it %#', (serviceAccount, message) => {
    expect(() => backup(chart(), { pods: { serviceAccount } })).toThrow(message);
  });

  test('is none of checks of volumes and of jobs that have one of their own', () => {
    const shop = chart();
    PodDefaults.of(shop).add({ serviceAccount: account });
    const group = new VolumeSnapshotGroup(shop, 'album', {
      members: [VolumeSnapshotMember.claims(['album'])],
      retention: Retention.days(3),
    });
    group.addVerification({ checks: [VolumeCheck.files()] });
    const jobs = Object.values(objects(shop)).filter(({ kind }) => kind === 'CronJob');
    const accounts = jobs.map(job => [job.metadata.name, podSpec(job).serviceAccountName]);
    expect(Object.fromEntries(accounts)).toEqual({
      'album-snapshot': 'album-snapshot',
      'album-verify': 'album-verify',
      'album-check-album': undefined,
    });
    expect(Object.keys(objects(shop))).not.toContain('ServiceAccount/backup');
  });
});

describe('the identity is not for containers that have nothing of the repository', () => {
  function made(repository: IRepository, serviceAccount = account) {
    const shop = chart();
    const orders = backup(shop, { repository, pods: { serviceAccount } });
    orders.addVerification();
    orders.addRestore();
    return objects(shop);
  }

  test.each(['backup', 'verify', 'restore'])('%s', job => {
    const template = templateOf(made(keyless), job);
    const { containers, initContainers } = template.spec;
    const others = [...initContainers, ...containers.slice(1)].map(({ name }: { name: string }) => name);
    expect(others).toEqual(job === 'verify' ? ['restic', 'workbench'] : ['restic']);
    // As the webhooks split them: AWS's does not trim.
    expect(skipped(template).aws.split(',')).toEqual(others);
    expect(skipped(template).azure.split(';')).toEqual(others);
  });

  test('whatever the account is for', () => {
    const template = templateOf(made(Repository.files({ claimName: 'backups' }), PodServiceAccount.named('backup')), 'verify');
    expect(skipped(template)).toEqual({ aws: 'workbench', azure: 'workbench' });
  });

  test('what an engine brings up has none, and what prepares for it has', () => {
    const shop = chart();
    const cluster = EtcdCluster.statefulSet({ name: 'etcd', replicas: 1, service: 'peers', path: 'etcd' });
    const engine = Engine.etcd({ version: EtcdVersion.V3_5, cluster });
    backup(shop, { engine, host: 'etcd', repository: keyless, pods: { serviceAccount: account } }).addVerification();
    expect(skipped(templateOf(objects(shop), 'verify')).aws).toBe('restic,status,restore-scratch,etcd');
    expect(skipped(templateOf(objects(shop), 'backup')).aws).toBe('restic,snapshot,restore-scratch,etcd');
  });

  test('others may be named beside them', () => {
    const shop = chart();
    const annotations = {
      'eks.amazonaws.com/skip-containers': 'istio-proxy, restic',
      'azure.workload.identity/skip-containers': 'istio-proxy',
    };
    backup(shop, { repository: keyless, pods: { serviceAccount: account, annotations } });
    expect(skipped(templateOf(objects(shop), 'backup'))).toEqual({ aws: 'istio-proxy,restic', azure: 'istio-proxy;restic' });
  });

  test('pods without a service account say nothing of it', () => {
    const shop = chart();
    backup(shop, { repository: Repository.files({ claimName: 'backups' }) });
    const template = templateOf(objects(shop), 'backup');
    expect(template.metadata).not.toHaveProperty('annotations');
    expect(template.spec).not.toHaveProperty('serviceAccountName');
  });
});
