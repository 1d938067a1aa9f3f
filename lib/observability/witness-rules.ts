import type { DatabaseBackup } from '../backup/database-backup';
import { DatabaseMirror } from '../backup/database-mirror';
import type { Objectives } from './objectives';
import { WINDOW } from './promql';
import { type Alert, inWords, judged, literal, scheduledAge, startCommand, WAIT } from './rules';
import { Purpose, type WatchedJob, type WatchedObjects } from './watched';
import type { WitnessAlertsOptions } from './witness-options';

/** A size that changes by more than this, against that of the week before, is worth a look. */
const CHANGE = 2;

/** Periods of a retention's rules, in seconds. */
const PERIODS: { readonly [rule: string]: number } = {
  hourly: 3600,
  daily: 86_400,
  weekly: 7 * 86_400,
  monthly: 31 * 86_400,
  yearly: 366 * 86_400,
};

/** What rules about one series of a repository are made of. */
interface Context {
  readonly namespace: string;
  readonly series: string;
  readonly repository: string;
  /** Labels of the witness's metrics. */
  readonly matchers: { readonly [label: string]: string };
  /** Of every alert about the series. */
  readonly labels: { readonly [label: string]: string };
  /** Since when the series is backed up: a new one has nothing yet. */
  readonly age: (job: WatchedJob) => string;
  /** The same of its log. */
  readonly logAge: string;
}

/**
 * The alerts of one series by what a `BackupWitness` has seen in its repository.
 *
 * Each says what is true now, as those of `alertsOf` do. A witness may be another pod after each restart, or there may be two: what scrapes
 * add to its metrics is dropped.
 */
export function witnessAlertsOf(
  namespace: string,
  backup: DatabaseBackup,
  watched: WatchedObjects,
  objectives: Partial<Objectives>,
  { labels: matchers = {}, mirrors = true }: WitnessAlertsOptions,
  kubeStateMetrics: { readonly [label: string]: string },
): Alert[] {
  const [job] = judged(watched.jobs, Purpose.RECOVERY_POINT);
  if (!job) return [];
  const { identity: repository } = backup._operation.repository;
  const others = Object.entries(job.labels).map(([label, value]) => [label, literal(value)]);
  const context: Context = {
    ...{ namespace: literal(namespace), series: backup.series, repository, matchers },
    labels: { namespace: literal(namespace), series: backup.series, cronjob: job.name, ...Object.fromEntries(others) },
    age: ({ name }) => since(selector('kube_cronjob_created', { namespace, cronjob: name, ...kubeStateMetrics })),
    logAge: since(selector('kube_deployment_created', { namespace, deployment: `${backup.series}-log`, ...kubeStateMetrics })),
  };
  const limit = objectives.recoveryPoint?.toSeconds() ?? scheduledAge(job);
  const promised = job.isOnDemand && objectives.recoveryPoint === undefined ? undefined : limit;
  const lag = backup._maximumLag?.toSeconds();
  return [
    ...(promised === undefined ? [] : [dataTooOld(context, promised), dataMissing(context, job, promised)]),
    ...judged(watched.jobs, Purpose.PROOF).flatMap(verify => provenAlerts(context, verify, limit, objectives)),
    ...pointsTooFew(context, job, backup, limit),
    pointDamaged(context),
    // One of an incremental kind is large or small as its turn is.
    ...(backup._operation.engine.incremental ? [] : [sizeChanged(context)]),
    clockAhead(context),
    ...(lag === undefined ? [] : [logTooOld(context, 3 * lag), logMissing(context, 3 * lag)]),
    notListed(context),
    ...(mirrors ? mirrorsOf(backup).flatMap(mirror => mirrorAlerts(context, mirror, watched.jobs, promised)) : []),
  ];
}

const mirrorsOf = (backup: DatabaseBackup) => backup.node.children.filter(child => child instanceof DatabaseMirror);

/** A copy has the id, and so the age, of what it is a copy of. */
function mirrorAlerts(context: Context, mirror: DatabaseMirror, jobs: WatchedJob[], age: number | undefined): Alert[] {
  const job = jobs.find(({ name }) => name === mirror.cronJob.name);
  if (!job) return [];
  const repository = mirror._identity;
  const labels = { ...context.labels, cronjob: job.name, mirror: mirror.name, repository: literal(repository) };
  const copied: Context = { ...context, repository, labels };
  const late = scheduledAge(job);
  return [
    ...(age === undefined || job.isOnDemand ? [] : [mirrorTooOld(copied, job, age + late), mirrorMissing(copied, job, age + late)]),
    pointDamaged(copied),
    notListed(copied),
  ];
}

