import { type Chart, Duration } from 'cdk8s';
import { expect, test } from 'vitest';
import {
  AgeMonitor,
  type AgeMonitorOptions,
  BackupPlan,
  Objectives,
  type ObjectivesOptions,
  Retention,
  Schedule,
  Verification,
} from '../../lib';
import { backup, chart, environment, files, type Manifest, objects, props } from '../support/synth';

const { repository: _, retention: __, ...database } = props();
const PROMISED = { recoveryPoint: Duration.hours(26), proof: Duration.days(8) };

const monitor = (promised: ObjectivesOptions = PROMISED, options: AgeMonitorOptions = {}) =>
  AgeMonitor.of(Objectives.of(promised), options);

function planned(different: Partial<ConstructorParameters<typeof BackupPlan>[2]> = {}): { shop: Chart; plan: BackupPlan } {
  const shop = chart();
  const retention = Retention.keep({ daily: 7 });
  return { shop, plan: new BackupPlan(shop, 'nightly', { repository: files, retention, deadline: Duration.hours(1), ...different }) };
}

const ages = (cronJob: Manifest) => {
  const { MAX_AGE, MAX_VERIFIED_AGE } = environment(cronJob);
  return [MAX_AGE, MAX_VERIFIED_AGE];
};

test('every backup of a plan has a CronJob that looks each hour, and reads the repository alone', () => {
  const { shop, plan } = planned();
  plan.add(monitor(), Verification.weekly());
  plan.addBackup('orders', database);
  plan.addBackup('users', database);
  const { 'CronJob/orders-age-check': orders, 'CronJob/users-age-check': users, 'NetworkPolicy/orders-age-check': policy } = objects(shop);
  expect(users).toBeDefined();
  expect(orders.spec).toMatchObject({ schedule: expect.stringMatching(/^\d+ \* \* \* \*$/), concurrencyPolicy: 'Forbid' });
  expect(orders.spec.jobTemplate.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 900 });
  const { volumes } = orders.spec.jobTemplate.spec.template.spec;
  expect(JSON.stringify(volumes)).not.toContain('orders-backup');
  expect(environment(orders)).not.toHaveProperty('PGHOST');
  expect(policy.spec.policyTypes).toContain('Egress');
  expect(policy.spec).not.toHaveProperty('egress');
});

test('a verified recovery point may be as old as a promised one, and older by the time between proofs', () => {
  const { shop, plan } = planned();
  plan.add(monitor(), Verification.weekly());
  plan.addBackup('orders', database);
  expect(ages(objects(shop)['CronJob/orders-age-check'])).toEqual(['93600', String(93_600 + 8 * 86_400)]);
});

test('what is not promised may be of any age', () => {
  const { shop, plan } = planned();
  plan.addBackup('orders', database).add(monitor({ recoveryPoint: Duration.hours(26) }));
  plan
    .addBackup('users', { ...database, schedule: Schedule.daily({ at: '03:00' }) })
    .add(monitor({ proof: Duration.days(8) }), Verification.weekly());
  const { 'CronJob/orders-age-check': orders, 'CronJob/users-age-check': users } = objects(shop);
  expect(ages(orders)).toEqual(['93600', '']);
  const { startingDeadlineSeconds } = objects(shop)['CronJob/users-backup'].spec;
  // A day between two, how late the next one may begin, and the hour that it may take.
  expect(ages(users)).toEqual(['', String(8 * 86_400 + 86_400 + startingDeadlineSeconds + 3600)]);
});

test('what a backup says goes before what its plan says', () => {
  const { shop, plan } = planned();
  plan.add(monitor({ recoveryPoint: Duration.hours(26) }));
  plan.addBackup('orders', database).add(monitor({ recoveryPoint: Duration.hours(30) }, { schedule: Schedule.daily({ at: '08:00' }) }));
  const { 'CronJob/orders-age-check': orders } = objects(shop);
  expect(orders.spec.schedule).toBe('0 8 * * *');
  expect(ages(orders)).toEqual(['108000', '']);
});

test('a promise that schedules cannot keep is refused, and one that nothing is measured by', () => {
  const { shop, plan } = planned();
  plan.addBackup('orders', database).add(monitor({ recoveryPoint: Duration.hours(20) }));
  expect(() => objects(shop)).toThrow(/objectives\.recoveryPoint is "20 hours"/);
  expect(() => monitor({ recoveryTime: Duration.minutes(30) })).toThrow(
    'AgeMonitor.of: objectives is "a recoveryTime alone": a repository says how old recovery points are: promise a recoveryPoint, a proof, or both',
  );
});

test('a second one on one backup is refused', () => {
  const shop = chart();
  const orders = backup(shop);
  orders.add(monitor({ recoveryPoint: Duration.hours(60) }), monitor({ recoveryPoint: Duration.hours(61) }));
  expect(() => objects(shop)).toThrow('the backup already uses that name');
});
