// What kube-state-metrics says of a cluster, minute by minute, as a Prometheus scrapes it: series for promtool's tests of rules.
//
// Names, labels and values are those of the real one (2.5 and newer):
//   https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/cronjob-metrics.md, internal/store/cronjob.go
//   https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/job-metrics.md, internal/store/job.go
//   https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/deployment-metrics.md
//   https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/cluster/namespace-metrics.md
// Labels of objects are in none of them, as `kube_cronjob_labels` and `kube_job_labels` are empty without an allow-list. A time that an
// object does not have is no series: `last_successful_time` of what never succeeded.

/** A stretch of minutes: from the first, and until before the second. */
export type Minutes = readonly [from: number, until: number];

export interface Run {
  /** The Job's name. */
  readonly name: string;
  /** When its CronJob's schedule said so; undefined where somebody started it. */
  readonly scheduled?: number;
  readonly started: number;
  /** When it ended; it runs for ever where nothing is said. */
  readonly ended?: number;
  readonly failed?: boolean;
  /** Nothing could make a pod: a quota, an admission. It is not active then. */
  readonly hasNoPod?: boolean;
  /** When the Job was cleaned up. */
  readonly removed?: number;
}

export interface CronJob {
  readonly name: string;
  readonly schedule?: string;
  readonly created: number;
  readonly deleted?: number;
  readonly suspended?: Minutes[];
  readonly runs?: Run[];
}

export interface Deployment {
  readonly name: string;
  readonly created: number;
  readonly deleted?: number;
  /** When its pod was not ready. */
  readonly unready?: Minutes[];
}

/** A kube-state-metrics of one pod. */
export interface Exporter {
  readonly pod: string;
  readonly runs: Minutes;
}

/** What a witness says of one series; it is scraped beside kube-state-metrics. */
export interface Witness {
  readonly series: string;
  readonly repository: string;
  /** What it says at a minute, by metric without its prefix; times are minutes, too. It is not scraped where it says nothing. */
  readonly says: (minute: number) => { readonly [metric: string]: number } | undefined;
}

export interface Cluster {
  /** What one says of each series. */
  readonly witness?: Witness[];
  readonly namespace?: string;
  readonly cronJobs?: CronJob[];
  readonly deployments?: Deployment[];
  /** @default one that runs all the time */
  readonly exporters?: Exporter[];
  /** Labels that the Prometheus of several clusters adds. */
  readonly labels?: Labels;
}

/** From before anything that a test looks at. */
export const ALWAYS: Minutes = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

type Labels = { readonly [label: string]: string };

