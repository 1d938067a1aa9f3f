import type { Duration } from 'cdk8s';
import type { Objectives } from './objectives';
import { and, andOfJob, asOfCronJob, compared, earliestOf, grouped, latestOf, Metrics, unless, unlessOfJob } from './promql';
import { Purpose, type Watched, type WatchedJob, type WatchedObjects } from './watched';

/** One alert. */
export interface Alert {
  readonly alert: string;
  readonly severity: 'critical' | 'warning';
  /** How long it is true before anybody hears of it. */
  readonly wait: string;
  readonly expr: string;
  readonly labels: { readonly [label: string]: string };
  readonly summary: string;
  readonly description: string;
}

/** The labels that alerts have of their own. */
export const ALERT_LABELS = ['alertname', 'severity', 'namespace', 'series', 'cronjob', 'deployment', 'engine', 'mirror', 'repository'];

/** The labels by which rules choose what a metric says. */
export const METRIC_LABELS = ['namespace', 'cronjob', 'deployment', 'job_name', 'condition', 'owner_kind', 'owner_name'];

/** Long enough that a scrape which fails wakes nobody, short beside every objective. */
export const WAIT = '5m';

/** What a controller that works may need to start a run. */
const LATE_SECONDS = 15 * 60;

/** Part of its deadline that a run has used up when somebody ought to look. */
const LONG = 0.8;

/**
 * The alerts of one series.
 *
 * Each rule is about one object, by its namespace and name, and says what is true now: it has an end when that is mended. Nothing counts
 * failures, and nothing asks for labels of objects.
 *
 * The metrics are those of kube-state-metrics 2.5 and newer: https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics/workload
 */
export function alertsOf(
  namespace: string,
  watched: WatchedObjects,
  objectives: Partial<Objectives>,
  matchers: { readonly [label: string]: string },
): Alert[] {
  const metrics = new Metrics(namespace, matchers);
  const shown = literal(namespace);
  const proven = judged(watched.jobs, Purpose.PROOF);
  return [
    ...watched.jobs.flatMap(job => alertsOfJob(metrics, shown, job, promisedOf(watched.jobs, job, objectives))),
    ...(objectives.recoveryTime ? proven.map(job => tooSlow(metrics, shown, job, objectives.recoveryTime?.toSeconds() ?? 0)) : []),
    ...watched.archives.flatMap(archive => alertsOfArchive(metrics, shown, archive)),
    metricsMissing(metrics, shown),
  ];
}

/** The job by which an objective is judged: the one that can keep the strictest. A list, which is empty where there is none. */
export function judged(jobs: WatchedJob[], purpose: Purpose): WatchedJob[] {
  const able = jobs.filter(job => job.purpose === purpose && (!job.isOnDemand || purpose === Purpose.RECOVERY_POINT));
  return able.sort((a, b) => a.interval + a.deadline - (b.interval + b.deadline)).slice(0, 1);
}

/** How old the newest of what a job makes may be by its schedule alone, in seconds. */
export function scheduledAge({ interval, startingDeadline, deadline }: WatchedJob): number {
  return interval + startingDeadline + deadline;
}

function promisedOf(jobs: WatchedJob[], job: WatchedJob, { recoveryPoint, proof }: Partial<Objectives>): Duration | undefined {
  const promised = { [Purpose.RECOVERY_POINT]: recoveryPoint, [Purpose.PROOF]: proof, [Purpose.OTHER]: undefined }[job.purpose];
  return judged(jobs, job.purpose).includes(job) ? promised : undefined;
}

function alertsOfJob(metrics: Metrics, namespace: string, job: WatchedJob, promised: Duration | undefined): Alert[] {
  const of: OfJob = { metrics, namespace, job, labels: labelsOf(job, namespace, { cronjob: job.name }) };
  const isMissing = missing(of, 'CronJob', 'kube_cronjob_info', { cronjob: job.name });
  // Who starts a job looks at what becomes of it. Its last success may be of years ago, and its failure stays for as long as the Job does.
  if (job.isOnDemand && promised === undefined) return [isMissing];
  const limit = promised?.toSeconds() ?? scheduledAge(job);
  return [
    tooOld(of, limit),
    neverSucceeded(of, limit),
    failed(of),
    runsLong(of),
    ...(job.isOnDemand ? [] : [missedSchedule(of), suspended(of)]),
    isMissing,
  ];
}

interface OfJob {
  readonly metrics: Metrics;
  readonly namespace: string;
  readonly job: WatchedJob;
  readonly labels: { readonly [label: string]: string };
}

