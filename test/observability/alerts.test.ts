import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Chart, Duration, JsonPatch } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  Alerts,
  type AlertsOptions,
  BackupAlerts,
  BackupApp,
  BackupPlan,
  DataVolume,
  Engine,
  JobDefaults,
  KeyDrill,
  LogArchive,
  Mirror,
  Objectives,
  type ObjectivesOptions,
  PostgresVersion,
  Prerequisites,
  Prune,
  Restore,
  Retention,
  Schedule,
  SecretRef,
  Verification,
  type WitnessAlertsOptions,
} from '../../lib';
import { VeleroCheck, VeleroSchedule } from '../../lib/velero';
import { VolumeSnapshotGroup, VolumeSnapshotMember } from '../../lib/volumes';
import { problems } from '../manifests/schema/judge';
import { backup, chart, files, type Manifest, objects, props, restic } from '../support/synth';

const retention = Retention.keep({ daily: 7 });
const { repository: _, retention: __, ...database } = props();
const plan = (of: Chart) => new BackupPlan(of, 'nightly', { repository: files, retention, deadline: Duration.hours(1) });

const PROMISED = { recoveryPoint: Duration.hours(26), recoveryTime: Duration.minutes(30), proof: Duration.days(8) };
const alerts = (different: ObjectivesOptions = PROMISED, options: AlertsOptions = {}) => Alerts.of(Objectives.of(different), options);

const rulesOf = (of: Chart, series = 'orders'): Manifest => objects(of)[`PrometheusRule/${series}-backup-alerts`];
/** What there is of alerts: their name, and the object. */
const named = (rule: Manifest): string[] =>
  rule.spec.groups[0].rules.map(({ alert, labels }: Manifest) => [alert, labels.cronjob ?? labels.deployment].filter(Boolean).join(' '));
const find = (rule: Manifest, alert: string, object?: string): Manifest =>
  rule.spec.groups[0].rules.find(
    ({ alert: name, labels }: Manifest) => name === alert && (object === undefined || labels.cronjob === object),
  );

/** Those of what runs by itself, in their order. */
const scheduled = (cronjob: string, [tooOld, never] = ['BackupJobTooOld', 'BackupJobNeverSucceeded']) =>
  [tooOld, never, 'BackupJobFailed', 'BackupJobRunsLong', 'BackupJobMissedSchedule', 'BackupJobSuspended', 'BackupJobMissing'].map(
    alert => `${alert} ${cronjob}`,
  );

