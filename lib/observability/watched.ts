import { ApiObject } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { DatabaseBackup } from '../backup/database-backup';
import { DatabaseVerification } from '../backup/database-verification';
import { Cron } from '../core/cron';
import { clockChanges } from '../core/time-zone';
import { ENGINE_LABEL, MIRROR_LABEL, OPERATION_LABEL, SERIES_LABEL } from '../kubernetes/labels';

/** What a CronJob is for, as far as objectives are about it. */
export enum Purpose {
  /** It makes recovery points. */
  RECOVERY_POINT = 0,
  /** It proves that what it makes can be restored. */
  PROOF = 1,
  /** Anything else, such as a mirror or a prune. */
  OTHER = 2,
}

/** An object that alerts are about. */
export interface Watched {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly series: string;
  /** Labels of its alerts beside those of all. */
  readonly labels: { readonly [label: string]: string };
}

/** A CronJob, as it is written. All times are seconds. */
export interface WatchedJob extends Watched {
  readonly purpose: Purpose;
  /** Nothing starts it but somebody. */
  readonly isOnDemand: boolean;
  /** The longest time between two runs that are due, with the hour that a clock change puts between them. */
  readonly interval: number;
  /** How late a run may begin. */
  readonly startingDeadline: number;
  /** The longest that a run may take, with its retries. */
  readonly deadline: number;
}

/** What is below a construct, when it is whole. */
export interface WatchedObjects {
  readonly jobs: WatchedJob[];
  /** Deployments that archive a log. */
  readonly archives: Watched[];
}

/** A CronJob or a Deployment of ours. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: { readonly [label: string]: string } };
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly startingDeadlineSeconds?: number;
    readonly jobTemplate: { readonly spec: { readonly activeDeadlineSeconds?: number } };
  };
}

/**
 * Reads the manifests of a construct, as they will be applied: what was patched is seen as it is.
 *
 * @internal
 */
export function watchedBelow(construct: IConstruct): WatchedObjects {
  const jobs: WatchedJob[] = [];
  const archives: Watched[] = [];
  for (const object of construct.node.findAll()) {
    if (!ApiObject.isApiObject(object) || !['CronJob', 'Deployment'].includes(object.kind)) continue;
    const manifest: Manifest = object.toJson();
    const { name, namespace, labels = {} } = manifest.metadata;
    const series = labels[SERIES_LABEL];
    if (series === undefined) continue;
    const watched = { name, namespace, series, labels: labelsOf(object, labels) };
    if (manifest.kind === 'CronJob') jobs.push({ ...watched, purpose: purposeOf(object, labels), ...timesOf(manifest) });
    else if (labels[OPERATION_LABEL] === 'log') archives.push(watched);
  }
  return { jobs, archives };
}

/** Few of them: they are what alerts are routed by. */
function labelsOf(object: IConstruct, { [ENGINE_LABEL]: engine, [MIRROR_LABEL]: mirror }: { readonly [label: string]: string }) {
  const repository = repositoryOf(object);
  return {
    ...(engine !== undefined && { engine }),
    ...(mirror !== undefined && { mirror }),
    // A mirror's job is about two.
    ...(mirror === undefined && repository !== undefined && { repository }),
  };
}

/** The backup that an object is of. */
function backupOf(object: IConstruct): DatabaseBackup | undefined {
  return object.node.scopes.find(scope => scope instanceof DatabaseBackup);
}

function repositoryOf(object: IConstruct): string | undefined {
  const { scope } = object.node;
  return scope instanceof DatabaseVerification ? scope._identity : backupOf(object)?._operation.repository.identity;
}

/** What a mirror's verification proves is the mirror. */
function purposeOf(
  object: IConstruct,
  { [OPERATION_LABEL]: operation, [MIRROR_LABEL]: mirror }: { readonly [label: string]: string },
): Purpose {
  if (operation === 'backup' || operation === 'snapshot') return Purpose.RECOVERY_POINT;
  const isOwn = mirror === undefined && repositoryOf(object) === backupOf(object)?._operation.repository.identity;
  return operation === 'verify' && isOwn ? Purpose.PROOF : Purpose.OTHER;
}

function timesOf({ spec }: Manifest) {
  const { schedule, timeZone = 'UTC', startingDeadlineSeconds, jobTemplate } = spec;
  const cron = Cron.parse(schedule);
  const minutes = cron.longestGap() ?? 0;
  const interval = minutes * 60 + (cron.everyHour ? 0 : clockChange(timeZone));
  return {
    // What is only paused is meant to run, and somebody is told until it does.
    isOnDemand: minutes === 0,
    interval,
    // Without one, a run is late for as long as it likes.
    startingDeadline: startingDeadlineSeconds ?? interval,
    deadline: jobTemplate.spec.activeDeadlineSeconds ?? interval,
  };
}

/** By how much the night is longer in which the clock goes back; a day's runs are that much further apart. */
function clockChange(timeZone: string): number {
  return Math.max(0, ...clockChanges(timeZone).map(({ from, until, twice }) => (twice ? (until - from) / 1000 : 0)));
}
