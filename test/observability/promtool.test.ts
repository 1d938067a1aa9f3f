import { type Chart, Duration } from 'cdk8s';
import { Cron } from 'croner';
import { describe, expect, test } from 'vitest';
import {
  Alerts,
  type AlertsOptions,
  BackupPlan,
  DataVolume,
  Engine,
  LogArchive,
  Mirror,
  Objectives,
  PostgresVersion,
  Restore,
  Retention,
  Schedule,
  Verification,
} from '../../lib';
import { chart, files, type Manifest, objects, props, restic } from '../support/synth';
import { ALWAYS, type Cluster, type CronJob, type Exporter, type Run } from './kube-state-metrics';
import { checked, type Expected, isMissing, STEP, tested } from './promtool';

const DAY = 24 * 60;
const HOUR = 60;
const DUE = 4 * HOUR + 30;

/** A night's backup is due at 04:30, and may take an hour; a verification on the first and every seventh day at 05:00. */
function nightly(of: Chart, options: AlertsOptions = {}): BackupPlan {
  const { repository: _, ...shared } = props();
  const plan = new BackupPlan(of, 'nightly', {
    repository: files,
    retention: shared.retention,
    schedule: Schedule.daily({ at: '04:30', timeZone: 'Europe/Berlin' }),
    deadline: Duration.hours(1),
  });
  const objectives = Objectives.of({ recoveryPoint: Duration.hours(26), recoveryTime: Duration.minutes(30), proof: Duration.days(8) });
  plan.add(
    Alerts.of(objectives, options),
    Verification.weekly({ schedule: Schedule.weekly({ at: '05:00' }), deadline: Duration.hours(2) }),
    Restore.onDemand(),
  );
  return plan;
}

const { repository: _, retention: __, ...database } = props();

function rulesOf(options: AlertsOptions = {}, namespace = 'shop'): Manifest {
  const shop = chart(namespace);
  nightly(shop, options).addBackup('orders', database);
  return objects(shop)['PrometheusRule/orders-backup-alerts'];
}

const ORDERS = rulesOf();

/** A run by the schedule, of ten minutes. */
function night(day: number, different: Partial<Run> = {}): Run {
  const scheduled = day * DAY + DUE;
  return { name: `orders-backup-${day}`, scheduled, started: scheduled, ended: scheduled + 10, ...different };
}

function verified(day: number, different: Partial<Run> = {}): Run {
  const scheduled = day * DAY + 5 * HOUR;
  return { name: `orders-verify-${day}`, scheduled, started: scheduled, ended: scheduled + 20, ...different };
}

const nights = (...days: number[]) => days.map(day => night(day));

/** What is emitted of one backup, all well but for what a test says. */
function shop(
  different: { backup?: Partial<CronJob>; verify?: Partial<CronJob>; restore?: Partial<CronJob> },
  more: Partial<Cluster> = {},
): Cluster {
  return {
    ...more,
    cronJobs: [
      { name: 'orders-backup', created: 0, runs: nights(0, 1, 2, 3, 4, 5, 6, 7, 8), ...different.backup },
      { name: 'orders-verify', created: 0, runs: [verified(0), verified(7)], ...different.verify },
      { name: 'orders-restore', created: 0, suspended: [ALWAYS], ...different.restore },
    ],
  };
}

function expectAlerts(cluster: Cluster | Cluster[], expected: Expected[], rules: Manifest[] = [ORDERS]): void {
  const { status, said } = tested(rules, [cluster].flat(), expected);
  expect(status, said).toBe(0);
}

/** Nothing, at any time of these hours. */
const nothing = (from: number, until: number): Expected => ({ at: until, within: until - from, firing: [] });

/** Nothing around the runs of these days: what is silent before a run, and when it has ended, is so between. */
const quiet = (...days: number[]) => days.map(day => nothing(day * DAY + 4 * HOUR, day * DAY + 6 * HOUR));

/** Of a backup that does not come any more. */
const BOTH = ['BackupJobMissedSchedule orders-backup', 'BackupRecoveryPointTooOld orders-backup'];