describe('alerts of a plan', () => {
  test('are those of what runs by itself also while it is paused: somebody is told until it runs', () => {
    const rule = (paused: boolean) => {
      const shop = chart();
      JobDefaults.of(shop).add({ paused });
      const nightly = plan(shop);
      nightly.addBackup('orders', database);
      nightly.add(alerts(), Verification.weekly());
      return named(rulesOf(shop));
    };
    expect(rule(true)).toEqual(rule(false));
    expect(rule(true)).toContain('BackupJobSuspended orders-backup');
  });

  test('are a rule for each of its backups, those that come later too', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.addBackup('orders', database);
    nightly.add(alerts(), Verification.weekly(), Restore.onDemand());
    nightly.addBackup('users', database);
    const of = (series: string) => [
      ...scheduled(`${series}-backup`, ['BackupRecoveryPointTooOld', 'BackupNeverSucceeded']),
      ...scheduled(`${series}-verify`, ['BackupProofTooOld', 'BackupNeverProven']),
      `BackupJobMissing ${series}-restore`,
      `BackupRestoreTooSlow ${series}-verify`,
      'BackupMetricsMissing',
    ];
    for (const series of ['orders', 'users']) expect(named(rulesOf(shop, series))).toEqual(of(series));
  });

  test('go with the backup, and one more changes nothing of another', () => {
    const synthesized = (...ids: string[]) => {
      const shop = chart();
      const nightly = plan(shop);
      nightly.add(alerts({ recoveryPoint: Duration.hours(26) }));
      for (const id of ids) nightly.addBackup(id, database);
      return objects(shop);
    };
    const [one, two] = [synthesized('orders'), synthesized('orders', 'users')];
    expect(Object.keys(one).filter(name => name.startsWith('PrometheusRule'))).toEqual(['PrometheusRule/orders-backup-alerts']);
    expect(two['PrometheusRule/orders-backup-alerts']).toEqual(one['PrometheusRule/orders-backup-alerts']);
  });

  test('are of all that hangs on a backup, whatever was added first; who starts a job looks at it himself', () => {
    const shop = chart();
    const books = plan(shop).addBackup('books', {
      ...{ ...database, engine: Engine.postgresPhysical({ version: PostgresVersion.V17 }), repository: restic },
      ...{ dataVolume: DataVolume.claim('data-books-0'), podLabels: { app: 'books' } },
    });
    books.add(
      alerts({ recoveryPoint: Duration.hours(26) }),
      LogArchive.every(Duration.minutes(1)),
      Mirror.to(files, { name: 'near', retention, verification: {}, restore: {} }),
      Prune.weekly(),
      KeyDrill.onDemand({ key: SecretRef.named('escrow').key('password') }),
      Restore.onDemand(),
    );
    expect(named(rulesOf(shop, 'books'))).toEqual([
      ...scheduled('books-backup', ['BackupRecoveryPointTooOld', 'BackupNeverSucceeded']),
      ...scheduled('books-mirror-near'),
      ...scheduled('books-verify-near'),
      'BackupJobMissing books-restore-near',
      ...scheduled('books-prune'),
      'BackupJobMissing books-drill',
      'BackupJobMissing books-restore',
      'BackupLogNotReady books-log',
      'BackupJobMissing books-log',
      'BackupMetricsMissing',
    ]);
  });

  test('of one backup go before them', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(alerts({ recoveryPoint: Duration.hours(26) }));
    nightly.addBackup('orders', database).add(alerts({ recoveryPoint: Duration.hours(48) }));
    expect(find(rulesOf(shop), 'BackupRecoveryPointTooOld').expr).toMatch(/> 172800$/);
  });

  test('are said once', () => {
    const shop = chart();
    backup(shop).add(alerts({ recoveryPoint: Duration.days(2) }), alerts({ recoveryPoint: Duration.days(3) }));
    expect(() => objects(shop)).toThrow('shop/orders: add is "Alerts, twice": a backup can have only one set of objectives: leave one out');
  });

  test('are the same when an app is synthesized again', () => {
    const app = new BackupApp();
    plan(new Chart(app, 'shop', { namespace: 'shop' }))
      .addBackup('orders', database)
      .add(alerts(), Verification.weekly());
    const first = app.synthYaml();
    expect(first).toContain('BackupProofTooOld');
    expect(app.synthYaml()).toBe(first);
    expect(Prerequisites.of(app).toMarkdown()).toContain('prometheusrules.monitoring.coreos.com');
  });
});

