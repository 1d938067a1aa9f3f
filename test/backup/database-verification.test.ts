import { isDeepStrictEqual } from 'node:util';
import { Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  Assertion,
  BackupPlan,
  Encryption,
  Engine,
  type IRepository,
  type KeyDrillOptions,
  PostgresVersion,
  Repository,
  Retention,
  Schedule,
  Scratch,
  SecretRef,
  Verification,
} from '../../lib';
import { backup, chart, environment, files, objects, podSpec, props, restic } from '../support/synth';

describe('a verification', () => {
  const shop = chart();
  backup(shop, { repository: restic }).addVerification({ assertions: [Assertion.atLeast('select count(*) from orders', 1000)] });
  const made = objects(shop);
  const cronJob = made['CronJob/orders-verify'];

  test('knows neither the address nor the credentials of the production server', () => {
    expect(Object.keys(environment(cronJob)).filter(name => name.startsWith('PG'))).toEqual([]);
    expect(JSON.stringify(cronJob)).not.toContain('orders-db');
    expect(JSON.stringify(cronJob)).not.toContain('orders-backup');
  });

  test('reaches the repository and nothing else', () => {
    expect(
      made['NetworkPolicy/orders-verify'].spec.egress.map((rule: { ports: { port: number }[] }) => rule.ports.map(({ port }) => port)),
    ).toEqual([[53, 53], [443]]);
  });

  test('reaches nothing at all where the repository is a volume', () => {
    const local = chart();
    backup(local).addVerification();
    expect(objects(local)['NetworkPolicy/orders-verify'].spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('asks the assertions from a mounted ConfigMap', () => {
    const [assertions] = Object.values(made).filter(object => object.metadata.name.startsWith('backup-scripts-orders-assertions'));
    expect(assertions.data).toEqual({
      '01.query': 'select count(*) from orders;\n',
      '01.database': 'orders\n',
      '01.expect': 'at-least 1000\n',
    });
    expect(podSpec(cronJob).containers[0].volumeMounts).toContainEqual({
      name: 'scripts-assertions',
      mountPath: '/opt/backup/assertions',
      readOnly: true,
    });
  });

  test('is an add-on for all backups of a plan, whether they come before or after it', () => {
    const platform = chart();
    const plan = new BackupPlan(platform, 'nightly', props());
    plan.addBackup('a', props());
    plan.add(Verification.daily());
    plan.addBackup('b', props());
    expect(Object.keys(objects(platform)).filter(name => name.endsWith('-verify') && name.startsWith('CronJob'))).toEqual([
      'CronJob/a-verify',
      'CronJob/b-verify',
    ]);
  });

  test.each([
    [
      'a database that has to be named',
      [Assertion.equalTo('select 1', '1')],
      'shop/many/verify: assertions[0].database is not set: the backup holds several databases',
    ],
    ['an empty statement', [Assertion.equalTo(' ', '1', { database: 'a' })], 'shop/many/verify: assertions[0].query is " "'],
    [
      'an expectation that is no number',
      [Assertion.atLeast('select 1', Number.NaN, { database: 'a' })],
      'shop/many/verify: assertions[0] is "at-least NaN"',
    ],
  ])('fails: %s', (_, assertions, message) => {
    const many = backup(chart(), { engine: Engine.postgres({ version: PostgresVersion.V16 }) }, 'many');
    expect(() => many.addVerification({ assertions })).toThrow(message);
  });
});

describe('the newest recovery point may be', () => {
  const allowed = (schedule: Schedule | undefined, options: object = {}) => {
    const shop = chart();
    backup(shop, { ...(schedule && { schedule }) }).addVerification(options);
    return environment(objects(shop)['CronJob/orders-verify']).MAXIMUM_AGE;
  };

  test.each([
    ['three days old where backups are daily', undefined, String(3 * 86_400)],
    ['an hour old where they come more often', Schedule.every(Duration.minutes(15)), '3600'],
    ['as old as it likes where somebody starts them', Schedule.never(), undefined],
  ])('%s', (_, schedule, seconds) => {
    expect(allowed(schedule)).toBe(seconds);
  });

  test('as old as is said, but not so young that nothing has to be wrong', () => {
    expect(allowed(undefined, { maximumAge: Duration.hours(30) })).toBe(String(30 * 3600));
    expect(() => allowed(undefined, { maximumAge: Duration.hours(20) })).toThrow(/orders\/verify: maximumAge is .*up to 1 day old/);
  });

  test('older in a mirror, by what the mirror may take; and as old in a drill', () => {
    const shop = chart();
    const orders = backup(shop, { repository: restic });
    const mirror = orders.addMirror(files, { name: 'near', retention: Retention.keep({ daily: 7 }), schedule: Schedule.daily() });
    mirror.addVerification();
    orders.addKeyDrill({ key: SecretRef.named('escrow').key('password') });
    const made = objects(shop);
    expect(environment(made['CronJob/orders-verify-near']).MAXIMUM_AGE).toBe(String(6 * 86_400));
    expect(environment(made['CronJob/orders-drill']).MAXIMUM_AGE).toBe(String(3 * 86_400));
  });
});

describe('a drill with the key that opens the repository every day proves nothing, and is refused', () => {
  const own = SecretRef.named('key').key('password');
  const encrypted = Repository.files({ claimName: 'backups', encryption: Encryption.gpgSymmetric({ passphrase: own }) });

  test.each<[string, IRepository]>([
    ['of restic', restic],
    ['of files', encrypted],
  ])('%s', (_, repository) => {
    const drilled = (options: KeyDrillOptions) => backup(chart(), { repository }).addKeyDrill(options);
    const refused = /shop\/orders: key is "key\/password": that is the repository's own key.*SecretRef\.named\('escrow'\)/;
    expect(() => drilled({ key: own })).toThrow(refused);
    for (const [secret, key] of [
      ['escrow', 'password'],
      ['key', 'in-escrow'],
    ] as const) {
      expect(() => drilled({ key: SecretRef.named(secret).key(key) })).not.toThrow();
    }
    expect(() => backup(chart(), { repository: files }).addKeyDrill({ repository, key: own })).toThrow(refused);
  });
});

test('a repository on a volume is mounted to read, but for what a verification notes, and for the safety backups of a restore', () => {
  const shop = chart();
  const orders = backup(shop, { repository: Repository.files({ claimName: 'backups', path: 'team/shop' }) });
  orders.addVerification();
  orders.addRestore();
  const mounts = (name: string) =>
    podSpec(objects(shop)[`CronJob/${name}`])
      .containers.flatMap(({ volumeMounts }: { volumeMounts: { name: string }[] }) => volumeMounts)
      .filter(({ name: volume }: { name: string }) => volume === 'repository');
  expect(mounts('orders-verify')).toEqual([
    { name: 'repository', mountPath: '/repository', subPath: 'team/shop', readOnly: true },
    { name: 'repository', mountPath: '/marks', subPath: 'team/shop/.state-orders' },
  ]);
  expect(mounts('orders-restore')).toEqual([
    { name: 'repository', mountPath: '/repository', subPath: 'team/shop', readOnly: true },
    { name: 'repository', mountPath: '/safety', subPath: 'team/shop/orders-safety' },
  ]);
  expect(mounts('orders-backup')).toEqual([{ name: 'repository', mountPath: '/repository', subPath: 'team/shop' }]);
});

test('a volume of its own is emptied at the end, and goes with the Job after half a day', () => {
  const shop = chart();
  backup(shop).addVerification({ scratch: Scratch.ephemeralVolume(Size.gibibytes(250)) });
  const cronJob = objects(shop)['CronJob/orders-verify'];
  const emptied = podSpec(cronJob).containers.filter(({ env }: { env: object[] }) =>
    env.some(variable => isDeepStrictEqual(variable, { name: 'SCRATCH_OUTLIVES', value: 'yes' })),
  );
  expect(emptied.map(({ name }: { name: string }) => name)).toEqual(['workbench']);
  expect(cronJob.spec.jobTemplate.spec.ttlSecondsAfterFinished).toBe(12 * 3600);
});
