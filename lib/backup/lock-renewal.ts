import { Duration, Size } from 'cdk8s';
import { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkCronJobName } from '../core/names';
import type { RetentionConfig } from '../core/retention';
import { Scratch } from '../core/scratch';
import { MIRROR_LABEL } from '../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';

const RENEW_LOCKS = 'renew-locks';

/** The repositories of an app whose locks are renewed. One job renews all locks of a repository. */
const apps = new WeakMap<object, Set<string>>();

/** @internal */
export interface LockRenewalProps {
  readonly backup: IDatabaseBackup;
  readonly retention: RetentionConfig;
  /** How often recovery points come. */
  readonly interval: Duration;
  /** The mirror whose repository it is, where it is not the backup's own. */
  readonly mirror?: { readonly name: string; readonly repository: IRepository };
}

/**
 * Renews the locks of a repository whose store locks what is written: a CronJob `<series>-renew-locks`. It belongs to the first backup that
 * keeps its recovery points there; for a mirror it is `<series>-renew-locks-<mirror>`.
 *
 * @throws InputError when what retention drops would stay locked
 * @internal
 */
export function renewLocks(scope: Construct, { backup, retention, interval, mirror }: LockRenewalProps): void {
  const operation = backup._operation;
  const repository = operation.bindRepository(scope, RepositoryAccess.RENEW_LOCKS, mirror?.repository);
  if (!repository.lockRenewal) return;
  const { lock, schedule: renewal } = repository.lockRenewal;
  const reach = Math.max(retention.reachDays, retention.newest * interval.toDays({ integral: false }));
  if (lock.toDays() > reach) {
    throw new InputError(scope, {
      prop: 'retention',
      got: retention.environment.RETENTION,
      because: `it keeps nothing longer than ${Math.floor(reach)} days, but the bucket locks everything for ${lock.toDays()} days, so pruned data would stay and cost: keep recovery points longer, or lock for fewer days (objectLock.days, and the bucket's default retention)`,
    });
  }
  const known = apps.get(scope.node.root) ?? new Set<string>();
  apps.set(scope.node.root, known);
  if (known.has(repository.identity)) return;
  known.add(repository.identity);

  const name = checkCronJobName(scope, `${backup.series}-${RENEW_LOCKS}${mirror ? `-${mirror.name}` : ''}`);
  const labels: { [label: string]: string } = mirror ? { [MIRROR_LABEL]: mirror.name } : {};
  const schedule = renewal.bind(scope, 'repository.location.objectLock.renewal');
  const metadata = { name, labels: { ...operation.labels(RENEW_LOCKS), ...labels } };
  const job = new Construct(scope, RENEW_LOCKS);
  cronJobObject(job, 'CronJob', {
    metadata,
    schedule,
    startingDeadline: schedule.intervalUpTo(Duration.hours(12)),
    isNeverPaused: true,
    job: operationJobSpec({
      pod: operation.pod(job, {
        operation: RENEW_LOCKS,
        access: RepositoryAccess.RENEW_LOCKS,
        job: name,
        repository: mirror?.repository,
        labels,
        scratch: Scratch.emptyDir(Size.gibibytes(1)),
      }),
      operation: RENEW_LOCKS,
      retries: 2,
      deadline: schedule.deadlineUpTo(Duration.hours(12)),
      keepFinished: Duration.days(14),
    }),
  });
  operation.networkPolicy(job, name, repository.destinations);
}
