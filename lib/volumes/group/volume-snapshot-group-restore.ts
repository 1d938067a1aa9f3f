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
   * The claims that are restored, and their new names, by the claims that were snapshotted: `{ 'data-db-0': 'data-trial-0' }`. A
   * StatefulSet `trial` with a template `data` finds `data-trial-0`.
   * @default - every claim of the group, under its own name
   */
  readonly claims?: { [claim: string]: string };
  /**
   * The StorageClass of the new claims, of the same driver. With another driver's, a restore fails, since the new volume would be empty.
   * @default - as in the claim that was snapshotted
   */
  readonly storageClassName?: string;
  /**
   * Labels of all new claims. A StatefulSet labels no claim that it finds. A claim with the labels by which a group selects its members
   * becomes a member. So do not give these to claims that are restored beside the members.
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
 * Brings a group back as claims of its namespace: a CronJob `<series>-restore` that never runs by itself. For a single run, a ConfigMap
 * `<series>-restore-request`, which is not emitted, may ask for something else. Its keys are recoveryPoint, and claims: `data-db-0` or
 * `data-db-0=data-trial-0`, separated by spaces, or empty for all.
 *
 * ```sh
 * kubectl scale statefulset db --replicas=0
 * kubectl delete pvc data-db-0        # or restore under another name
 * kubectl create job --from=cronjob/shop-restore shop-restore-1
 * kubectl scale statefulset db --replicas=1
 * ```
 *
 * - If a claim of one of the names exists, the restore refuses, and has changed nothing.
 * - If it fails half way, it deletes only claims that it has made itself and that no pod uses. Its reason names what it has deleted and
 *   what stays.
 * - A claim whose StorageClass waits for the first consumer gets its volume with the first pod that mounts it.
 * - If the snapshotted claim had been bound to a volume by hand, nobody in the namespace knows the driver of its snapshot. The new claim
 *   then stays, and is not called good.
 *
 * Snapshots can be restored in their own namespace; for another one use `VolumesFromSnapshotHandles`. For claims in Git use
 * `VolumesFromGroup`.
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

/** As YAML. The values are quoted, since some look like numbers. */
function lines(labels: { [label: string]: string }): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}: "${value}"`)
    .join('\n');
}