function mirrorTooOld(context: Context, job: WatchedJob, limit: number): Alert {
  return {
    ...{ alert: 'BackupMirrorTooOld', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: `time() - ${now(ofSeries(context, 'recovery_point_timestamp_seconds'))} > ${limit}`,
    summary: `${context.series}: the newest recovery point in the mirror is too old`,
    description: `The newest complete recovery point of ${context.series} in the mirror ${literal(context.repository)} was begun {{ $value | humanizeDuration }} ago; more than ${inWords(limit)} is too long. If the repository is lost, so is what was written since. Copy now: ${startCommand(context.namespace, job)}`,
  };
}

function mirrorMissing(context: Context, job: WatchedJob, limit: number): Alert {
  return {
    ...{ alert: 'BackupMirrorMissing', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: missing(context, 'recovery_point_timestamp_seconds', job, limit),
    summary: `${context.series}: the mirror holds no recovery point`,
    description: `The mirror ${literal(context.repository)} can be listed, but holds no complete recovery point of ${context.series}, which has been copied there for longer than ${inWords(limit)}: they were removed, all are damaged, or the job writes elsewhere. Copy now: ${startCommand(context.namespace, job)}`,
  };
}

/** A string of PromQL. */
const quoted = (text: string) => JSON.stringify(text);

const selector = (metric: string, labels: { readonly [label: string]: string }) =>
  `${metric}{${Object.entries(labels).map(([label, value]) => `${label}=${quoted(value)}`)}}[${WINDOW}]`;

const since = (range: string) => `time() - max(max_over_time(${range}))`;

const ofSeries = ({ series, repository, matchers }: Context, metric: string) =>
  selector(`cdk8s_backup_${metric}`, { series, repository, ...matchers });

const ofRepository = ({ repository, matchers }: Context, metric: string) => selector(`cdk8s_backup_${metric}`, { repository, ...matchers });

/** What the witness said last. */
const now = (range: string) => `max(last_over_time(${range}))`;

/** Somebody looks, so that what is not there is not there. */
const isListed = (context: Context) => `and (${now(ofRepository(context, 'repository_up'))} == 1)`;

const lookCommand = ({ namespace, series }: Context) => `kubectl -n ${namespace} logs -l cdk8s-backup/series=${series} --prefix --tail=3`;

function dataTooOld(context: Context, limit: number): Alert {
  return {
    ...{ alert: 'BackupDataTooOld', severity: 'critical', wait: WAIT, labels: context.labels },
    expr: `time() - ${now(ofSeries(context, 'recovery_point_timestamp_seconds'))} > ${limit}`,
    summary: `${context.series}: the newest recovery point in the repository is too old`,
    description: `The newest complete recovery point of ${context.series} in ${literal(context.repository)} was started {{ $value | humanizeDuration }} ago; more than ${inWords(limit)} is too long, whatever its jobs report. What was written since would be lost. Check the last runs: ${lookCommand(context)}`,
  };
}

/** A series without any has no time. One that was made a moment ago need not have any. */
function dataMissing(context: Context, job: WatchedJob, limit: number): Alert {
  return {
    ...{ alert: 'BackupDataMissing', severity: 'critical', wait: WAIT, labels: context.labels },
    expr: missing(context, 'recovery_point_timestamp_seconds', job, limit),
    summary: `${context.series}: the repository holds no recovery point`,
    description: `${literal(context.repository)} can be listed, but holds no complete recovery point of ${context.series}, which has been backed up for longer than ${inWords(limit)}: they were removed, all are damaged, or the jobs write elsewhere. Start a backup now: ${startCommand(context.namespace, job)}`,
  };
}

const missing = (context: Context, metric: string, job: WatchedJob, limit: number) =>
  [`max(absent_over_time(${ofSeries(context, metric)}))`, isListed(context), `and (${context.age(job)} > ${limit})`].join('\n');

/** A proof is of a recovery point, which is as old as one may be when it is verified, and grows older until the next one is. */
function provenAlerts(context: Context, verify: WatchedJob, age: number, { proof, recoveryTime }: Partial<Objectives>): Alert[] {
  const limit = age + (proof?.toSeconds() ?? scheduledAge(verify));
  const labels = { ...context.labels, cronjob: verify.name };
  const start = startCommand(context.namespace, verify);
  return [
    {
      ...{ alert: 'BackupProvenDataTooOld', severity: 'warning', wait: WAIT, labels },
      expr: `time() - ${now(ofSeries(context, 'verified_recovery_point_timestamp_seconds'))} > ${limit}`,
      summary: `${context.series}: the newest verified recovery point is too old`,
      description: `The newest verified recovery point of ${context.series} in ${literal(context.repository)} was started {{ $value | humanizeDuration }} ago; more than ${inWords(limit)} is too long. It is not known whether newer ones can be restored. Verify now: ${start}`,
    },
    {
      ...{ alert: 'BackupProvenDataMissing', severity: 'warning', wait: WAIT, labels },
      expr: missing(context, 'verified_recovery_point_timestamp_seconds', verify, limit),
      summary: `${context.series}: nothing in the repository is verified`,
      description: `No recovery point of ${context.series} in ${literal(context.repository)} is verified, or those that were are gone. Verify now: ${start}`,
    },
    ...(recoveryTime ? [restoreTooSlow({ ...context, labels }, recoveryTime.toSeconds())] : []),
  ];
}

/** What a verification has measured is a restore, without what it compares. */
function restoreTooSlow(context: Context, limit: number): Alert {
  return {
    ...{ alert: 'BackupProvenRestoreTooSlow', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: `${now(ofSeries(context, 'restore_seconds'))} > ${limit}`,
    summary: `${context.series}: a restore takes longer than was promised`,
    description: `The last verification of ${context.series} has restored a recovery point of ${literal(context.repository)} in {{ $value | humanizeDuration }}; the recovery time objective is ${inWords(limit)}. A restore takes at least as long: give it more resources, keep less in one database, or raise the objective.`,
  };
}

/** What a retention keeps, once the series is old enough for that. */
function pointsTooFew(context: Context, job: WatchedJob, backup: DatabaseBackup, limit: number): Alert[] {
  const { environment, keepsAll } = backup.props.retention.bind(backup, 'retention');
  if (keepsAll || job.isOnDemand) return [];
  const rules = (environment.RETENTION ?? '').split(' ').map(rule => rule.split('='));
  const needed = rules.flatMap(([rule = '', text]) => {
    const count = Number(text);
    if (rule === 'within' || count === 0) return [];
    return [{ count, seconds: count * Math.max(PERIODS[rule] ?? 0, job.interval) }];
  });
  // Of several rules, one recovery point may satisfy all: what is certain is the largest number.
  const [most] = needed.sort((a, b) => b.count - a.count || a.seconds - b.seconds);
  if (!most) return [];
  const { count, seconds } = most;
  return [
    {
      ...{ alert: 'BackupPointsTooFew', severity: 'warning', wait: WAIT, labels: context.labels },
      expr: [`(${now(ofSeries(context, 'points'))} < ${count})`, isListed(context), `and (${context.age(job)} > ${seconds + limit})`].join(
        '\n',
      ),
      summary: `${context.series}: there are fewer recovery points than its retention keeps`,
      description: `${literal(context.repository)} holds {{ $value }} recovery points of ${context.series}, whose retention keeps ${count} or more: something else has removed them, or runs have failed. Check the last runs: ${lookCommand(context)}`,
    },
  ];
}

function pointDamaged(context: Context): Alert {
  return {
    ...{ alert: 'BackupPointDamaged', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: `${now(ofSeries(context, 'damaged_points'))} > 0`,
    summary: `${context.series}: recovery points are damaged`,
    description: `{{ $value }} recovery points of ${context.series} in ${literal(context.repository)} are damaged and do not count: a manifest is missing, torn or changed, or a member is missing. Somebody or something has changed the repository. Take a backup now, check the storage of the repository, and remove the damaged recovery points by hand.`,
  };
}

/** Against what it was on average in the week before: it ends when that has come to be what is usual. */
function sizeChanged(context: Context): Alert {
  const bytes = ofSeries(context, 'bytes');
  const usual = `max(avg_over_time(${bytes.replace(/\[\w+\]$/, '[7d]')} offset 1d))`;
  return {
    ...{ alert: 'BackupSizeChanged', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: [`(${now(bytes)} > ${CHANGE} * ${usual})`, 'or', `(${now(bytes)} * ${CHANGE} < ${usual})`].join('\n'),
    summary: `${context.series}: its size has doubled or halved`,
    description: `The newest recovery point of ${context.series} in ${literal(context.repository)} has {{ $value | humanize1024 }}B, which is more than twice, or less than half, the size of those of the week before. If nobody has loaded or removed that much, something else has: investigate before the old ones are pruned.`,
  };
}

function clockAhead(context: Context): Alert {
  return {
    ...{ alert: 'BackupClockAhead', severity: 'warning', wait: WAIT, labels: context.labels },
    expr: `${now(ofSeries(context, 'future_points'))} > 0`,
    summary: `${context.series}: recovery points are dated in the future`,
    description: `{{ $value }} recovery points of ${context.series} in ${literal(context.repository)} are dated in the future: the clock of the node that made them was ahead, or the clock of the witness's node is behind. They do not count. Correct the clock, take a backup, and remove by hand what the wrong clock has made.`,
  };
}

/** They are of the archive's Deployment, and not of the backup's CronJob. */
function ofArchive({ labels: { cronjob: _, ...labels }, series }: Context): { readonly [label: string]: string } {
  return { ...labels, deployment: `${series}-log` };
}

function logTooOld(context: Context, limit: number): Alert {
  return {
    ...{ alert: 'BackupLogTooOld', severity: 'critical', wait: WAIT, labels: ofArchive(context) },
    expr: `time() - ${now(ofSeries(context, 'log_timestamp_seconds'))} > ${limit}`,
    summary: `${context.series}: the archived log in the repository is too old`,
    description: `The log of ${context.series} in ${literal(context.repository)} ended {{ $value | humanizeDuration }} ago; more than ${inWords(limit)} is too long. What was written since would be lost with the server. The archive's log says why: kubectl -n ${context.namespace} logs deployment/${context.series}-log --tail=20`,
  };
}

/** In an encrypted repository of files the witness cannot tell how far the log has come, but that it is there. */
function logMissing(context: Context, limit: number): Alert {
  const { namespace, series, repository } = context;
  const points = ofSeries({ ...context, series: `${series}-log` }, 'points');
  return {
    ...{ alert: 'BackupLogMissing', severity: 'critical', wait: WAIT, labels: ofArchive(context) },
    expr: [`(max(absent_over_time(${points})) or ${now(points)} == 0)`, isListed(context), `and (${context.logAge} > ${limit})`].join('\n'),
    summary: `${series}: the repository holds no archived log`,
    description: `${literal(repository)} can be listed, but holds no archived log of ${series}, which has been archived for longer than ${inWords(limit)}: it was removed, all of it is damaged, or the archive writes elsewhere. A restore can go no further than the last backup. The archive's log says why: kubectl -n ${namespace} logs deployment/${series}-log --tail=20`,
  };
}

/** Every series of a repository says it with the same labels, so that an Alertmanager has it once. */
function notListed(context: Context): Alert {
  const up = ofRepository(context, 'repository_up');
  const listed = now(ofRepository(context, 'repository_listed_timestamp_seconds'));
  const interval = now(ofRepository(context, 'witness_interval_seconds'));
  const { namespace, repository } = context;
  return {
    ...{ alert: 'BackupRepositoryNotListed', severity: 'critical', wait: '10m', labels: { namespace, repository: literal(repository) } },
    expr: [`max(absent_over_time(${up}))`, `or (time() - ${listed} > 3 * ${interval})`, `or ((${now(up)} == 0) unless ${listed})`].join(
      '\n',
    ),
    summary: 'The content of a backup repository is unknown',
    description: `No witness has listed ${literal(repository)} for three of its intervals, or none is scraped: the store does not answer, it refuses the credentials, or the witness does not run. If the store fails, a restore would fail too. The witness's log says why: kubectl logs -A -l cdk8s-backup/operation=witness --prefix --tail=5`,
  };
}