/** What alerts about staleness are called, by what is stale, and what it means that there was never any. */
const STALE = {
  [Purpose.RECOVERY_POINT]: {
    ...{ tooOld: 'BackupRecoveryPointTooOld', never: 'BackupNeverSucceeded', what: 'the newest recovery point' },
    means: 'it has made no recovery point',
  },
  [Purpose.PROOF]: {
    ...{ tooOld: 'BackupProofTooOld', never: 'BackupNeverProven', what: 'the last proof that it can be restored' },
    means: 'nobody knows whether its recovery points can be restored',
  },
  [Purpose.OTHER]: {
    ...{ tooOld: 'BackupJobTooOld', never: 'BackupJobNeverSucceeded', what: 'the last success of a job' },
    means: 'its work has never been done',
  },
};

const LAST_SUCCESS = 'kube_cronjob_status_last_successful_time';
const LAST_SCHEDULE = 'kube_cronjob_status_last_schedule_time';
const CREATED = 'kube_cronjob_created';

/** Runs that were started by hand count: the controller notes their success, too. */
function tooOld({ metrics, namespace, job, labels }: OfJob, limit: number): Alert {
  const { tooOld: alert, what } = STALE[job.purpose];
  return {
    ...{ alert, labels, severity: severityOf(job), wait: WAIT },
    expr: `time() - ${metrics.latest(LAST_SUCCESS, { cronjob: job.name })} > ${limit}`,
    summary: `${job.series}: ${what} is too long ago`,
    description: `${job.name} in ${namespace} last succeeded {{ $value | humanizeDuration }} ago; more than ${inWords(limit)} is too long. Check its last run: ${jobsCommand(namespace, job)}. If there is no Job, find out why none was created: ${describeCommand(namespace, job)}. Then start one by hand: ${startCommand(namespace, job)}`,
  };
}

/** What never succeeded has no time of a success; a rule about that time alone would be silent for ever. */
function neverSucceeded({ metrics, namespace, job, labels }: OfJob, limit: number): Alert {
  const { never: alert, means } = STALE[job.purpose];
  const of = { cronjob: job.name };
  return {
    ...{ alert, labels, severity: severityOf(job), wait: WAIT },
    expr: [`(time() - ${metrics.latest(CREATED, of)} > ${limit})`, unless(metrics.latest(LAST_SUCCESS, of))].join('\n'),
    summary: `${job.series}: ${job.name} has never succeeded`,
    description: `${job.name} in ${namespace} has existed for longer than ${inWords(limit)}, and no run has succeeded: ${means}. Start one by hand, and read its last line: ${startCommand(namespace, job)}`,
  };
}

/**
 * A Job that failed and began after the last success; or, as Jobs are cleaned up, and one that never gets a pod does not fail before its
 * deadline, a run that was due and has had its time. A later success ends both.
 */
function failed({ metrics, namespace, job, labels }: OfJob): Alert {
  const of = { cronjob: job.name };
  const lastSuccess = `(${metrics.latest(LAST_SUCCESS, of)} or ${metrics.latest(CREATED, of)})`;
  const failure = latestOf(
    metrics.byJob('kube_job_status_start_time'),
    andOfJob(`(${metrics.recent('kube_job_failed', { condition: 'true' })} == 1)`),
    andOfJob(metrics.jobsOf(job.name)),
  );
  const lastSchedule = metrics.latest(LAST_SCHEDULE, of);
  const hadItsTime = `(time() - ${lastSchedule} > ${job.startingDeadline + job.deadline + LATE_SECONDS})`;
  return {
    ...{ alert: 'BackupJobFailed', labels, severity: 'warning', wait: WAIT },
    expr: [grouped(compared(failure, '>', lastSuccess)), 'or', grouped(compared(lastSchedule, '>', lastSuccess), and(hadItsTime))].join(
      '\n',
    ),
    summary: `${job.series}: ${job.name} has failed, and has not succeeded since`,
    description: `The last run of ${job.name} in ${namespace} has failed, or missed its deadline. Its verdict says why: ${verdictCommand(namespace, job)}. The next run that succeeds ends this alert; to start one now: ${startCommand(namespace, job)}`,
  };
}

