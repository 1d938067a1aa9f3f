import { App, Chart } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupPlan,
  Compression,
  type DatabaseBackup,
  Engine,
  type IRepository,
  Mirror,
  type MirrorOptions,
  RedisVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
} from '../../lib';
import { warnings } from '../../lib/core/warning';
import { type Manifest, networkPolicies } from '../manifests/manifest';
import { networkPolicyCovers } from '../manifests/rules/network-policy';
import { backup, chart, environment, files, objects, podSpec, props, restic } from '../support/synth';

const retention = Retention.keep({ daily: 30 });
const rest = (host: string) =>
  Repository.restic({
    location: ResticLocation.rest({ url: `http://${host}:8000/shop/`, credentials: SecretRef.named(host) }),
    password: SecretRef.named(`${host}-key`).key('password'),
  });

test('of two verifications, each has the policy of its own repository alone, since policies add up', () => {
  const shop = chart();
  const orders = backup(shop);
  orders.addVerification();
  orders.addRestore();
  const mirror = orders.addMirror(restic, { name: 'offsite', retention });
  mirror.addVerification();
  mirror.addRestore({ host: 'orders-db.drill' });
  const made: Manifest[] = Object.values(objects(shop));
  expect(networkPolicyCovers(made)).toEqual([]);
  expect(Object.fromEntries(networkPolicies(made).map(({ metadata, spec }) => [metadata.name, spec?.egress?.length ?? 0]))).toEqual({
    'orders-backup': 2,
    'orders-verify': 0,
    'orders-restore': 2,
    'orders-mirror-offsite': 2,
    'orders-verify-offsite': 2,
    'orders-restore-offsite': 3,
  });
});

