import { createHash } from 'node:crypto';
import { type ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../../core/given';
import { InputError } from '../../core/input-error';
import { checkCronJobName, checkObjectName } from '../../core/names';
import { needsObject } from '../../core/needs';
import type { PodOptions } from '../../core/pod-options';
import { Schedule } from '../../core/schedule';
import { type ApiRule, kubectlNetworkPolicy, kubectlPod } from '../../kubernetes/kubectl/kubectl';
import { OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../../kubernetes/pod';
import { checkCronJob, checkNetworkPolicy } from '../check/check-job';
import { VolumeCheck } from '../check/volume-check';
import type { IVolumeSnapshotGroup } from './group';
import { GROUP_SCRIPTS } from './scripts';

/** Options of the verification of a group of snapshots. */
export interface VolumeSnapshotGroupVerificationOptions {
  /**
   * How the volumes are checked. One check may leave out its claims: it applies to all claims that no other check names.
   * @default - the volumes of all other claims are mounted and read, and the verdict says that nothing is known of the content of their
   *   files
   */
  readonly checks?: VolumeCheck[];
  /**
   * When the newest group is checked. `Schedule.never()` leaves it to `kubectl create job --from`.
   * @default Schedule.weekly({ at: '05:00', spread: Duration.hours(2) }) - Sundays between 05:00 and 07:00 UTC
   */
  readonly schedule?: Schedule;
  /**
   * The StorageClass of the volumes that are made for the checks. It may be cheaper than production's, but has to be of the same driver.
   * @default - as in the claim that was snapshotted
   */
  readonly storageClassName?: string;
  /**
   * The longest that the check of one volume may take, including the creation of the volume. Volumes are checked one after the other.
   * @default Duration.hours(2)
   */
  readonly checkDeadline?: Duration;
  /**
   * How long ago the newest good group may have begun. If nothing makes groups any more, verifications of the last one fail.
   * @default - three intervals of the group's schedule, at least an hour; any age if that is `Schedule.never()`
   */
  readonly maximumAge?: Duration;
  /**
   * How often a failed verification is tried again.
   * @default 1
   */
  readonly retries?: number;
  /**
   * How the pods that check are placed and what they may use.
   * @default - as in the group, field by field; those that start a server may use 2Gi of memory
   */
  readonly pods?: PodOptions;
}

/** Props of the verification of a group of snapshots. */
export interface VolumeSnapshotGroupVerificationProps extends VolumeSnapshotGroupVerificationOptions {
  /** The group. */
  readonly group: IVolumeSnapshotGroup;
}

/**
 * Proves that servers start on the snapshots of a group: a CronJob `<series>-verify`, which takes the newest complete group. It makes a
 * volume of every snapshot, and starts the server on it in a pod of its own. It lets the server recover, checks it, and deletes the volume.
 * If all are good, it marks the group as verified (annotation `cdk8s-backup/verified`). Retention and restores read that.
 *
 * The volumes are claims `<series>-verify-<claim>`, one at a time: storage for the largest of them has to be free. The pods that check are
 * made from suspended CronJobs `<series>-check-<claim>`. They have no token for the Kubernetes API and no credentials, and their
 * NetworkPolicy lets them reach nothing.
 *
 * The job that makes them may create Jobs. Whoever may create Jobs in a namespace can do whatever any of its service accounts may do, and
 * can read its Secrets. The job's other rights are smaller: it deletes only the claims and Jobs of those names. If that is too much for
 * you, leave verifications out, and check restored claims by hand.
 */
export class VolumeSnapshotGroupVerification extends Construct {
  /** The CronJob that verifies. */
  public readonly cronJob: ApiObject;
  /** The CronJobs that check one volume each, in the order of the group's claims. */
  public readonly checkCronJobs: ApiObject[];
  /** The longest expected time between two verifications. */
  public readonly interval: Duration;

  private readonly series: string;

  /**
   * Most call `group.addVerification()`.
   *
   * @throws InputError when a prop is invalid, or a check names a claim that the group does not have
   */
  constructor(scope: Construct, id: string, props: VolumeSnapshotGroupVerificationProps) {
    super(...checkedConstruct('VolumeSnapshotGroupVerification', scope, id, props));
    const { group, retries = 1, checkDeadline = Duration.hours(2) } = props;
    const { series } = group;
    this.series = series;
    const { kubectlImage } = group.props;
    const checks = this.checksByClaim(group, props.checks ?? []);
    const storageClass = props.storageClassName === undefined ? '' : checkObjectName(this, 'storageClassName', props.storageClassName);
    const schedule = (props.schedule ?? Schedule.weekly({ at: '05:00', spread: Duration.hours(2) })).bind(this, 'schedule');
    this.interval = schedule.interval;

    this.checkCronJobs = checks.map(({ claim, name, check, prop }) => {
      const claimName = cloneOf(series, claim);
      return checkCronJob(this, `Check-${claim}`, {
        ...{
          name,
          series,
          check,
          prop,
          claimName,
          deadline: checkDeadline,
          options: props.pods,
          inherited: group.props.pods,
          kubectlImage,
        },
      });
    });
    checkNetworkPolicy(this, `${series}-check`, series);

    const name = checkCronJobName(this, `${series}-verify`);
    const labels = { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'verify', [SERIES_LABEL]: series, [OPERATION_LABEL]: 'verify' };
    // Of every check beside its deadline: making and deleting its objects.
    const deadline = Duration.seconds((checkDeadline.toSeconds() + 300) * checks.length + 600);
    const pod = kubectlPod(this, {
      ...{ operation: 'verify', scripts: GROUP_SCRIPTS, name, labels, image: kubectlImage, options: group.props.pods },
      rules: this.rules(
        name,
        checks.map(check => check.name),
        checks.map(({ claim }) => cloneOf(series, claim)),
      ),
      environment: [
        { name: 'SERIES', value: series },
        { name: 'CHECKS', value: checks.map(check => `${check.claim} ${check.name}`).join('\n') },
        { name: 'CHECK_TIMEOUT', value: String(checkDeadline.toSeconds()) },
        { name: 'MAXIMUM_AGE', value: String(this.maximumAge(group, props.maximumAge)) },
        { name: 'STORAGE_CLASS', value: storageClass },
        { name: 'LEASE_SECONDS', value: String(deadline.toSeconds()) },
      ],
    });
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels },
      schedule,
      startingDeadline: schedule.intervalUpTo(Duration.hours(12)),
      job: operationJobSpec({ pod, operation: 'verify', retries, deadline, keepFinished: Duration.days(14) }),
    });
    if (storageClass !== '') needsObject(this, 'StorageClass', storageClass, `CronJob ${name}`);
    kubectlNetworkPolicy(this, name, labels, { [SERIES_LABEL]: series, [OPERATION_LABEL]: 'verify' }, group.props.apiPorts);
    group._verifiedBy();
  }

  /** Every claim that is known to belong to the group, or that a check names if the group finds it by labels, with its one check. */
  private checksByClaim(group: IVolumeSnapshotGroup, checks: VolumeCheck[]): CheckOfClaim[] {
    const known = group._members.flatMap(({ claims }) => claims);
    const found = new Map<string, CheckOfClaim>();
    checks.forEach((check, index) => {
      for (const claim of check._claims ?? []) {
        const prop = `checks[${index}]`;
        group._checkClaim(this, `${prop}.claims`, claim);
        if (found.has(claim))
          throw new InputError(this, {
            prop: `${prop}.claims`,
            got: claim,
            because: 'another check already names it: leave it out of one',
          });
        found.set(claim, { claim, check, prop, name: this.checkName(claim) });
      }
    });
    const rest = checks.flatMap((check, index) => (check._claims ? [] : [{ check, prop: `checks[${index}]` }]));
    if (rest.length > 1) {
      const because = 'only one check can cover the claims that no other check names: set claims on the others';
      throw new InputError(this, { prop: 'checks', got: `${rest.length} checks without claims`, because });
    }
    const { check, prop } = rest[0] ?? { check: VolumeCheck._unchosen(), prop: 'checks' };
    for (const claim of known) if (!found.has(claim)) found.set(claim, { claim, check, prop, name: this.checkName(claim) });
    if (found.size === 0) {
      const because = 'the claims of this group are found by their labels: name the claims in each check';
      throw new InputError(this, { prop: 'checks', got: checks.length, because });
    }
    return [...found.values()];
  }

  private maximumAge(group: IVolumeSnapshotGroup, given?: Duration): number {
    if (!given) return Math.max(3 * group.interval.toSeconds(), Duration.hours(1).toSeconds());
    const seconds = given.toSeconds({ integral: false });
    if (Number.isInteger(seconds) && seconds > 0) return seconds;
    const because = 'write whole seconds, 1 or more, for example Duration.days(2)';
    throw new InputError(this, { prop: 'maximumAge', got: given.toHumanString(), because });
  }

  private checkName(claim: string): string {
    const name = `${this.series}-check-${claim}`;
    const hash = createHash('sha256').update(claim).digest('hex').slice(0, 8);
    return checkCronJobName(this, name.length > 52 ? `${this.series}-check-${hash}` : name);
  }

  /** Rules with names, wherever the API takes names. Only what the job creates, and what it lists, has no name yet. */
  private rules(name: string, checks: string[], clones: string[]): ApiRule[] {
    const of = (apiGroup: string, resource: string, verbs: string[], resourceNames?: string[]): ApiRule => ({
      apiGroups: [apiGroup],
      resources: [resource],
      verbs,
      ...(resourceNames && { resourceNames }),
    });
    return [
      // To patch: snapshots of a group are noted as verified, and have names that are not known yet.
      of('snapshot.storage.k8s.io', 'volumesnapshots', ['list', 'patch']),
      of('', 'persistentvolumeclaims', ['create']),
      of('', 'persistentvolumeclaims', ['get', 'delete'], clones),
      of('batch', 'cronjobs', ['get'], checks),
      // As far-reaching as said above. No rule can say which Jobs.
      of('batch', 'jobs', ['create']),
      of('batch', 'jobs', ['get', 'delete'], checks),
      of('', 'pods', ['get', 'list']),
      of('', 'events', ['list']),
      of('coordination.k8s.io', 'leases', ['create']),
      of('coordination.k8s.io', 'leases', ['get', 'update', 'delete'], [name]),
    ];
  }
}

interface CheckOfClaim {
  readonly claim: string;
  readonly check: VolumeCheck;
  /** The check's name in errors. */
  readonly prop: string;
  /** Its CronJob. */
  readonly name: string;
}

/** The claim that is checked instead of the original. */
function cloneOf(series: string, claim: string): string {
  return `${series}-verify-${claim}`;
}