describe('a rule', () => {
  const shop = chart();
  const options = {
    labels: { release: 'kube-prometheus-stack' },
    alertLabels: { team: 'payments' },
    runbookUrl: 'https://runbooks.acme.example/backups',
    kubeStateMetrics: { cluster: 'production' },
  };
  plan(shop).addBackup('orders', database).add(alerts(PROMISED, options), Verification.weekly());
  const rule = rulesOf(shop);

  test('is found by the labels that the operator selects', () => {
    expect(rule.metadata).toMatchObject({ name: 'orders-backup-alerts', namespace: 'shop' });
    expect(rule.metadata.labels).toMatchObject({ release: 'kube-prometheus-stack', 'cdk8s-backup/series': 'orders' });
    expect(rule.spec.groups.map(({ name }: Manifest) => name)).toEqual(['cdk8s-backup/shop/orders']);
  });

  test('has few labels, a link, and words that say what to do', () => {
    const { labels, annotations } = find(rule, 'BackupRecoveryPointTooOld');
    expect(labels).toEqual({
      ...{ severity: 'critical', namespace: 'shop', series: 'orders', cronjob: 'orders-backup' },
      ...{ engine: 'postgres', repository: 'files:shop/backups/', team: 'payments' },
    });
    expect(annotations.runbook_url).toBe('https://runbooks.acme.example/backups#backuprecoverypointtooold');
    for (const { alert, annotations: words } of rule.spec.groups[0].rules) {
      expect(words.description, alert).toMatch(/kubectl -n shop |Give the verification and the restore/);
      expect(words.summary, alert).toMatch(/orders|shop/);
    }
  });

  test('is what its CRD takes, and none of what all objects are told wrong', () => {
    expect(problems(rule)).toEqual([]);
    const { spec } = rule;
    const [group] = spec.groups;
    const misspelt = { ...rule, spec: { groups: [{ ...group, rules: [{ ...group.rules[0], annotation: {} }] }] } };
    expect(problems(misspelt).join()).toContain('annotation');
  });

  test('has no link where nobody says of a page', () => {
    const other = chart();
    backup(other).add(alerts({ recoveryPoint: Duration.days(2) }));
    for (const { annotations } of rulesOf(other).spec.groups[0].rules) expect(Object.keys(annotations)).toEqual(['description', 'summary']);
  });

  test('asks for one object, of one namespace, by its name, and of one kube-state-metrics', () => {
    for (const { expr } of rule.spec.groups[0].rules) {
      const selectors = [...expr.matchAll(/kube_\w+\{[^}]*\}/g)].map(([selector]) => selector);
      expect(selectors.length).toBeGreaterThan(0);
      for (const selector of selectors)
        expect(selector).toMatch(/\{namespace="shop",.*cluster="production"\}|\{namespace="shop",cluster="production"\}/);
    }
    expect(JSON.stringify(rule)).not.toMatch(/kube_cronjob_labels|kube_job_labels|=~/);
  });

  test('is more urgent where data may be lost than where nobody knows', () => {
    const severity = (alert: string, object?: string) => find(rule, alert, object).labels.severity;
    expect(severity('BackupJobMissing', 'orders-backup')).toBe('critical');
    expect(severity('BackupJobMissing', 'orders-verify')).toBe('warning');
    expect(severity('BackupProofTooOld')).toBe('warning');
    expect(severity('BackupJobFailed', 'orders-backup')).toBe('warning');
  });
});

