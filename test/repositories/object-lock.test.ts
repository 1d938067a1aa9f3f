import { describe, expect, test } from 'vitest';
import { ObjectLock, type ObjectLockOptions, Repository, ResticLocation, Retention, Schedule, SecretRef } from '../../lib';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

const locked = (options: ObjectLockOptions = { days: 30 }, prefix = 'blue') =>
  Repository.restic({
    location: ResticLocation.s3({
      bucket: 'acme-backups',
      prefix,
      region: 'eu-central-1',
      credentials: SecretRef.named('s3'),
      objectLock: ObjectLock.compliance(options),
    }),
    password: SecretRef.named('key').key('password'),
  });
const retention = Retention.keep({ daily: 7, monthly: 3 });

describe('a bucket that locks', () => {
  const shop = chart();
  backup(shop, { repository: locked(), retention }).addRestore();
  backup(shop, { repository: locked(), retention, series: 'users' }, 'users');
  backup(shop, { repository: locked({ days: 30 }, 'green'), retention, series: 'carts' }, 'carts');
  const made = objects(shop);

  test('each repository has one job that renews its locks', () => {
    expect(Object.keys(made).filter(name => name.endsWith('-renew-locks'))).toEqual([
      'CronJob/orders-renew-locks',
      'NetworkPolicy/orders-renew-locks',
      'CronJob/carts-renew-locks',
      'NetworkPolicy/carts-renew-locks',
    ]);
  });

  test('early enough: half of the days are always left, though a run may fail', () => {
    const { LOCK_MODE, LOCK_DAYS, LOCK_RENEW_AFTER } = environment(made['CronJob/orders-renew-locks']);
    expect([LOCK_MODE, LOCK_DAYS]).toEqual(['COMPLIANCE', '30']);
    expect(Number(LOCK_RENEW_AFTER)).toBe((30 - 15 - 2) * 24 * 3600);
  });

  test('with the rights of a backup, and without a word of the database', () => {
    const renewal = made['CronJob/orders-renew-locks'];
    expect(environment(renewal).AWS_ACCESS_KEY_ID).toEqual(environment(made['CronJob/orders-backup']).AWS_ACCESS_KEY_ID);
    expect(JSON.stringify(renewal)).not.toContain('orders-db');
  });

  test('only jobs that work with versions bring rclone along', () => {
    const tools = (name: string) => podSpec(made[name]).initContainers.map((each: { name: string }) => each.name);
    expect(tools('CronJob/orders-backup')).toEqual(['restic']);
    expect(tools('CronJob/orders-restore')).toEqual(['rclone', 'restic']);
    expect(tools('CronJob/orders-renew-locks')).toEqual(['rclone', 'restic']);
  });

  test('a restore can be asked for the repository as it was', () => {
    expect(made['ConfigMap/orders-restore-defaults'].data).toMatchObject({ REPOSITORY_AS_OF: '' });
    expect(container(made['CronJob/orders-restore']).env).toContainEqual({
      name: 'REPOSITORY_AS_OF',
      valueFrom: { configMapKeyRef: { name: 'orders-restore-request', key: 'asOf', optional: true } },
    });
  });
});

test('a mirror in a bucket that locks has a job of its own', () => {
  const shop = chart();
  backup(shop).addMirror(locked(), { name: 'vault', retention });
  expect(Object.keys(objects(shop)).filter(name => name.includes('renew-locks'))).toEqual([
    'CronJob/orders-renew-locks-vault',
    'NetworkPolicy/orders-renew-locks-vault',
  ]);
});

describe('errors', () => {
  test.each<[ObjectLockOptions, Retention, RegExp]>([
    [{ days: 0 }, retention, /location\.objectLock\.days is 0: write a whole number of days/],
    [{ days: 30, atLeastDays: 1.5 }, retention, /location\.objectLock\.atLeastDays is 1\.5: write a whole number/],
    [
      { days: 30, atLeastDays: 28 },
      retention,
      /location\.objectLock\.days is 30: objects locked for 30 days cannot stay locked for another 28 days at all times with a renewal every 1 day, of which one may fail/,
    ],
    [{ days: 14, renewal: Schedule.weekly() }, retention, /at all times with a renewal every 7 days/],
    [
      { days: 30 },
      Retention.days(7),
      /shop\/orders: retention is .*: it keeps nothing longer than 7 days, but the bucket locks everything for 30 days, so pruned data would stay and cost/,
    ],
  ])('%#', (options, kept, says) => {
    expect(() => backup(chart(), { repository: locked(options), retention: kept })).toThrow(says);
  });

  test('what the newest recovery points span counts, too', () => {
    const weekly = { schedule: Schedule.weekly(), retention: Retention.keep({ last: 5 }) };
    expect(() => backup(chart(), { repository: locked(), ...weekly })).not.toThrow();
    expect(() => backup(chart(), { repository: locked({ days: 40 }), ...weekly })).toThrow(/keeps nothing longer than 35 days/);
  });
});