/** A Job without a pod (a quota, something that is missing) is not a failure, and not even active: only that it has not ended shows it. */
function runsLong({ metrics, namespace, job, labels }: OfJob): Alert {
  const limit = Math.floor(job.deadline * LONG);
  const begun = earliestOf(
    metrics.byJob('kube_job_status_start_time'),
    andOfJob(metrics.jobsOf(job.name)),
    unlessOfJob(`(${metrics.recent('kube_job_complete', { condition: 'true' })} == 1)`),
    unlessOfJob(`(${metrics.recent('kube_job_failed', { condition: 'true' })} == 1)`),
  );
  return {
    ...{ alert: 'BackupJobRunsLong', labels, severity: 'warning', wait: WAIT },
    expr: `time() - ${begun} > ${limit}`,
    summary: `${job.series}: ${job.name} runs too long`,
    description: `A run of ${job.name} in ${namespace} has not ended after ${inWords(limit)}; after ${inWords(job.deadline)} it is stopped, and fails. No other run starts meanwhile. Check whether it has a pod, and what the pod waits for: kubectl -n ${namespace} get pods -l cdk8s-backup/series=${job.series}; kubectl -n ${namespace} get events --sort-by=.lastTimestamp. If it only takes long, raise its deadline.`,
  };
}

/**
 * By the schedule as it is known here: what kube-state-metrics computes as the next time is of another zone before its release 2.15, and
 * may be until 2.20.
 *
 * The controller does not start later what it has missed, and what somebody starts is no run of the schedule: one that has succeeded since
 * stands in for it, until the next one is late.
 */
function missedSchedule({ metrics, namespace, job, labels }: OfJob): Alert {
  const of = { cronjob: job.name };
  const limit = job.interval + Math.min(job.startingDeadline, LATE_SECONDS);
  const last = `(${metrics.latest(LAST_SCHEDULE, of)} or ${metrics.latest(CREATED, of)})`;
  const lastSuccess = metrics.latest(LAST_SUCCESS, of);
  return {
    ...{ alert: 'BackupJobMissedSchedule', labels, severity: 'warning', wait: WAIT },
    expr: [
      `(time() - ${last} > ${limit})`,
      unless(`(${isSuspended(metrics, job)})`),
      // The next one waits for it: the first copy of a mirror takes many intervals.
      unless(`(${metrics.now('kube_cronjob_status_active', of)} > 0)`),
      unless(grouped(compared(lastSuccess, '>', `(${last} + ${job.interval})`), and(`(time() - ${lastSuccess} < ${limit})`))),
    ].join('\n'),
    summary: `${job.series}: ${job.name} was due, but has not started`,
    description: `The schedule of ${job.name} in ${namespace} has started no run for longer than its interval of ${inWords(job.interval)}, and no run is active. Its events say why, unless the cluster's controllers are down: ${describeCommand(namespace, job)}. To start a run now: ${startCommand(namespace, job)}`,
  };
}

const isSuspended = (metrics: Metrics, { name }: WatchedJob) => `${metrics.now('kube_cronjob_spec_suspend', { cronjob: name })} == 1`;

function suspended({ metrics, namespace, job, labels }: OfJob): Alert {
  return {
    // Who suspends it for some work has an hour to lift that.
    ...{ alert: 'BackupJobSuspended', labels, severity: 'warning', wait: '1h' },
    expr: isSuspended(metrics, job),
    summary: `${job.series}: ${job.name} is suspended`,
    description: `${job.name} in ${namespace} should run on its schedule, but is suspended. To resume it: kubectl -n ${namespace} patch cronjob ${job.name} -p '{"spec":{"suspend":false}}'`,
  };
}

/** A verification is a whole restore: of the last one that succeeded, how long its Job took. */
function tooSlow(metrics: Metrics, namespace: string, job: WatchedJob, limit: number): Alert {
  const ended = metrics.byJob('kube_job_status_completion_time');
  const took = latestOf(
    `(${ended} - ${metrics.byJob('kube_job_status_start_time')})`,
    andOfJob(`(${asOfCronJob(ended, metrics.latest(LAST_SUCCESS, { cronjob: job.name }))})`),
    andOfJob(metrics.jobsOf(job.name)),
  );
  return {
    ...{ alert: 'BackupRestoreTooSlow', severity: 'warning', wait: WAIT, labels: labelsOf(job, namespace, { cronjob: job.name }) },
    expr: `${took} > ${limit}`,
    summary: `${job.series}: a restore takes longer than its objective`,
    description: `The last verification by ${job.name} in ${namespace} took {{ $value | humanizeDuration }}; the recovery time objective is ${inWords(limit)}. A verification restores, and compares the result; its log says how long each took. Give the verification and the restore more resources, or raise the objective.`,
  };
}