describe('objectives', () => {
  const refusal = (
    objectives: ObjectivesOptions,
    schedule: Schedule,
    { deadline = Duration.hours(1), verification = Verification.onDemand() } = {},
  ) => {
    const shop = chart();
    backup(shop, { schedule, deadline }).add(alerts(objectives), verification);
    return () => objects(shop);
  };
  const berlin = Schedule.daily({ at: '04:30', timeZone: 'Europe/Berlin' });

  test('have to leave time for a whole run', () => {
    expect(refusal({ recoveryPoint: Duration.hours(24) }, Schedule.daily({ at: '04:30' }), { deadline: Duration.hours(12) })).toThrow(
      'objectives.recoveryPoint is "1 day": runs of orders-backup are up to 1 day apart and may take 12 hours, so it may be missed although nothing fails: write 1 day 12 hours or more, or let it run more often',
    );
    expect(refusal({ recoveryPoint: Duration.hours(26) }, Schedule.daily({ at: '04:30' }), { deadline: Duration.hours(12) })).toThrow(
      'write 1 day 12 hours or more, or give orders-backup a deadline of 2 hours or less',
    );
    expect(refusal({ recoveryPoint: Duration.hours(26) }, Schedule.daily({ at: '04:30' }), { deadline: Duration.hours(2) })).not.toThrow();
  });

  test('count the hour of the night in which the clock goes back', () => {
    expect(refusal({ recoveryPoint: Duration.hours(25) }, Schedule.daily({ at: '04:30' }))).not.toThrow();
    expect(refusal({ recoveryPoint: Duration.hours(25) }, berlin)).toThrow('runs of orders-backup are up to 1 day 1 hour apart');
    expect(refusal({ recoveryPoint: Duration.hours(26) }, berlin)).not.toThrow();
    // Whatever the clock says, an hour is an hour.
    const hourly = Schedule.hourly({ timeZone: 'Europe/Berlin' });
    expect(refusal({ recoveryPoint: Duration.hours(2) }, hourly)).not.toThrow();
    expect(refusal({ recoveryPoint: Duration.minutes(119) }, hourly)).toThrow('write 2 hours or more');
  });

  test('count the longest gap of a schedule', () => {
    const workdays = Schedule.cron('0 22 * * 1-5');
    expect(refusal({ recoveryPoint: Duration.hours(72) }, workdays)).toThrow('up to 3 days apart');
    expect(refusal({ recoveryPoint: Duration.hours(73) }, workdays)).not.toThrow();
  });

  test('of a proof are those of a verification that runs by itself', () => {
    const proof = Duration.days(7);
    const nothing =
      'objectives.proof is "7 days": nothing does that by itself: add a job that keeps it, for example addVerification(), or leave it out';
    expect(refusal({ proof }, berlin)).toThrow(nothing);
    expect(refusal({ proof }, berlin, { verification: Verification.weekly() })).toThrow(
      'runs of orders-verify are up to 7 days apart and may take 12 hours',
    );
    expect(refusal({ proof }, berlin, { verification: Verification.daily() })).not.toThrow();
    expect(refusal({ recoveryTime: Duration.hours(1) }, berlin)).toThrow(
      'objectives.recoveryTime is "1 hour": nothing measures it, as no verification runs by itself',
    );
  });

  test('are not kept by the proof of a mirror', () => {
    const shop = chart();
    const mirror = Mirror.to(restic, { name: 'far', retention, verification: { schedule: Schedule.daily() } });
    backup(shop).add(alerts({ proof: Duration.days(8) }), mirror);
    expect(() => objects(shop)).toThrow('nothing does that by itself');
  });

  test('of several verifications are those of the one that is quickest', () => {
    const shop = chart();
    const orders = backup(shop);
    orders.add(alerts({ proof: Duration.days(8) }), Verification.weekly());
    orders.addVerification({ name: 'deep', schedule: Schedule.monthly() });
    const rule = rulesOf(shop);
    expect(find(rule, 'BackupProofTooOld', 'orders-verify').expr).toMatch(/> 691200$/);
    // By its own times: 31 days, half a day in which it may begin, half a day for a run.
    expect(find(rule, 'BackupProofTooOld', 'orders-deep').expr).toMatch(/> 2764800$/);
  });

  test('are promised of a backup that somebody else starts, too, and no schedule is missed', () => {
    const shop = chart();
    backup(shop, { schedule: Schedule.never() }).add(alerts({ recoveryPoint: Duration.hours(26) }));
    expect(named(rulesOf(shop))).toEqual([
      ...['BackupRecoveryPointTooOld', 'BackupNeverSucceeded', 'BackupJobFailed', 'BackupJobRunsLong', 'BackupJobMissing'].map(
        alert => `${alert} orders-backup`,
      ),
      'BackupMetricsMissing',
    ]);
  });

  test('promise something, in whole seconds, of a minute or more', () => {
    expect(() => Objectives.of({})).toThrow('Objectives.of: options is {}: set at least one objective');
    expect(() => Objectives.of({ proof: Duration.seconds(59) })).toThrow(
      'Objectives.of: proof is "59 s": write whole seconds, a minute or more',
    );
    expect(() => Objectives.of({ recoveryPoint: Duration.millis(60_500) })).toThrow('write whole seconds');
    // @ts-expect-error what JavaScript may pass
    expect(() => Objectives.of({ recoveryPoint: 26 })).toThrow('recoveryPoint is 26: leave it out, or write a Duration');
  });
});

describe('what cannot stand is refused', () => {
  test.each<[AlertsOptions, string]>([
    [{ alertLabels: { severity: 'page' } }, 'alertLabels is "severity": the rules set '],
    [{ alertLabels: { 'cost-center': '1' } }, 'alertLabels is "cost-center": write letters, digits and underscores'],
    [{ kubeStateMetrics: { namespace: 'x' } }, 'kubeStateMetrics is "namespace": the rules set '],
    [{ kubeStateMetrics: { '1a': 'x' } }, 'kubeStateMetrics is "1a": write letters, digits and underscores'],
    [{ runbookUrl: 'runbooks' }, 'runbookUrl is "runbooks": write the address of a page'],
    [{ runbookUrl: 'https://acme.example/#x' }, "without '#'"],
  ])('%j', (options, complaint) => {
    const shop = chart();
    backup(shop).add(alerts({ recoveryPoint: Duration.days(2) }, options));
    expect(() => objects(shop)).toThrow(complaint);
  });

  test('a chart without a namespace: no rule could match', () => {
    const shop = new Chart(new App(), 'shop');
    backup(shop).add(alerts({ recoveryPoint: Duration.days(2) }));
    expect(() => objects(shop)).toThrow('namespace is not set: rules match objects by namespace and name');
  });

  test('what holds no job, or jobs of two series', () => {
    const shop = chart();
    expect(() => new BackupAlerts(shop, 'none', { of: shop })).toThrow('of is "shop": it contains no CronJob of this library');
    backup(shop);
    backup(shop, {}, 'users');
    expect(() => new BackupAlerts(shop, 'both', { of: shop })).toThrow(
      'of is "shop": it holds orders and users, and alerts are for one series',
    );
  });
});