interface Sample {
  readonly metric: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface InputSeries {
  readonly series: string;
  readonly values: string;
}

/**
 * The series of some minutes, in which the first minute is the beginning of time, as in promtool's tests: times before it are negative.
 *
 * @param cluster what is in it, and happens to it
 * @param step minutes between two scrapes
 */
export function seriesOf(cluster: Cluster, [from, until]: Minutes, step: number): InputSeries[] {
  const known = new Map<string, (number | undefined)[]>();
  const exporters = cluster.exporters ?? [{ pod: 'kube-state-metrics-0', runs: ALWAYS }];
  for (let minute = from; minute <= until; minute += step) {
    const samples = samplesAt(cluster, minute, time => (time - from) * 60);
    for (const { pod } of exporters.filter(({ runs }) => isWithin(minute, runs))) {
      for (const { metric, labels, value } of samples) {
        const scraped = { ...labels, job: 'kube-state-metrics', pod, instance: `${pod}:8080`, ...cluster.labels };
        const name = `${metric}{${Object.entries(scraped).map(([label, text]) => `${label}=${JSON.stringify(text)}`)}}`;
        const values = known.get(name) ?? [];
        known.set(name, values);
        values[(minute - from) / step] = value;
      }
    }
  }
  for (const { series, repository, says } of cluster.witness ?? []) {
    for (let minute = from; minute <= until; minute += step) {
      for (const [metric, value] of Object.entries(says(minute) ?? {})) {
        const labels = { ...(/^(repository|witness)_/.test(metric) ? {} : { engine: 'postgres', series }), repository };
        const scraped = { ...labels, namespace: 'shop', job: 'backup-witness', pod: 'backup-witness-0', ...cluster.labels };
        const name = `cdk8s_backup_${metric}{${Object.entries(scraped).map(([label, text]) => `${label}=${JSON.stringify(text)}`)}}`;
        const values = known.get(name) ?? [];
        known.set(name, values);
        values[(minute - from) / step] = /timestamp/.test(metric) ? (value - from) * 60 : value;
      }
    }
  }
  const scrapes = (until - from) / step + 1;
  return [...known].map(([series, values]) => ({ series, values: written(values, scrapes) }));
}

/** What is not there any more ends at once: Prometheus marks it so. */
function written(values: (number | undefined)[], scrapes: number): string {
  return Array.from({ length: scrapes }, (_, i) => values[i] ?? (values[i - 1] === undefined ? '_' : 'stale')).join(' ');
}

const isWithin = (minute: number, [from, until]: Minutes) => minute >= from && minute < until;
const isThere = (minute: number, from: number, until = Number.POSITIVE_INFINITY) => isWithin(minute, [from, until]);

function samplesAt({ namespace = 'shop', cronJobs = [], deployments = [] }: Cluster, minute: number, seconds: Seconds): Sample[] {
  const of = (metric: string, labels: Labels, value: number | undefined): Sample[] =>
    value === undefined ? [] : [{ metric, labels: { namespace, ...labels }, value }];
  return [
    ...of('kube_namespace_created', {}, seconds(0)),
    ...of('kube_namespace_status_phase', { phase: 'Active' }, 1),
    ...cronJobs
      .filter(({ created, deleted }) => isThere(minute, created, deleted))
      .flatMap(cronJob => ofCronJob(cronJob, minute, of, seconds)),
    ...deployments
      .filter(({ created, deleted }) => isThere(minute, created, deleted))
      .flatMap(({ name: deployment, created, unready = [] }) => [
        ...of('kube_deployment_created', { deployment }, seconds(created)),
        ...of('kube_deployment_spec_replicas', { deployment }, 1),
        ...of('kube_deployment_status_replicas_ready', { deployment }, unready.some(when => isWithin(minute, when)) ? 0 : 1),
      ]),
  ];
}

/** A minute, as a time of Unix. */
type Seconds = (minute: number) => number;
type Of = (metric: string, labels: Labels, value: number | undefined) => Sample[];

function ofCronJob(
  { name: cronjob, schedule = '30 2 * * *', created, suspended = [], runs = [] }: CronJob,
  minute: number,
  of: Of,
  seconds: Seconds,
): Sample[] {
  const begun = runs.filter(({ started }) => started <= minute);
  const last = (times: (number | undefined)[]) => {
    const known = times.filter(time => time !== undefined && time <= minute) as number[];
    return known.length > 0 ? seconds(Math.max(...known)) : undefined;
  };
  const succeeded = runs.filter(({ failed }) => !failed);
  return [
    ...of('kube_cronjob_info', { cronjob, schedule, concurrency_policy: 'Forbid', timezone: 'Europe/Berlin' }, 1),
    ...of('kube_cronjob_created', { cronjob }, seconds(created)),
    ...of('kube_cronjob_spec_suspend', { cronjob }, suspended.some(when => isWithin(minute, when)) ? 1 : 0),
    ...of(
      'kube_cronjob_status_active',
      { cronjob },
      begun.filter(({ ended, scheduled }) => scheduled !== undefined && !isOver(ended, minute)).length,
    ),
    ...of('kube_cronjob_status_last_schedule_time', { cronjob }, last(begun.map(({ scheduled }) => scheduled))),
    ...of('kube_cronjob_status_last_successful_time', { cronjob }, last(succeeded.map(({ ended }) => ended))),
    ...begun.filter(({ removed }) => isThere(minute, 0, removed)).flatMap(run => ofJob(run, cronjob, minute, of, seconds)),
  ];
}

const isOver = (ended: number | undefined, minute: number) => ended !== undefined && ended <= minute;

function ofJob(
  { name: job_name, started, ended, failed, hasNoPod }: Run,
  cronjob: string,
  minute: number,
  of: Of,
  seconds: Seconds,
): Sample[] {
  const isEnded = isOver(ended, minute);
  // One series for each condition, once there is one.
  const condition = (metric: string, is: boolean) =>
    is ? ['true', 'false', 'unknown'].flatMap(each => of(metric, { job_name, condition: each }, each === 'true' ? 1 : 0)) : [];
  return [
    ...of('kube_job_info', { job_name }, 1),
    ...of('kube_job_owner', { job_name, owner_kind: 'CronJob', owner_name: cronjob, owner_is_controller: 'true' }, 1),
    ...of('kube_job_created', { job_name }, seconds(started)),
    ...of('kube_job_status_start_time', { job_name }, seconds(started)),
    ...of('kube_job_status_active', { job_name }, isEnded || hasNoPod ? 0 : 1),
    ...of('kube_job_status_completion_time', { job_name }, isEnded && !failed ? seconds(ended ?? 0) : undefined),
    ...condition('kube_job_complete', isEnded && !failed),
    ...condition('kube_job_failed', isEnded && failed === true),
  ];
}