function alertsOfArchive(metrics: Metrics, namespace: string, archive: Watched): Alert[] {
  const of = { deployment: archive.name };
  const labels = labelsOf(archive, namespace, of);
  return [
    {
      ...{ alert: 'BackupLogNotReady', labels, severity: 'critical', wait: '10m' },
      expr: `${metrics.now('kube_deployment_status_replicas_ready', of)} < 1`,
      summary: `${archive.series}: the archive of its log is not ready`,
      description: `${archive.name} in ${namespace} is behind, receives nothing, or does not run: if the server is lost, so is what it writes now. The server keeps its log until its volume is full. The archive's own log says why: kubectl -n ${namespace} logs deployment/${archive.name} --tail=20`,
    },
    missing({ metrics, namespace, labels, series: archive.series, name: archive.name }, 'Deployment', 'kube_deployment_created', of),
  ];
}

/** What is missing by itself; when all is, `metricsMissing` says it. */
function missing(
  of: OfJob | (Omit<OfJob, 'job'> & { readonly series: string; readonly name: string }),
  kind: string,
  metric: string,
  selector: { readonly [label: string]: string },
): Alert {
  const { metrics, namespace, labels } = of;
  const { series, name } = 'job' in of ? of.job : of;
  const severity = 'job' in of ? severityOf(of.job) : 'critical';
  return {
    ...{ alert: 'BackupJobMissing', labels, severity, wait: WAIT },
    expr: [
      metrics.absent(metric, selector),
      `and on (namespace) (${metrics.series('kube_namespace_created')} or ${metrics.series('kube_cronjob_info')})`,
    ].join('\n'),
    summary: `${series}: ${name} is missing`,
    description: `kube-state-metrics reports no ${kind} ${name} in ${namespace}, but reports others: it was deleted, or never applied. Apply the synthesized manifests again. If kubectl -n ${namespace} get ${kind.toLowerCase()} ${name} shows it, kube-state-metrics is configured not to watch ${kind}s (--resources).`,
  };
}

/**
 * Neither the namespace nor any CronJob of it is known; or CronJobs of other namespaces are taken for its own, which the namespace of
 * kube-state-metrics meets: a success of one that has the same name would count. Every series of a namespace says it with the same labels,
 * so that an Alertmanager has it once.
 */
function metricsMissing(metrics: Metrics, namespace: string): Alert {
  return {
    ...{ alert: 'BackupMetricsMissing', severity: 'critical', wait: WAIT, labels: { namespace } },
    expr: [
      metrics.absent('kube_namespace_created'),
      `and on (namespace) ${metrics.absent('kube_cronjob_info')}`,
      `or ${metrics.misplaced('kube_cronjob_info')}`,
    ].join('\n'),
    summary: `The state of the backups of ${namespace} is unknown`,
    description: `No metric of kube-state-metrics is about ${namespace}, or metrics of other namespaces are taken for its own, so no other alert about its backups is reliable. Check that kube-state-metrics runs and is scraped, with honorLabels, and which namespaces it watches. Until then: kubectl -n ${namespace} get cronjobs,jobs`,
  };
}

/** What is lost is more urgent than what is not known. */
function severityOf({ purpose }: WatchedJob): 'critical' | 'warning' {
  return purpose === Purpose.RECOVERY_POINT ? 'critical' : 'warning';
}

function labelsOf(watched: Watched, namespace: string, object: { readonly [label: string]: string }) {
  const others = Object.entries(watched.labels).map(([label, value]) => [label, literal(value)]);
  return { namespace, series: watched.series, ...object, ...Object.fromEntries(others) };
}

const jobsCommand = (namespace: string, { series }: WatchedJob) => `kubectl -n ${namespace} get jobs -l cdk8s-backup/series=${series}`;

const verdictCommand = (namespace: string, { series }: WatchedJob) =>
  `kubectl -n ${namespace} logs -l cdk8s-backup/series=${series} --prefix --tail=3`;

const describeCommand = (namespace: string, { name }: WatchedJob) => `kubectl -n ${namespace} describe cronjob ${name}`;

export const startCommand = (namespace: string, { name }: WatchedJob) =>
  `kubectl -n ${namespace} create job --from=cronjob/${name} ${name}-by-hand`;

/** A name as it is: Prometheus takes labels and annotations of alerts for templates. */
export const literal = (name: string) => name.replace(/\{\{/g, '{{"{{"}}');

/** As somebody would say it: `Duration.toHumanString` has fractions. */
export function inWords(seconds: number): string {
  const parts = [
    { unit: 'day', count: Math.floor(seconds / 86_400) },
    { unit: 'hour', count: Math.floor((seconds % 86_400) / 3600) },
    { unit: 'minute', count: Math.floor((seconds % 3600) / 60) },
    { unit: 'second', count: seconds % 60 },
  ].filter(({ count }) => count > 0);
  return parts.map(({ unit, count }) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(' ') || '0 seconds';
}
