import { type ApiObject, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { registerName, registerSeries } from '../../backup/series';
import { checkedConstruct } from '../../core/given';
import { InputError } from '../../core/input-error';
import { checkObjectName, checkSeries } from '../../core/names';
import { needsObject } from '../../core/needs';
import { Schedule } from '../../core/schedule';
import { warn } from '../../core/warning';
import { type ApiRule, kubectlNetworkPolicy, kubectlPod } from '../../kubernetes/kubectl/kubectl';
import { OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../../kubernetes/pod';
import type { IVolumeSnapshotGroup, VolumeSnapshotGroupProps } from './group';
import { GROUP_SCRIPTS } from './scripts';
import { type SnapshotMemberConfig, shortestLimit } from './snapshot-member';
import { SnapshotMode, type SnapshotModeConfig } from './snapshot-mode';
import { VolumeSnapshotGroupRestore, type VolumeSnapshotGroupRestoreOptions } from './volume-snapshot-group-restore';
import { VolumeSnapshotGroupVerification, type VolumeSnapshotGroupVerificationOptions } from './volume-snapshot-group-verification';

/**
 * Snapshots of all volumes of an application that belong together: a CronJob `<series>-snapshot`. A run holds the servers still, has every
 * snapshot cut, releases the servers, and waits until the snapshots can be used. Only then does it call them a group.
 *
 * A group is a recovery point, with an id like all others. Its snapshots record it by labels: `cdk8s-backup/series`,
 * `cdk8s-backup/recovery-point`, and `cdk8s-backup/published=yes` from publication until pruning. Annotations say for every claim what a
 * claim for its snapshot needs, and for every server that was held, how long.
 *
 * A run that fails at any point releases the servers, deletes its own snapshots and touches no earlier group. If the job is killed, or cut
 * off from the Kubernetes API, a quiesce releases its server by itself.
 *
 * The job may make and delete snapshots in its namespace, and its Lease, but nothing else. It could delete other people's snapshots, too,
 * since no rule can tell them apart.
 *
 * Groups are in the same storage as the volumes, and are lost with it. Whoever can delete objects of the namespace can delete them. They
 * are fast to make and to restore, but no copy off-site; keep backups elsewhere as well.
 *
 * The cluster needs a CSI driver with snapshots, and the CRDs and the controller of kubernetes-csi/external-snapshotter.
 */
export class VolumeSnapshotGroup extends Construct implements IVolumeSnapshotGroup {
  /** The name under which groups are kept. */
  public readonly series: string;
  /** The CronJob that makes groups. */
  public readonly cronJob: ApiObject;
  /** The longest expected time between two runs. */
  public readonly interval: Duration;
  /** What the group was made with, for add-ons. */
  public readonly props: VolumeSnapshotGroupProps;

  /** @internal */
  public readonly _members: SnapshotMemberConfig[];
  /** @internal */
  public readonly _mode: SnapshotModeConfig;
  private verified = false;

  /**
   * @throws InputError when a prop is invalid, or a quiesce lets go before cutTimeout
   */
  constructor(scope: Construct, id: string, props: VolumeSnapshotGroupProps) {
    super(...checkedConstruct('VolumeSnapshotGroup', scope, id, props));
    this.props = props;
    this.series = checkSeries(this, props.series ?? id);
    if (props.members.length === 0) {
      const because = 'name what to snapshot, for example VolumeSnapshotMember.workload(statefulSet)';
      throw new InputError(this, { prop: 'members', got: [], because });
    }
    this._mode = (props.mode ?? SnapshotMode.coordinated())._bind(this);
    this._members = props.members.map(member => member._bind(this));
    this.warnOfClaimLabels();
    const cutTimeout = this.checkCutTimeout(props.cutTimeout);
    const readyTimeout = this.checkSeconds('readyTimeout', props.readyTimeout ?? Duration.hours(1));
    const snapshotClass = this.checkSnapshotClass(props.snapshotClassName);
    const retention = props.retention.bind(this, 'retention');
    const schedule = (props.schedule ?? Schedule.daily({ at: '02:00', spread: Duration.hours(1) })).bind(this, 'schedule');
    this.interval = schedule.interval;
    registerSeries(this, `volume snapshots of namespace ${Chart.of(this).namespace ?? ''}`, this.series);
    registerName(this, 'snapshot', this.series);
    const name = `${this.series}-snapshot`;
    this.checkWords();
    const waits = this._members.reduce((sum, { agent, pods }) => sum + (agent?.wait.toSeconds() ?? 0) * pods.length, 0);
    const deadline = Duration.seconds(cutTimeout.toSeconds() + readyTimeout.toSeconds() + waits + OVERHEAD_SECONDS);
    const labels = { ...STANDARD_LABELS, [SERIES_LABEL]: this.series, [OPERATION_LABEL]: 'snapshot' };
    const pod = kubectlPod(this, {
      operation: 'snapshot',
      scripts: GROUP_SCRIPTS,
      name,
      rules: this.rules(name),
      labels,
      image: props.kubectlImage,
      options: props.pods,
      environment: [
        { name: 'SERIES', value: this.series },
        { name: 'ENGINE', value: 'volumes' },
        { name: 'MODE', value: this._mode.name },
        { name: 'CLAIMS', value: lines(this._members.flatMap(({ name, claims }) => claims.map(claim => [name, claim]))) },
        {
          name: 'SELECTORS',
          value: lines(this._members.flatMap(({ name, selector }) => (selector ? [[name, labelSelector(selector)]] : []))),
        },
        { name: 'HOLDS', value: lines(this._members.flatMap(holds)) },
        { name: 'RENEWS', value: lines(this._members.flatMap(renewals)) },
        { name: 'RELEASES', value: lines(this._members.flatMap(releases)) },
        ...(this._members.some(isOneOf) ? [{ name: 'ONE_OF', value: lines(this._members.filter(isOneOf).map(({ name }) => [name])) }] : []),
        { name: 'SNAPSHOT_CLASS', value: snapshotClass },
        { name: 'GROUP_API', value: this._mode.apiVersion ? `groupsnapshot.storage.k8s.io/${this._mode.apiVersion}` : '' },
        { name: 'GROUP_SELECTOR', value: labelSelector(this._mode.selector) },
        { name: 'CUT_TIMEOUT', value: String(cutTimeout.toSeconds()) },
        { name: 'READY_TIMEOUT', value: String(readyTimeout.toSeconds()) },
        { name: 'LEASE_SECONDS', value: String(deadline.toSeconds()) },
        ...Object.entries(retention.environment).map(([variable, value]) => ({ name: variable, value })),
      ],
    });
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels },
      schedule,
      startingDeadline: props.startingDeadline ?? schedule.intervalUpTo(Duration.hours(4)),
      job: operationJobSpec({ pod, operation: 'snapshot', retries: props.retries ?? 2, deadline, keepFinished: Duration.days(7) }),
    });
    const needs = [
      [this._mode.name === 'native' ? 'VolumeGroupSnapshotClass' : 'VolumeSnapshotClass', snapshotClass],
      ...this._members.flatMap(({ claims }) => claims.map(claim => ['PersistentVolumeClaim', claim])),
    ];
    for (const [kind = '', needed = ''] of needs) {
      if (needed !== '') needsObject(this, kind, needed, `CronJob ${name}`);
    }
    kubectlNetworkPolicy(this, name, labels, { [SERIES_LABEL]: this.series, [OPERATION_LABEL]: 'snapshot' }, props.apiPorts);
    this.node.addValidation({ validate: () => this.warnOfGaps() });
  }

  /**
   * Restores the newest group to throw-away volumes and checks it.
   *
   * @throws InputError when an option is invalid
   */
  public addVerification(options: VolumeSnapshotGroupVerificationOptions = {}): VolumeSnapshotGroupVerification {
    return new VolumeSnapshotGroupVerification(this, 'Verification', { ...options, group: this });
  }

  /**
   * Provides a restore of a group, which somebody starts.
   *
   * @throws InputError when an option is invalid
   */
  public addRestore(options: VolumeSnapshotGroupRestoreOptions = {}): VolumeSnapshotGroupRestore {
    return new VolumeSnapshotGroupRestore(this, 'Restore', { ...options, group: this });
  }

  /**
   * Checks that a claim belongs to the group, as far as its claims are known.
   *
   * @throws InputError when it is not
   * @internal
   */
  public _checkClaim(scope: Construct, prop: string, claim: string): string {
    const known = this._members.flatMap(({ claims }) => claims);
    if (!known.includes(checkObjectName(scope, prop, claim)) && !this._members.some(({ selector }) => selector)) {
      throw new InputError(scope, { prop, got: claim, because: `the group has the claims ${known.join(', ')}` });
    }
    return claim;
  }

  /**
   * Notes that something verifies its groups.
   *
   * @internal
   */
  public _verifiedBy(): void {
    this.verified = true;
  }

  private checkCutTimeout(given: Duration | undefined): Duration {
    const limit = shortestLimit(this._members);
    const most = limit && limit.toSeconds() < DEFAULT_CUT_SECONDS ? limit : Duration.seconds(DEFAULT_CUT_SECONDS);
    const cutTimeout = this.checkSeconds('cutTimeout', given ?? most);
    if (limit && cutTimeout.toSeconds() > limit.toSeconds()) {
      const because = `a quiesce of its members ends after ${limit.toSeconds()} s, and a later snapshot would not show a held server: write at most that, or raise the quiesce's limit`;
      throw new InputError(this, { prop: 'cutTimeout', got: `${cutTimeout.toSeconds()} s`, because });
    }
    return cutTimeout;
  }

  /** The job gets the commands as lines of words, which name constructs by their paths. */
  private checkWords(): void {
    const word = [...this._members.flatMap(holds), ...this._members.flatMap(releases)].flat().find(one => /\s/.test(one));
    if (word === undefined) return;
    throw new InputError(this, {
      prop: 'members',
      got: word,
      because: 'a quiesced workload needs construct names without spaces: rename it',
    });
  }

  private checkSeconds(prop: string, duration: Duration): Duration {
    if (!Number.isInteger(duration.toSeconds({ integral: false })) || duration.toSeconds() < 1) {
      const because = 'write whole seconds, 1 or more, for example Duration.seconds(60)';
      throw new InputError(this, { prop, got: duration.toMilliseconds() / 1000, because });
    }
    return duration;
  }

  private checkSnapshotClass(name: string | undefined): string {
    if (name === undefined) return this._mode.groupClassName ?? '';
    if (this._mode.name === 'native') {
      const because = 'a native group uses a VolumeGroupSnapshotClass: name that in SnapshotMode.native({ groupClassName })';
      throw new InputError(this, { prop: 'snapshotClassName', got: name, because });
    }
    return checkObjectName(this, 'snapshotClassName', name);
  }

  /** What the job may do in its namespace. Names are those of known objects. */
  private rules(name: string): ApiRule[] {
    const pods = this._members.flatMap(member => (member.agent ? member.pods : []));
    const native = this._mode.name === 'native';
    return [
      {
        apiGroups: ['snapshot.storage.k8s.io'],
        resources: ['volumesnapshots'],
        // To patch: they say themselves what group they are of. The controller makes those of a native group; those of groups made before
        // may be single ones.
        verbs: ['get', 'list', ...(native ? [] : ['create']), 'patch', 'delete'],
      },
      ...(native
        ? [
            {
              apiGroups: ['groupsnapshot.storage.k8s.io'],
              resources: ['volumegroupsnapshots'],
              verbs: ['get', 'list', 'create', 'delete'],
            },
          ]
        : []),
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['list'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [name], verbs: ['get', 'update', 'delete'] },
      // Also the pods of other runs, to see whether they are alive.
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      // kubectl 1.31 and newer ask by WebSocket, which begins with a GET (kubernetes/enhancements, KEP-4006).
      ...(pods.length > 0 ? [{ apiGroups: [''], resources: ['pods/exec'], resourceNames: pods, verbs: ['get', 'create'] }] : []),
    ];
  }

  private warnOfClaimLabels(): void {
    for (const { name, claims, givenLabels = {} } of this._members) {
      const [label, value] = Object.entries(this._mode.selector).find(([key, wanted]) => (givenLabels[key] ?? wanted) !== wanted) ?? [];
      if (label === undefined) continue;
      warn(
        this,
        `claims of ${name}, such as ${claims[0]}, get the label ${label}=${givenLabels[label]} from its selector, whatever its volumeClaimTemplates say, so a group of ${label}=${value} lacks them: for mode.selector, choose a label that no workload's selector has`,
      );
    }
  }

  private warnOfGaps(): string[] {
    if (!this.verified) warn(this, `nothing proves that a server starts on the snapshots of ${this.series}: verify them`);
    return [];
  }
}

const DEFAULT_CUT_SECONDS = 60;

/** For what comes before, between and after: checks, releasing, committing and pruning. */
const OVERHEAD_SECONDS = 600;

function lines(of: string[][]): string {
  return of.map(words => words.join(' ')).join('\n');
}

function labelSelector(labels: { [label: string]: string }): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
}

function holds({ name, pods, agent }: SnapshotMemberConfig): string[][] {
  return agent ? pods.map(pod => [name, pod, agent.container, String(agent.wait.toSeconds()), ...agent.hold]) : [];
}

function renewals({ name, pods, agent }: SnapshotMemberConfig): string[][] {
  return agent?.release ? pods.map(pod => [name, pod, agent.container, ...agent.renew]) : [];
}

function releases({ name, pods, agent }: SnapshotMemberConfig): string[][] {
  return agent?.release ? pods.map(pod => [name, pod, agent.container, ...(agent.release ?? [])]) : [];
}

function isOneOf({ pods, agent }: SnapshotMemberConfig): boolean {
  return agent?.holdsOne === true && pods.length > 1;
}