describe('alerts of what has no add-ons', () => {
  test('are those of a group of snapshots', () => {
    const shop = chart();
    const group = new VolumeSnapshotGroup(shop, 'gallery', { members: [VolumeSnapshotMember.claims(['uploads'])], retention });
    group.addRestore();
    new BackupAlerts(group, 'alerts', { of: group, objectives: Objectives.of({ recoveryPoint: Duration.hours(26) }) });
    expect(named(rulesOf(shop, 'gallery'))).toEqual([
      ...scheduled('gallery-snapshot', ['BackupRecoveryPointTooOld', 'BackupNeverSucceeded']),
      'BackupJobMissing gallery-restore',
      'BackupMetricsMissing',
    ]);
    expect(find(rulesOf(shop, 'gallery'), 'BackupRecoveryPointTooOld').labels).toEqual({
      ...{ severity: 'critical', namespace: 'shop', series: 'gallery', cronjob: 'gallery-snapshot' },
    });
  });

  test("are those of a check of Velero's backups, of which nothing need be promised", () => {
    const velero = chart('velero');
    const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', { schedule: Schedule.daily() });
    const check = new VeleroCheck(velero, 'check', { veleroSchedule });
    new BackupAlerts(check, 'alerts', { of: check });
    const rule = rulesOf(velero, 'shop-daily');
    expect(named(rule)).toEqual([...scheduled('shop-daily-check'), 'BackupMetricsMissing']);
    // A day, four hours in which it may begin, ten minutes for a run.
    expect(find(rule, 'BackupJobTooOld').expr).toMatch(/> 101400$/);
  });

  test('see what was patched', () => {
    const shop = chart();
    const orders = backup(shop);
    new BackupAlerts(orders, 'alerts', { of: orders });
    orders.cronJob.addJsonPatch(JsonPatch.replace('/spec/jobTemplate/spec/activeDeadlineSeconds', 1000));
    expect(find(rulesOf(shop), 'BackupJobRunsLong').expr).toMatch(/> 800$/);
  });
});

test('docs/alerts.md names every alert, and no other', () => {
  const shop = chart();
  const orders = plan(shop).addBackup('orders', {
    ...{ ...database, engine: Engine.postgresPhysical({ version: PostgresVersion.V17 }) },
    ...{ dataVolume: DataVolume.claim('data-orders-0'), podLabels: { app: 'orders' } },
  });
  orders.add(alerts(), Verification.weekly(), LogArchive.every(Duration.minutes(1)), Prune.weekly());
  const emitted: string[] = rulesOf(shop).spec.groups[0].rules.map(({ alert }: Manifest) => alert);
  const [, table = ''] = /^\| alert \|(.*?)\n\n/ms.exec(readFileSync('docs/alerts.md', 'utf8')) ?? [];
  const documented = [...table.matchAll(/^\| (`.*?) (?:\(critical.*?\) )?\|/gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []);
  expect(documented.sort()).toEqual([...new Set(emitted)].sort());
  for (const { alert, labels } of rulesOf(shop).spec.groups[0].rules.filter(
    ({ labels: { cronjob } }: Manifest) => cronjob !== 'orders-backup',
  )) {
    if (labels.severity === 'critical') expect(table, alert).toMatch(new RegExp(`\`${alert}\` \\(critical`));
  }
});

test('nothing below this room knows it', () => {
  const files = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));
  const importers = files.filter(file => /from '[./]*\/observability/.test(readFileSync(join('lib', file), 'utf8')));
  expect(importers.filter(file => !file.startsWith('observability/'))).toEqual(['surface.ts']);
});

