import { type ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { RecoveryPoint } from '../../backup/recovery-point';
import { checkedConstruct } from '../../core/given';
import { checkCronJobName, checkObjectName } from '../../core/names';
import { needsObject } from '../../core/needs';
import { Schedule } from '../../core/schedule';
import { kubectlNetworkPolicy, kubectlPod } from '../../kubernetes/kubectl/kubectl';
import { OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../../kubernetes/pod';
import { requestOf } from '../../kubernetes/request';
import type { IVolumeSnapshotGroup } from './group';
import { GROUP_SCRIPTS } from './scripts';
import { checkLabels } from './snapshot-mode';

/** Options of a restore of a group of snapshots. */
export interface VolumeSnapshotGroupRestoreOptions {
  /**
   * Which group is restored, unless the request says otherwise.
   * @default RecoveryPoint.newestVerified()
   */
  readonly from?: RecoveryPoint;
  /**
   * The claims that are restored, by the claims that were snapshotted, and their new names: `{ 'data-db-0': 'data-trial-0' }`. A
   * StatefulSet `trial` with a template `data` finds `data-trial-0`.
   * @default - every claim of the group, under its own name
   */
  readonly claims?: { [claim: string]: string };
  /**
   * The StorageClass of the new claims: one of the same driver. Of another one a restore fails, as what that makes is empty.
   * @default - that of the claim that was snapshotted
   */
  readonly storageClassName?: string;
  /**
   * Labels of all new claims. A StatefulSet labels no claim that it finds. Labels by which a group selects its members make a claim one of
   * them: what is restored beside them must not have these.
   * @default - none; but what comes back under its own name has the labels that it had, and those of SnapshotMode.native({ selector })
   */
  readonly labels?: { [label: string]: string };
  /**
   * The longest to wait until the new claims have volumes.
   * @default Duration.minutes(30)
   */
  readonly bindTimeout?: Duration;
}

/** Props of a restore of a group of snapshots. */
export interface VolumeSnapshotGroupRestoreProps extends VolumeSnapshotGroupRestoreOptions {
  /** The group. */
  readonly group: IVolumeSnapshotGroup;
}

/**
 * Brings a group back as claims of its namespace: a CronJob `<series>-restore` that never runs by itself. For once, something else may be
 * asked for by a ConfigMap `<series>-restore-request`, which is not emitted (recoveryPoint; claims, as `data-db-0` or
 * `data-db-0=data-trial-0`, separated by spaces, or empty for all).
 *
 * ```sh
 * kubectl scale statefulset db --replicas=0
 * kubectl delete pvc data-db-0        # or restore under another name
 * kubectl create job --from=cronjob/shop-restore shop-restore-1
 * kubectl scale statefulset db --replicas=1
 * ```
 *
 * It refuses when a claim of a name is there, and then has changed nothing. When it fails half way, it deletes what it has made itself and
 * no pod has, and nothing else, ever; its reason names what it has deleted and what stays. A claim whose StorageClass waits for the first
 * consumer gets its volume with the first pod that mounts it. Where the claim that was snapshotted had been bound to a volume by hand, nobody
 * in the namespace knows the driver of its snapshot: the new claim stays then, and is not called good.
 *
 * Snapshots can be restored where they are, in their namespace; for another one there is `VolumesFromSnapshotHandles`. Claims that are to
 * be in Git are made by `VolumesFromGroup`.
 */
export class VolumeSnapshotGroupRestore extends Construct {
  /** The CronJob that restores. */
  public readonly cronJob: ApiObject;

  /**
   * Most call `group.addRestore()`.
   *
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VolumeSnapshotGroupRestoreProps) {
    super(...checkedConstruct('VolumeSnapshotGroupRestore', scope, id, props));
    const { group, from = RecoveryPoint.newestVerified(), bindTimeout = Duration.minutes(30) } = props;
    const { series } = group;
    const name = checkCronJobName(this, `${series}-restore`);
    const labels = { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'restore', [SERIES_LABEL]: series, [OPERATION_LABEL]: 'restore' };
    const claimLabels = props.labels ?? {};
    checkLabels(this, 'labels', claimLabels);
    const claims = Object.entries(props.claims ?? {}).map(([claim, newName]) => this.checkClaim(group, claim, newName));
    const keys = [
      { key: 'recoveryPoint', variable: 'RECOVERY_POINT', value: from.bind(this, 'from') },
      { key: 'claims', variable: 'CLAIMS', value: claims.join(' ') },
    ];
    const pod = kubectlPod(this, {
      ...{ operation: 'restore', scripts: GROUP_SCRIPTS, name, labels, image: group.props.kubectlImage, options: group.props.pods },
      rules: [
        { apiGroups: ['snapshot.storage.k8s.io'], resources: ['volumesnapshots'], verbs: ['list'] },
        // To delete: only what the same run has made, by its uid. The names are the request's, so none can be named here.
        { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'create', 'delete'] },
        // And none that a pod has by then, also one that has ended.
        { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
        { apiGroups: [''], resources: ['events'], verbs: ['list'] },
      ],
      environment: [
        { name: 'SERIES', value: series },
        { name: 'LABELS', value: lines(claimLabels) },
        { name: 'MEMBER_LABELS', value: lines(group._mode.selector) },
        {
          name: 'STORAGE_CLASS',
          value: props.storageClassName === undefined ? '' : checkObjectName(this, 'storageClassName', props.storageClassName),
        },
        { name: 'BIND_TIMEOUT', value: String(bindTimeout.toSeconds()) },
      ],
      request: requestOf(this, name, keys, labels),
    });
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels },
      schedule: Schedule.never().bind(this, 'schedule'),
      job: operationJobSpec({
        ...{ pod, operation: 'restore', isRestore: true, keepFinished: Duration.days(30) },
        // A restore that failed is looked at before it is tried again.
        retries: 0,
        deadline: Duration.seconds(bindTimeout.toSeconds() + 600),
      }),
    });
    if (props.storageClassName !== undefined) needsObject(this, 'StorageClass', props.storageClassName, `CronJob ${name}`);
    kubectlNetworkPolicy(this, name, labels, { [SERIES_LABEL]: series, [OPERATION_LABEL]: 'restore' }, group.props.apiPorts);
  }

  private checkClaim(group: IVolumeSnapshotGroup, claim: string, name: string): string {
    group._checkClaim(this, 'claims', claim);
    return claim === name ? claim : `${claim}=${checkObjectName(this, 'claims', name)}`;
  }
}

/** As YAML; the values are quoted, since some look like numbers. */
function lines(labels: { [label: string]: string }): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}: "${value}"`)
    .join('\n');
}
