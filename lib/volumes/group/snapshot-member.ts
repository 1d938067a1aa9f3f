import { Chart, type Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';
import { Workload } from '../../kubernetes/workload';
import { type QuiesceAgent, quiesceAgent } from '../quiesce/agent';
import type { IQuiesce } from '../quiesce/quiesce';
import { checkSelector } from './snapshot-mode';

/** Options of a workload whose volumes are snapshotted. */
export interface WorkloadMemberOptions {
  /**
   * How its server is held still while the snapshots are taken. A quiesce needs a StatefulSet, whose pods have names that are known before
   * they run. The job may run commands in those pods and in no other. Every replica is held; for MongoDB, one secondary.
   * @default - it is not: a snapshot of its volume is what the disk would hold after a power cut
   */
  readonly quiesce?: IQuiesce;
  /**
   * The volumes that are snapshotted, by their names in the pod.
   * @default - all that are claims
   */
  readonly volumes?: string[];
}

/** @internal */
export interface SnapshotMemberConfig {
  /** The member's name in the log and in the manifest of a group. */
  readonly name: string;
  /** The claims that are known. */
  readonly claims: string[];
  /**
   * Labels that a StatefulSet's controller gives the claims that it makes: those of its selector override those of their template.
   * (kubernetes/kubernetes, pkg/controller/statefulset, getPersistentVolumeClaims.)
   */
  readonly givenLabels?: { [label: string]: string };
  /** The labels by which further claims are found when the job runs. */
  readonly selector?: { [label: string]: string };
  /** The pods that are held, and the commands for it. */
  readonly pods: string[];
  readonly agent?: QuiesceAgent;
}

/** Some of the volumes of an application. */
export class VolumeSnapshotMember {
  /**
   * The volumes of a workload.
   *
   * @param workload a StatefulSet or Deployment of cdk8s-plus, or an ApiObject. It has to be complete: later additions are not seen
   */
  public static workload(workload: Construct, options: WorkloadMemberOptions = {}): VolumeSnapshotMember {
    return new VolumeSnapshotMember(scope => workloadMember(scope, workload, options));
  }

  /**
   * Claims by their names.
   *
   * @param names those of PersistentVolumeClaims of the namespace
   */
  public static claims(names: string[]): VolumeSnapshotMember {
    return new VolumeSnapshotMember(scope => {
      if (names.length === 0) {
        throw new InputError(scope, { prop: 'members', got: names, because: 'name one claim or more' });
      }
      return { name: 'claims', claims: names.map(name => checkObjectName(scope, 'members', name)), pods: [] };
    });
  }

  /**
   * Claims that have these labels when the job runs. A run that finds none fails.
   *
   * @param labels all of them, for example `{ app: 'shop' }`
   */
  public static selecting(labels: { [label: string]: string }): VolumeSnapshotMember {
    return new VolumeSnapshotMember(scope => {
      checkSelector(scope, 'members', labels);
      return { name: 'selected', claims: [], selector: labels, pods: [] };
    });
  }

  private constructor(private readonly recipe: (scope: Construct) => SnapshotMemberConfig) {}

  /**
   * @throws InputError when the member is invalid
   * @internal
   */
  public _bind(scope: Construct): SnapshotMemberConfig {
    return this.recipe(scope);
  }
}

function workloadMember(scope: Construct, construct: Construct, options: WorkloadMemberOptions): SnapshotMemberConfig {
  const workload = Workload.of(scope, 'members', construct);
  const name = `${workload.kind}/${workload.name}`;
  const { namespace } = Chart.of(scope);
  if (namespace !== undefined && workload.namespace !== undefined && workload.namespace !== namespace) {
    const because = `it is in namespace ${workload.namespace}, and the group in ${namespace}, which has neither its claims nor its pods: create the group in a chart of its namespace`;
    throw new InputError(scope, { prop: 'members', got: name, because });
  }
  const known = [...workload.claimTemplates.map(({ metadata }) => metadata?.name ?? ''), ...workload.volumes.map(volume => volume.name)];
  const volumes = options.volumes ?? known.filter(volume => workload.claimsOf(volume).length > 0);
  const claims = volumes.flatMap(volume => claimsOf(scope, workload, volume, known));
  if (claims.length === 0) {
    const because = 'none of its volumes is a claim, and only claims can be snapshotted: leave it out';
    throw new InputError(scope, { prop: 'members', got: name, because });
  }
  const isMade = workload.claimTemplates.some(({ metadata }) => volumes.includes(metadata?.name ?? ''));
  const givenLabels = isMade ? workload.selectorLabels : {};
  if (!options.quiesce) return { name, claims, givenLabels, pods: [] };
  if (workload.podNames.length === 0) {
    const because =
      'only pods of a StatefulSet with replicas have names that are known in advance, and the job can run commands only in those: make it a StatefulSet, or leave quiesce out';
    throw new InputError(scope, { prop: 'members.quiesce', got: name, because });
  }
  return { name, claims, givenLabels, pods: workload.podNames, agent: quiesceAgent(scope, workload, options.quiesce, volumes) };
}

function claimsOf(scope: Construct, workload: Workload, volume: string, known: string[]): string[] {
  const claims = workload.claimsOf(volume);
  if (claims.length === 0) {
    const there = known.filter(name => workload.claimsOf(name).length > 0).join(', ');
    const because = `${workload.kind} ${workload.name} has no claim behind a volume of that name; it has: ${there || 'none'}`;
    throw new InputError(scope, { prop: 'members.volumes', got: volume, because });
  }
  return claims;
}

/** The shortest time for which any of the members' servers stays held. @internal */
export function shortestLimit(members: SnapshotMemberConfig[]): Duration | undefined {
  const limits = members.flatMap(({ agent }) => (agent?.release ? [agent.limit] : []));
  return limits.sort((a, b) => a.toMilliseconds() - b.toMilliseconds())[0];
}