describe('alerts with a witness', () => {
  const witnessed = (different: Parameters<typeof backup>[1] = {}, options: AlertsOptions = {}) => {
    const shop = chart();
    const orders = backup(shop, different);
    orders.add(alerts({ recoveryPoint: Duration.hours(37) }, { witness: {}, ...options }));
    return rulesOf(shop);
  };
  const OF_WITNESS = /^Backup(Data|Proven|Points|Point|Size|Clock|Log|Repository|Mirror)[A-Z]/;
  const ofWitness = (rule: Manifest) => named(rule).filter(name => OF_WITNESS.test(name) && !name.startsWith('BackupLogNot'));

  test('are added to those of jobs, and are not there without', () => {
    expect(ofWitness(witnessed())).toEqual([
      'BackupDataTooOld orders-backup',
      'BackupDataMissing orders-backup',
      'BackupPointsTooFew orders-backup',
      'BackupPointDamaged orders-backup',
      'BackupSizeChanged orders-backup',
      'BackupClockAhead orders-backup',
      'BackupRepositoryNotListed',
    ]);
    const shop = chart();
    backup(shop).add(alerts({ recoveryPoint: Duration.hours(37) }));
    expect(ofWitness(rulesOf(shop))).toEqual([]);
  });

  test('are about the mirrors, too, unless nobody looks at those', () => {
    const mirrored = (witness: WitnessAlertsOptions) => {
      const shop = chart();
      const orders = backup(shop);
      orders.addMirror(restic, { name: 'offsite', retention });
      orders.add(alerts({ recoveryPoint: Duration.hours(37) }, { witness }));
      return rulesOf(shop);
    };
    const of = 'orders-mirror-offsite';
    expect(ofWitness(mirrored({})).filter(name => name.endsWith(of))).toEqual(
      ['BackupMirrorTooOld', 'BackupMirrorMissing', 'BackupPointDamaged'].map(alert => `${alert} ${of}`),
    );
    expect(ofWitness(mirrored({})).filter(name => name === 'BackupRepositoryNotListed')).toHaveLength(2);
    const { expr, labels } = find(mirrored({}), 'BackupMirrorTooOld');
    expect(labels).toMatchObject({ mirror: 'offsite', repository: expect.stringContaining('acme-backups') });
    expect(expr).toContain('acme-backups');
    expect(ofWitness(mirrored({ mirrors: false }))).toEqual(ofWitness(witnessed()));
  });

  test('measure a restore by what a verification has measured', () => {
    const shop = chart();
    const orders = backup(shop);
    orders.addVerification();
    orders.add(alerts({ recoveryTime: Duration.minutes(30) }, { witness: {} }));
    expect(find(rulesOf(shop), 'BackupProvenRestoreTooSlow')).toMatchObject({
      expr: expect.stringMatching(/restore_seconds\{.*\) > 1800$/),
      labels: { cronjob: 'orders-verify' },
    });
  });

  test('ask for the repository as the witness calls it, and for the cluster that is meant', () => {
    const { expr, labels } = find(witnessed({}, { witness: { labels: { cluster: 'production' } } }), 'BackupDataTooOld');
    expect(expr).toContain('{series="orders",repository="files:shop/backups/",cluster="production"}');
    expect(labels).toMatchObject({ series: 'orders', namespace: 'shop', engine: 'postgres', repository: 'files:shop/backups/' });
  });

  test('count what the retention surely keeps, once it can be there', () => {
    const { expr } = find(witnessed({ retention: Retention.keep({ daily: 7, weekly: 5, last: 2 }) }), 'BackupPointsTooFew');
    expect(expr).toMatch(/ < 7\)/);
    expect(named(witnessed({ retention: Retention.all() }))).not.toContain('BackupPointsTooFew orders-backup');
  });

  test('are of what has a repository, and of labels that the witness has not', () => {
    const velero = chart('velero');
    const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', { schedule: Schedule.daily() });
    const check = new VeleroCheck(velero, 'check', { veleroSchedule });
    expect(() => new BackupAlerts(velero, 'alerts', { of: check, witness: {} })).toThrow(/witness is {}: a witness reads a repository/);
    expect(() => witnessed({}, { witness: { labels: { series: 'x' } } })).toThrow(/witness.labels is "series"/);
  });
});