describe.skipIf(isMissing)('promtool', () => {
  test('takes every rule', () => {
    const { status, said } = checked([ORDERS, booksAndMirror().books, booksAndMirror().users]);
    expect(status, said).toBe(0);
    expect(said).not.toMatch(/duplicate/);
  });

  test('and finds what is no rule', () => {
    const [group] = ORDERS.spec.groups;
    const broken = { spec: { groups: [{ ...group, rules: [{ ...group.rules[0], expr: 'time() - (' }] }] } };
    expect(checked([broken]).status).not.toBe(0);
  });

  test('and its tests fail where something else fires', () => {
    expect(tested([ORDERS], [shop({ backup: { runs: nights(0) } })], quiet(2)).status).not.toBe(0);
  });

  describe('says nothing', () => {
    test('where all is well, for nine days', () => {
      expectAlerts(shop({}), [...quiet(0, 1, 7), nothing(25 * HOUR, 27 * HOUR)]);
    });

    test('before anything was due', () => {
      expectAlerts(shop({ backup: { runs: [] }, verify: { runs: [] } }), [nothing(0, 2 * HOUR)]);
    });

    test('of a restore that somebody has run once, nor of one that refused and is kept', () => {
      const runs = [
        { name: 'orders-restore-1', started: 6 * HOUR, ended: 7 * HOUR },
        { name: 'orders-restore-2', started: 8 * HOUR, ended: 8 * HOUR + 5, failed: true },
        { name: 'orders-restore-3', started: 9 * HOUR },
      ];
      expectAlerts(shop({ restore: { runs } }), [nothing(8 * HOUR, 10 * HOUR), ...quiet(8)]);
    });

    test('of a failure that was before the last success, and is kept', () => {
      const failed = night(2, { name: 'orders-backup-old', scheduled: undefined, started: 3 * HOUR, ended: 3 * HOUR + 5, failed: true });
      expectAlerts(shop({ backup: { runs: [failed, ...nights(0, 1, 2)] } }), [...quiet(1), nothing(DUE + 10, 6 * HOUR)]);
    });

    test.each([
      ['October 2027, when a night has an hour more', '2027-10-29T00:00:00Z'],
      ['March 2028, when one has an hour less', '2028-03-24T00:00:00Z'],
    ])('of a run that takes all of its hour, after one that took no time: %s', (_when, start) => {
      const cron = new Cron('30 4 * * *', { timezone: 'Europe/Berlin' });
      const due = cron.nextRuns(6, new Date(start)).map(date => (date.getTime() - Date.parse(start)) / 60_000);
      const gaps = due.slice(1).map((minute, i) => minute - (due[i] ?? 0));
      expect(new Set(gaps).size).toBe(2);
      const runs = due.map((scheduled, i) => ({
        name: `orders-backup-${i}`,
        scheduled,
        started: scheduled,
        ended: scheduled + (i % 2 ? 55 : 0),
      }));
      const slowFirst = runs.map((run, i) => ({ ...run, ended: run.scheduled + (i % 2 ? 0 : 55) }));
      const around = due.slice(1).map(minute => nothing(minute - 15, minute + 70));
      for (const each of [runs, slowFirst]) expectAlerts(shop({ backup: { runs: each } }), around);
    });

    test('while kube-state-metrics starts anew, and is another pod', () => {
      const exporters = Array.from(
        { length: 48 },
        (_, i): Exporter => ({ pod: `kube-state-metrics-${i}`, runs: [i * HOUR, (i + 1) * HOUR - 10] }),
      );
      expectAlerts(shop({}, { exporters }), quiet(0, 1));
    });

    test('of two replicas', () => {
      expectAlerts(shop({}, { exporters: REPLICAS }), quiet(0, 2));
    });
  });

  describe('a recovery point', () => {
    const stopped = { backup: { runs: nights(0) } };
    const late = DUE + 10 + 26 * HOUR;

    test('is too old when no run has come: first the run is missed, then the objective', () => {
      expectAlerts(shop(stopped), [
        { at: DUE + 25 * HOUR + 15, firing: [] },
        { at: DUE + 25 * HOUR + 30, firing: ['BackupJobMissedSchedule orders-backup'] },
        { at: late + 15, firing: BOTH },
      ]);
    });

    test('is no more when the next one is there', () => {
      const runs = [night(0), night(1, { started: DAY + 8 * HOUR, ended: DAY + 8 * HOUR + 10 })];
      expectAlerts(shop({ backup: { runs } }), [
        { at: late + 15, firing: BOTH },
        { at: DAY + 8 * HOUR + 10, firing: [] },
      ]);
    });

    test('may be made by hand', () => {
      const byHand = { name: 'by-hand', started: DAY + 10 * HOUR, ended: DAY + 10 * HOUR + 10 };
      expectAlerts(shop({ backup: { runs: [night(0), night(1, { failed: true }), byHand] } }), [
        { at: DAY + 10 * HOUR, firing: ['BackupJobFailed orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
        { at: DAY + 10 * HOUR + 10, firing: [] },
        { at: 2 * DAY + DUE + 10, firing: [] },
      ]);
    });

    test('is made by hand where a run was missed: that is no more to be told, until the next one is missed, too', () => {
      const byHand = { name: 'by-hand', started: DAY + 6 * HOUR + 20, ended: DAY + 6 * HOUR + 30 };
      const missed = ['BackupJobMissedSchedule orders-backup'];
      expectAlerts(shop({ backup: { runs: [night(0), byHand] } }), [
        { at: DAY + 6 * HOUR + 15, firing: missed },
        { at: DAY + 6 * HOUR + 30, firing: [] },
        nothing(DAY + 12 * HOUR, 2 * DAY + 7 * HOUR + 40),
        { at: 2 * DAY + 8 * HOUR, firing: missed },
        { at: 2 * DAY + 9 * HOUR, firing: BOTH },
      ]);
    });

    test('is made by hand before a run that is missed: that is told', () => {
      const byHand = { name: 'by-hand', started: DAY + 3 * HOUR, ended: DAY + 3 * HOUR + 10 };
      expectAlerts(shop({ backup: { runs: [night(0), byHand] } }), [
        { at: DAY + 7 * HOUR, firing: ['BackupJobMissedSchedule orders-backup'] },
      ]);
    });

    test('was never made: then there is no time of a success', () => {
      const runs = [0, 1].map(day => night(day, { failed: true }));
      expectAlerts(shop({ backup: { runs } }), [
        { at: DUE + 15, firing: ['BackupJobFailed orders-backup'] },
        { at: 26 * HOUR, firing: ['BackupJobFailed orders-backup'] },
        { at: 26 * HOUR + 15, firing: ['BackupJobFailed orders-backup', 'BackupNeverSucceeded orders-backup'] },
      ]);
    });

    test('is too old while kube-state-metrics starts anew: the alert does not end and begin again', () => {
      const exporters: Exporter[] = [
        { pod: 'a', runs: [0, late + 20] },
        { pod: 'b', runs: [late + 30, Number.POSITIVE_INFINITY] },
      ];
      expectAlerts(
        shop(stopped, { exporters }),
        [15, 20, 25, 30, 35, 45].map(after => ({ at: late + after, firing: BOTH })),
      );
    });

    test('is one alert, however many replicas say it', () => {
      expectAlerts(shop(stopped, { exporters: REPLICAS }), [{ at: late + 15, firing: BOTH }]);
    });

    test('says in words for how long, what is too long, and what to do', () => {
      const at = late + 15;
      const alert = ORDERS.spec.groups[0].rules.find((rule: Manifest) => rule.alert === 'BackupRecoveryPointTooOld');
      const annotations = {
        ...alert.annotations,
        description: alert.annotations.description.replace('{{ $value | humanizeDuration }}', '1d 2h 15m 0s'),
      };
      expect(annotations.description).toContain('last succeeded 1d 2h 15m 0s ago; more than 1 day 2 hours is too long');
      const alerts = [{ alertname: alert.alert, exp_alerts: [{ exp_labels: alert.labels, exp_annotations: annotations }] }];
      expectAlerts(shop(stopped), [{ at, firing: BOTH, alerts }]);
    });

    test('of one cluster is not taken for that of another', () => {
      const rules = [rulesOf({ kubeStateMetrics: { cluster: 'production' } })];
      const clusters = (production: Cluster) => [
        { ...production, labels: { cluster: 'production' } },
        { ...shop({}), labels: { cluster: 'staging' } },
      ];
      expectAlerts(clusters(shop(stopped)), [{ at: late + 15, firing: BOTH }], rules);
      expectAlerts(
        clusters({ ...shop({}), cronJobs: [] }),
        [{ at: 30, firing: ['BackupJobMissing orders-backup', 'BackupJobMissing orders-restore', 'BackupJobMissing orders-verify'] }],
        rules,
      );
    });
  });

  describe('a failure', () => {
    const failed = night(1, { failed: true });

    test('is said until a run succeeds, and not by the staleness that comes later', () => {
      expectAlerts(shop({ backup: { runs: [night(0), failed, night(2)] } }), [
        { at: DAY + DUE + 10, firing: [] },
        { at: DAY + DUE + 20, firing: ['BackupJobFailed orders-backup'] },
        { at: 2 * DAY + DUE, firing: ['BackupJobFailed orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
        { at: 2 * DAY + DUE + 10, firing: [] },
      ]);
    });

    test('is said when its Job was cleaned up, too', () => {
      const removed = DAY + DUE + 10 + 12 * HOUR;
      expectAlerts(shop({ backup: { runs: [night(0), { ...failed, removed }] } }), [
        { at: removed - 5, firing: ['BackupJobFailed orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
        { at: removed + 2 * HOUR, firing: ['BackupJobFailed orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
      ]);
    });

    test('is that of a run by hand, too', () => {
      const byHand = { name: 'by-hand', started: DUE + 60, ended: DUE + 70, failed: true };
      expectAlerts(shop({ backup: { runs: [byHand, ...nights(0, 1)] } }), [
        { at: DUE + 80, firing: ['BackupJobFailed orders-backup'] },
        { at: DAY + DUE + 10, firing: [] },
      ]);
    });

    test('of a Job that somebody deleted while it ran is seen when it has had its time', () => {
      const deleted = night(1, { ended: undefined, removed: DAY + DUE + 5 });
      expectAlerts(shop({ backup: { runs: [night(0), deleted] } }), [
        { at: DAY + DUE + 60, firing: [] },
        { at: DAY + DUE + 330, firing: ['BackupJobFailed orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
      ]);
    });

    test('of another backup is none of this one', () => {
      const cluster = shop({});
      const others = [{ name: 'orders', created: 0, runs: [night(0, { name: 'orders-backup', failed: true })] }];
      expectAlerts({ ...cluster, cronJobs: [...(cluster.cronJobs ?? []), ...others] }, quiet(0));
    });
  });

  describe('a run', () => {
    test('that never gets a pod fails nothing and is not active; it is said before its deadline', () => {
      const stuck = night(1, { hasNoPod: true, ended: DAY + DUE + 60, failed: true });
      expectAlerts(shop({ backup: { runs: [night(0), stuck] } }), [
        { at: DAY + DUE + 45, firing: [] },
        { at: DAY + DUE + 55, firing: ['BackupJobRunsLong orders-backup'] },
        { at: DAY + DUE + 65, firing: ['BackupJobFailed orders-backup'] },
      ]);
    });

    test('that takes its time, within what it may, is nothing', () => {
      expectAlerts(shop({ backup: { runs: [night(0, { ended: DUE + 45 }), night(1)] } }), quiet(0));
    });
  });

  describe('a suspension', () => {
    test('is said of what ought to run, and no missed run beside it', () => {
      const backup = { runs: nights(0), suspended: [[6 * HOUR, Number.POSITIVE_INFINITY] as const] };
      expectAlerts(shop({ backup }), [
        { at: 7 * HOUR - STEP, firing: [] },
        { at: 7 * HOUR + STEP, firing: ['BackupJobSuspended orders-backup'] },
        { at: 2 * DAY, firing: ['BackupJobSuspended orders-backup', 'BackupRecoveryPointTooOld orders-backup'] },
      ]);
    });

    test('for some work is nothing', () => {
      expectAlerts(shop({ backup: { suspended: [[6 * HOUR, 6 * HOUR + 50]] } }), [nothing(6 * HOUR, 7 * HOUR + 30)]);
    });
  });

  describe('what is gone', () => {
    test('is a CronJob, and no other', () => {
      expectAlerts(shop({ backup: { deleted: 6 * HOUR } }), [
        { at: 6 * HOUR + 10, firing: [] },
        { at: 6 * HOUR + 25, firing: ['BackupJobMissing orders-backup'] },
        { at: 3 * DAY, firing: ['BackupJobMissing orders-backup'] },
      ]);
    });

    test('may be a restore: the worst day is no time to find that out', () => {
      expectAlerts(shop({ restore: { deleted: 6 * HOUR } }), [{ at: DAY, firing: ['BackupJobMissing orders-restore'] }]);
    });

    test('is said of all CronJobs of a namespace, too', () => {
      const deleted = { deleted: 6 * HOUR };
      const firing = ['backup', 'restore', 'verify'].map(each => `BackupJobMissing orders-${each}`);
      expectAlerts(shop({ backup: deleted, restore: deleted, verify: deleted }), [{ at: DAY, firing }]);
    });

    test('is not taken for kube-state-metrics, of which it is said once', () => {
      const exporters: Exporter[] = [{ pod: 'a', runs: [0, 6 * HOUR] }];
      expectAlerts(shop({}, { exporters }), [
        { at: 6 * HOUR + 10, firing: [] },
        { at: 6 * HOUR + 25, firing: ['BackupMetricsMissing'] },
        { at: 3 * DAY, firing: ['BackupMetricsMissing'] },
      ]);
    });

    test('made anew by a deploy tool within some minutes is nothing', () => {
      const before: CronJob = { name: 'orders-backup', created: 0, deleted: 6 * HOUR, runs: nights(0) };
      const cluster = shop({ backup: { created: 6 * HOUR + 10, runs: nights(1) } });
      expectAlerts({ ...cluster, cronJobs: [before, ...(cluster.cronJobs ?? [])] }, [nothing(5 * HOUR + 30, 7 * HOUR), ...quiet(1)]);
    });
  });

  describe('a proof', () => {
    test('is too old, and says so by its own name', () => {
      expectAlerts(shop({ verify: { runs: [verified(0), verified(7, { failed: true })] } }), [
        { at: 7 * DAY + 6 * HOUR, firing: ['BackupJobFailed orders-verify'] },
        { at: 8 * DAY + 5 * HOUR + 20, firing: ['BackupJobFailed orders-verify'] },
        { at: 8 * DAY + 5 * HOUR + 35, firing: ['BackupJobFailed orders-verify', 'BackupProofTooOld orders-verify'] },
      ]);
    });

    test('was never given', () => {
      expectAlerts(shop({ verify: { runs: [] } }), [
        { at: 7 * DAY, firing: [] },
        { at: 8 * DAY + 15, firing: ['BackupJobMissedSchedule orders-verify', 'BackupNeverProven orders-verify'] },
      ]);
    });

    test('that takes longer than a restore may is said until one takes less', () => {
      const quick = { name: 'by-hand', started: 10 * HOUR, ended: 10 * HOUR + 25 };
      expectAlerts(shop({ verify: { runs: [verified(0, { ended: 5 * HOUR + 40 }), quick] } }), [
        { at: 5 * HOUR + 30, firing: [] },
        { at: 5 * HOUR + 50, firing: ['BackupRestoreTooSlow orders-verify'] },
        { at: 10 * HOUR, firing: ['BackupRestoreTooSlow orders-verify'] },
        { at: 10 * HOUR + 25, firing: [] },
      ]);
    });
  });

  describe('what else hangs on a backup', () => {
    const { books, users } = booksAndMirror();
    const cronJob = (name: string, runs: Run[] = [], different: Partial<CronJob> = {}): CronJob => ({
      name,
      created: 0,
      runs,
      ...different,
    });

    test('is an archive of the log that is not ready, or gone', () => {
      const cronJobs = ['books-backup', 'books-verify', 'books-restore'].map(name => cronJob(name));
      const deployments = [{ name: 'books-log', created: 0, unready: [[100, 105] as const, [200, 300] as const], deleted: 400 }];
      expectAlerts(
        { cronJobs, deployments },
        [
          { at: 205, within: 205, firing: [] },
          { at: 215, firing: ['BackupLogNotReady books-log'] },
          { at: 300, firing: [] },
          { at: 425, firing: ['BackupJobMissing books-log'] },
        ],
        [books],
      );
    });

    test('is a mirror, whose first copy may take many of its intervals, and which is late by its own times', () => {
      const first = { name: 'm', scheduled: 60, started: 60, ended: 20 * HOUR - 60 };
      const cronJobs = [
        cronJob(
          'users-backup',
          [0, 1, 2].map(day => night(day, { name: `u-${day}` })),
        ),
        ...['users-restore', 'users-verify-near'].map(name => cronJob(name)),
        cronJob('users-verify', [verified(0, { name: 'v' })]),
        cronJob('users-mirror-near', [first]),
      ];
      const firing = ['BackupJobMissedSchedule users-mirror-near'];
      expectAlerts(
        { cronJobs },
        [
          nothing(45, 120),
          nothing(18 * HOUR, 19 * HOUR),
          { at: 20 * HOUR + 30, firing },
          { at: 2 * DAY, firing: [...firing, 'BackupJobTooOld users-mirror-near'] },
        ],
        [users],
      );
    });
  });

  // Prometheus calls `exported_namespace` what a metric says itself, where it scrapes without honorLabels.
  test('says of a kube-state-metrics whose labels are not honored that nobody can tell, though another namespace has the same names', () => {
    const rules = [rulesOf({}, 'monitoring')];
    const seen = { ...shop({}), namespace: 'monitoring' };
    const missing = { at: 25 * HOUR, firing: ['BackupMetricsMissing'] };
    expectAlerts({ ...seen, labels: { exported_namespace: 'shop' } }, [missing], rules);
    expectAlerts([seen, { ...seen, labels: { exported_namespace: 'shop' } }], [missing], rules);
  });

  test('and nothing of one whose namespace is put right by a relabeling that keeps the other label', () => {
    expectAlerts({ ...shop({}), labels: { exported_namespace: 'shop' } }, quiet(0, 1));
  });

  test('asks for names as they are, however odd', () => {
    const namespace = 'we"ird\\{{.x}}\n`';
    const rules = [rulesOf({}, namespace)];
    const { status, said } = checked(rules);
    expect(status, said).toBe(0);
    const cluster = { ...shop({ backup: { runs: nights(0) } }), namespace };
    expectAlerts(cluster, [{ at: 2 * DAY, firing: BOTH }], rules);
    const exp_labels = { severity: 'critical', namespace };
    const [missing] = rules[0].spec.groups[0].rules.filter((rule: Manifest) => rule.alert === 'BackupMetricsMissing');
    const exp_annotations = Object.fromEntries(
      Object.entries(missing.annotations).map(([name, words]) => [name, String(words).replaceAll('{{"{{"}}', '{{')]),
    );
    const alerts = [{ alertname: 'BackupMetricsMissing', exp_alerts: [{ exp_labels, exp_annotations }] }];
    expectAlerts({ namespace: 'other' }, [{ at: 60, firing: ['BackupMetricsMissing'], alerts }], rules);
  });
});

const REPLICAS: Exporter[] = ['a', 'b'].map(pod => ({ pod, runs: ALWAYS }));

/** One backup with an archive of its log, and one with a mirror. */
function booksAndMirror(options: AlertsOptions = {}): { books: Manifest; users: Manifest } {
  const of = chart();
  const plan = nightly(of, options);
  const engine = Engine.postgresPhysical({ version: PostgresVersion.V17 });
  const books = { ...database, engine, dataVolume: DataVolume.claim('data-books-0'), podLabels: { app: 'books' } };
  plan.addBackup('books', books).add(LogArchive.every(Duration.minutes(1)));
  plan.addBackup('users', database).add(Mirror.to(restic, { name: 'near', retention: Retention.keep({ daily: 7 }), verification: {} }));
  const made = objects(of);
  return { books: made['PrometheusRule/books-backup-alerts'], users: made['PrometheusRule/users-backup-alerts'] };
}

const REPOSITORY = 'files:shop/backups/';

describe.skipIf(isMissing)('with a witness', () => {
  const rules = [rulesOf({ witness: {} })];
  const at = 20 * DAY;
  /** The night before, and the verification of two days ago; seven nights and more. */
  const well = {
    repository_up: 1,
    witness_interval_seconds: 300,
    points: 8,
    damaged_points: 0,
    future_points: 0,
    bytes: 1000,
    restore_seconds: 600,
  };
  const daily = (minute: number) => Math.floor((minute - DUE) / DAY) * DAY + DUE;
  const said = (minute: number, different: { readonly [metric: string]: number | undefined } = {}) => {
    const all = {
      ...well,
      repository_listed_timestamp_seconds: minute,
      recovery_point_timestamp_seconds: daily(minute),
      verified_recovery_point_timestamp_seconds: daily(minute) - 6 * DAY,
      verified_timestamp_seconds: daily(minute) - 6 * DAY,
      ...different,
    };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== undefined));
  };
  const every = Array.from({ length: 22 }, (_, day) => day);
  const seen = (says: (minute: number) => { [metric: string]: number } | undefined, created = 0): Cluster => ({
    ...shop({
      backup: { created, runs: nights(...every) },
      verify: { created, runs: every.filter(day => day % 7 === 0).map(day => verified(day)) },
      restore: { created },
    }),
    witness: [{ series: 'orders', repository: REPOSITORY, says }],
  });
  const expectFiring = (cluster: Cluster, firing: string[], more: Partial<Expected> = {}) => {
    const { status, said: words } = tested(rules, [cluster], [{ at, firing, ...more }]);
    expect(status, words).toBe(0);
  };

  test('rules are rules', () => {
    expect(checked(rules)).toMatchObject({ status: 0 });
  });

  test('nothing fires where all is well, before a run and after it', () =>
    expectFiring(
      seen(minute => said(minute)),
      [],
      { within: DAY },
    ));

  test.each<[string, { readonly [metric: string]: number | undefined }, string[]]>([
    [
      'jobs succeed, and the newest recovery point is of the night before last',
      { recovery_point_timestamp_seconds: at - 27 * HOUR },
      ['BackupDataTooOld orders-backup'],
    ],
    [
      'all of them are gone',
      { recovery_point_timestamp_seconds: undefined, points: 0, bytes: undefined },
      ['BackupDataMissing orders-backup', 'BackupPointsTooFew orders-backup'],
    ],
    ['the verified one is too old', { verified_recovery_point_timestamp_seconds: at - 10 * DAY }, ['BackupProvenDataTooOld orders-verify']],
    ['the verified one is gone', { verified_recovery_point_timestamp_seconds: undefined }, ['BackupProvenDataMissing orders-verify']],
    ['some of the days are gone', { points: 6 }, ['BackupPointsTooFew orders-backup']],
    ['its restore took longer than was promised', { restore_seconds: 2000 }, ['BackupProvenRestoreTooSlow orders-verify']],
    ['one is damaged', { damaged_points: 1 }, ['BackupPointDamaged orders-backup']],
    ['one is of the future', { future_points: 1 }, ['BackupClockAhead orders-backup']],
    [
      'the store has not answered for a quarter of an hour',
      { repository_up: 0, repository_listed_timestamp_seconds: at - 40 },
      ['BackupRepositoryNotListed'],
    ],
    ['it never answered', { repository_up: 0, repository_listed_timestamp_seconds: undefined }, ['BackupRepositoryNotListed']],
    ['one listing failed', { repository_up: 0 }, []],
  ])('fires where %s', (_, different, firing) =>
    expectFiring(
      seen(minute => said(minute, different)),
      firing,
    ),
  );

  test('fires where no witness is scraped', () =>
    expectFiring(
      seen(() => undefined),
      ['BackupRepositoryNotListed'],
    ));

  test('is silent of what a new backup has not yet', () => {
    const nothing = {
      recovery_point_timestamp_seconds: undefined,
      verified_recovery_point_timestamp_seconds: undefined,
      points: 0,
      bytes: undefined,
    };
    const cluster = seen(minute => said(minute, nothing), at - 3 * HOUR);
    const young = { ...cluster, cronJobs: cluster.cronJobs?.map(cronJob => ({ ...cronJob, runs: [] })) };
    expectFiring(young, []);
  });

  test('ends by itself, when what was wrong is mended', () => {
    const cluster = seen(minute =>
      said(minute, minute < at - HOUR ? { recovery_point_timestamp_seconds: at - 40 * HOUR, damaged_points: 1 } : {}),
    );
    expectFiring(cluster, [], {});
    const { status, said: words } = tested(
      rules,
      [cluster],
      [{ at: at - 2 * HOUR, firing: ['BackupDataTooOld orders-backup', 'BackupPointDamaged orders-backup'] }],
    );
    expect(status, words).toBe(0);
  });

  test.each([
    ['doubles', 2100, ['BackupSizeChanged orders-backup']],
    ['is halved', 450, ['BackupSizeChanged orders-backup']],
    ['grows', 1400, []],
  ])('knows by the week before when the size %s', (_, bytes, firing) => {
    const cluster = seen(minute => said(minute, minute > at - HOUR ? { bytes } : {}));
    const [group] = rules[0]?.spec.groups ?? [];
    const spec = { groups: [{ ...group, rules: group.rules.filter(({ alert }: Manifest) => alert === 'BackupSizeChanged') }] };
    const { status, said: words } = tested([{ spec }], [cluster], [{ at, firing, within: 2 * DAY }]);
    expect(status, words).toBe(0);
  });

  describe('of a mirror', () => {
    const { users } = booksAndMirror({ witness: {} });
    const [group] = users.spec.groups;
    const { repository } = group.rules.find(({ alert }: Manifest) => alert === 'BackupMirrorTooOld').labels;
    const isOfMirror = ({ alert, labels }: Manifest) => labels.repository === repository && !alert.startsWith('BackupJob');
    const mirror = { spec: { groups: [{ ...group, rules: group.rules.filter(isOfMirror) }] } };
    /** The copy of last night is there, but for what a test says. */
    const copied = (newest: number | undefined, created = 0, listed = true): Cluster => ({
      cronJobs: ['users-backup', 'users-mirror-near'].map(name => ({ name, created, runs: [] })),
      witness: [
        {
          ...{ series: 'users', repository },
          says: minute =>
            listed
              ? {
                  ...{ repository_up: 1, witness_interval_seconds: 300, repository_listed_timestamp_seconds: minute, damaged_points: 0 },
                  ...(newest === undefined ? {} : { recovery_point_timestamp_seconds: newest }),
                }
              : undefined,
        },
      ],
    });

    test.each([
      ['nothing fires where the copy is of last night', copied(at - 20 * HOUR), []],
      ['fires where the newest copy is too old', copied(at - 4 * DAY), ['BackupMirrorTooOld users-mirror-near']],
      ['fires where no copy is there', copied(undefined), ['BackupMirrorMissing users-mirror-near']],
      ['nothing fires of a mirror that is new', copied(undefined, at - HOUR), []],
      ['fires where nobody looks at it', copied(undefined, 0, false), ['BackupRepositoryNotListed']],
    ])('%s', (_, cluster, firing) => {
      const { status, said: words } = tested([mirror], [cluster], [{ at, firing }]);
      expect(status, words).toBe(0);
    });
  });

  describe('of the archive of a log', () => {
    const { books } = booksAndMirror({ witness: {} });
    const [group] = books.spec.groups;
    const ofLog = { spec: { groups: [{ ...group, rules: group.rules.filter(({ alert }: Manifest) => /^BackupLog/.test(alert)) }] } };
    /** The log ends a minute ago, and a batch of it is there, but for what a test says. */
    const archived = (log: { readonly until?: number; readonly points?: number }, created = 0): Cluster => ({
      cronJobs: [{ name: 'books-backup', created: 0, runs: [] }],
      deployments: [{ name: 'books-log', created }],
      witness: [
        {
          ...{ series: 'books', repository: REPOSITORY },
          says: minute => ({
            ...{ repository_up: 1, witness_interval_seconds: 300, repository_listed_timestamp_seconds: minute, points: 8 },
            ...('until' in log && log.until === undefined ? {} : { log_timestamp_seconds: log.until ?? minute - 1 }),
          }),
        },
        {
          ...{ series: 'books-log', repository: REPOSITORY },
          says: () => ('points' in log && log.points === undefined ? undefined : { points: log.points ?? 20 }),
        },
      ],
    });

    test.each([
      ['nothing fires where it is well', archived({}), []],
      ['fires where it ends too long ago', archived({ until: at - HOUR }), ['BackupLogTooOld books-log']],
      ['fires where nobody has ever seen it', archived({ until: undefined, points: undefined }), ['BackupLogMissing books-log']],
      ['fires where all of it is gone, or damaged', archived({ until: undefined, points: 0 }), ['BackupLogMissing books-log']],
      ['nothing fires where its end is encrypted', archived({ until: undefined }), []],
      ['nothing fires of one that was begun a moment ago', archived({ until: undefined, points: undefined }, at - 30), []],
    ])('%s', (_, cluster, firing) => {
      const { status, said: words } = tested([ofLog], [cluster], [{ at, firing }]);
      expect(status, words).toBe(0);
    });
  });
});