describe('a mirror', () => {
  const shop = chart();
  backup(shop).addMirror(restic, { name: 'offsite', retention });
  const made = objects(shop);
  const cronJob = made['CronJob/orders-mirror-offsite'];

  test('is a CronJob of its own, hourly, with a retention and labels of its own', () => {
    expect(cronJob.spec).toMatchObject({ concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 3600 });
    expect(cronJob.spec.schedule).toMatch(/^\d+ \* \* \* \*$/);
    expect(environment(cronJob).RETENTION).toContain('daily=30');
    const labels = { 'cdk8s-backup/series': 'orders', 'cdk8s-backup/operation': 'mirror', 'cdk8s-backup/mirror': 'offsite' };
    expect(cronJob.metadata.labels).toMatchObject(labels);
    expect(cronJob.spec.jobTemplate.spec.template.metadata.labels).toMatchObject(labels);
  });

  test('has both repositories, and can only read the one that it copies from', () => {
    const { volumes, containers } = podSpec(cronJob);
    expect(volumes.find(({ name }: { name: string }) => name === 'source-repository').persistentVolumeClaim.claimName).toBe('backups');
    expect(containers[0].volumeMounts).toContainEqual({ name: 'source-repository', mountPath: '/source-repository', readOnly: true });
    expect(environment(cronJob)).toMatchObject({
      SOURCE_REPOSITORY_PATH: '/source-repository',
      SOURCE_VARIABLES: 'REPOSITORY_PATH COMPRESSION',
    });
    expect(environment(cronJob).DESTINATION_VARIABLES).toMatch(/^RESTIC_REPOSITORY RESTIC_PASSWORD_FILE /);
    expect(containers[0].volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual(
      expect.arrayContaining(['/opt/backup/repository', '/opt/backup/source']),
    );
  });

  test('knows nothing of the production server, and reaches the two repositories alone', () => {
    expect(JSON.stringify(cronJob)).not.toContain('orders-db');
    expect(made['NetworkPolicy/orders-mirror-offsite'].spec.podSelector.matchLabels).toEqual({
      'cdk8s-backup/job': 'orders-mirror-offsite',
    });
    expect(
      made['NetworkPolicy/orders-mirror-offsite'].spec.egress.map((rule: { ports: { port: number }[] }) =>
        rule.ports.map(({ port }) => port),
      ),
    ).toEqual([[53, 53], [443]]);
  });

  test('between two restic repositories keeps their credentials and passwords apart', () => {
    const both = chart();
    backup(both, { repository: rest('near') }).addMirror(rest('far'), { name: 'far', retention });
    const mirror = objects(both)['CronJob/orders-mirror-far'];
    expect(environment(mirror)).toMatchObject({
      RESTIC_REPOSITORY: 'rest:http://far:8000/shop/',
      RESTIC_REST_PASSWORD: { secretKeyRef: { name: 'far', key: 'password' } },
      RESTIC_PASSWORD_FILE: '/run/secrets/restic/password',
      SOURCE_RESTIC_REPOSITORY: 'rest:http://near:8000/shop/',
      SOURCE_RESTIC_REST_PASSWORD: { secretKeyRef: { name: 'near', key: 'password' } },
      SOURCE_RESTIC_PASSWORD_FILE: '/run/secrets/source-restic/password',
    });
    expect(podSpec(mirror).initContainers.map(({ name }: { name: string }) => name)).toEqual(['restic']);
  });

  test('of a plan is one of every backup of it', () => {
    const shop = chart();
    const plan = new BackupPlan(shop, 'nightly', { repository: files, retention });
    plan.add(Mirror.to(restic, { name: 'offsite', retention, schedule: Schedule.daily({ at: '04:00' }), verification: {}, restore: {} }));
    for (const id of ['a', 'b']) {
      const planned = plan.addBackup(id, props());
      planned.addVerification();
      planned.addRestore();
    }
    expect(Object.keys(objects(shop)).filter(name => /^CronJob.*offsite/.test(name))).toEqual(
      ['a', 'b'].flatMap(id => [`CronJob/${id}-mirror-offsite`, `CronJob/${id}-verify-offsite`, `CronJob/${id}-restore-offsite`]),
    );
    expect(warnings(shop.node.findAll())).toEqual([]);
  });

  test('is verified and restored from by itself, and says when nobody does', () => {
    const shop = chart();
    const orders = backup(shop);
    const mirror = orders.addMirror(restic, { name: 'offsite', retention });
    // Both of the mirror: of the backup's own repository nothing is said by them.
    orders.addVerification();
    mirror.addRestore();
    const names = Object.keys(objects(shop));
    expect(names).toContain('CronJob/orders-restore-offsite');
    expect(warnings(shop.node.findAll())).toEqual([
      'warning: shop/orders: nothing can restore orders after a disaster: call addRestore()',
      'warning: shop/orders/mirror-offsite: nothing proves that orders can be restored from its mirror offsite: call addVerification() on the mirror',
    ]);
  });
});

describe('a mirror that is refused', () => {
  const twice = (orders: DatabaseBackup) => {
    orders.addMirror(restic, { name: 'offsite', retention });
    orders.addMirror(rest('far'), { name: 'offsite', retention });
  };
  const to =
    (repository: IRepository, options: Partial<MirrorOptions> = {}) =>
    (orders: DatabaseBackup) =>
      void orders.addMirror(repository, { name: 'offsite', retention, ...options });

  test.each<[string, (orders: DatabaseBackup) => void, string]>([
    ['into the same place', to(Repository.files({ claimName: 'backups' })), 'it is the repository of the backup itself'],
    [
      'onto the same volume',
      to(Repository.files({ claimName: 'backups', path: 'copy' })),
      'both copies would be in the same place, claim shop/backups, and lost together',
    ],
    [
      'onto the same volume, in a repository of another kind',
      to(
        Repository.restic({
          location: ResticLocation.local({ claimName: 'backups' }),
          password: SecretRef.named('key').key('password'),
        }),
      ),
      'both copies would be in the same place, claim shop/backups, and lost together',
    ],
    ['of a name that is taken', twice, 'the backup already has a mirror named offsite'],
    [
      'of a name that is too long',
      to(restic, { name: 'a-place-that-is-very-far-away-from-here-and-safe' }),
      'the 52 characters of a CronJob name',
    ],
    ['of a name that is none', to(restic, { name: 'Off site' }), 'shop/orders/mirror-Off site: name is "orders-mirror-Off site"'],
    ['without a retention', to(restic, { retention: undefined as unknown as Retention }), 'retention is not set: write a Retention'],
    [
      'by two versions of one tool',
      orders => {
        const newer = Repository.restic({
          location: ResticLocation.rest({ url: 'http://vault:8000/' }),
          password: SecretRef.named('key').key('password'),
          image: 'restic/restic:0.18.1',
        });
        backup(new Chart(orders.node.root as App, 'other', { namespace: 'shop' }), { repository: newer }, 'users').addMirror(restic, {
          name: 'x',
          retention,
        });
      },
      'the pod already takes restic from restic/restic:0.18.0',
    ],
  ])('fails: %s', (_, make, message) => {
    expect(() => make(backup(chart()))).toThrow(message);
  });

  test('fails: by an image that lacks the compression', () => {
    const redis = backup(chart(), { engine: Engine.redis({ version: RedisVersion.V7_2 }) });
    const repository = Repository.files({ claimName: 'far', compression: Compression.ZSTD });
    expect(() => redis.addMirror(repository, { name: 'far', retention })).toThrow("the engine's image ships gzip");
  });

  test('fails: into the place of another backup of that series', () => {
    const app = new App();
    const orders = backup(new Chart(app, 'a', { namespace: 'a' }));
    backup(new Chart(app, 'b', { namespace: 'b' }), { repository: restic });
    expect(() => orders.addMirror(restic, { name: 'offsite', retention })).toThrow(
      'b/orders keeps its recovery points under that name in the same repository',
    );
  });

  test('two mirrors, to two places, are welcome', () => {
    const shop = chart();
    backup(shop, { repository: files }).addMirror(Repository.files({ claimName: 'near' }), { name: 'near', retention });
    expect(Object.keys(objects(shop))).toContain('CronJob/orders-mirror-near');
  });
});
