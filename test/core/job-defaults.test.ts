import { Chart, Duration, Size, Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupPlan,
  JobDefaults,
  type JobOptions,
  Mirror,
  ObjectLock,
  Repository,
  ResticLocation,
  Restore,
  Retention,
  Schedule,
  Scratch,
  SecretRef,
  Verification,
} from '../../lib';
import { warnings } from '../../lib/core/warning';
import { files, objects, props, restic } from '../support/synth';

const { repository: _, retention: __, ...database } = props();
const retention = Retention.keep({ daily: 7 });

function chartWith(defaults: JobOptions): Chart {
  const app = Testing.app();
  JobDefaults.of(app).add(defaults);
  return new Chart(app, 'shop', { namespace: 'shop' });
}

function plan(chart: Chart): BackupPlan {
  const nightly = new BackupPlan(chart, 'nightly', { repository: restic, retention });
  nightly.add(Verification.weekly(), Restore.onDemand(), Mirror.to(files, { name: 'near', retention }));
  return nightly;
}

describe('what is said once of all CronJobs', () => {
  test('holds for every one below', () => {
    const chart = chartWith({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 5, keepFinished: Duration.hours(30) });
    plan(chart).addBackup('orders', database);
    const made = objects(chart);
    const jobs = Object.keys(made).filter(name => name.startsWith('CronJob/'));
    expect(jobs).toEqual(['backup', 'verify', 'restore', 'mirror-near'].map(job => `CronJob/orders-${job}`));
    for (const job of jobs) {
      expect(made[job].spec).toMatchObject({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 5 });
      expect(made[job].spec.jobTemplate.spec.ttlSecondsAfterFinished).toBe(30 * 3600);
    }
  });

  test('is that of the nearest who says it', () => {
    const chart = chartWith({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 5 });
    const nightly = new BackupPlan(chart, 'nightly', { repository: restic, retention });
    JobDefaults.of(nightly).add({ failedJobsHistoryLimit: 2, successfulJobsHistoryLimit: undefined });
    nightly.addBackup('orders', database);
    expect(objects(chart)['CronJob/orders-backup'].spec).toMatchObject({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 2 });
  });

  test('pauses what has a schedule, and says so of each', () => {
    const chart = chartWith({ paused: true });
    plan(chart).addBackup('orders', database);
    const made = objects(chart);
    for (const job of ['backup', 'verify', 'mirror-near']) {
      expect(made[`CronJob/orders-${job}`].spec.suspend).toBe(true);
      // Argo CD is to show that it is, which it is told not to of what somebody starts.
      expect(made[`CronJob/orders-${job}`].metadata.annotations).toBeUndefined();
    }
    const said = warnings(chart.node.findAll()).filter(line => line.includes('paused'));
    expect(said).toHaveLength(3);
    expect(said[0]).toContain('orders-backup is paused: it does not run until JobDefaults resume it');
  });

  test("pauses no renewal of a store's locks, which would end", () => {
    const chart = chartWith({ paused: true });
    const location = ResticLocation.s3({
      ...{ bucket: 'acme-backups', credentials: SecretRef.named('s3') },
      objectLock: ObjectLock.compliance({ days: 30 }),
    });
    const repository = Repository.restic({ location, password: SecretRef.named('key').key('password') });
    new BackupPlan(chart, 'nightly', { repository, retention: Retention.keep({ monthly: 3 }) }).addBackup('orders', database);
    const { 'CronJob/orders-backup': job, 'CronJob/orders-renew-locks': renewal } = objects(chart);
    expect([job.spec.suspend, renewal.spec.suspend]).toEqual([true, undefined]);
  });

  test('keeps a volume with data no longer than is said', () => {
    const chart = chartWith({ keepFinished: Duration.days(9) });
    const backup = new BackupPlan(chart, 'nightly', { repository: restic, retention }).addBackup('orders', database);
    backup.addVerification({ scratch: Scratch.ephemeralVolume(Size.gibibytes(1)), schedule: Schedule.weekly({ at: '05:00' }) });
    const { spec } = objects(chart)['CronJob/orders-verify'];
    expect(spec.jobTemplate.spec.ttlSecondsAfterFinished).toBe(12 * 3600);
  });

  test('is said before the first child, and is what a CronJob can have', () => {
    const chart = chartWith({});
    plan(chart);
    expect(() => JobDefaults.of(chart).add({ paused: true })).toThrow(
      'shop: JobDefaults is {"paused":true}: set it before you create the first child: shop/nightly was created without it',
    );
    expect(() => chartWith({ failedJobsHistoryLimit: 0 })).toThrow('failedJobsHistoryLimit is 0: write a whole number from 1 to 100');
    expect(() => chartWith({ keepFinished: Duration.seconds(0) })).toThrow('keepFinished is "0 s": a verdict that is deleted at once');
  });
});
