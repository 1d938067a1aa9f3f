import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { Workload } from '../kubernetes/workload';

/** Options of a place in the order of recovery. */
export interface RecoveryOrderOptions {
  /**
   * Of several workloads that could come next, the one with the highest priority does.
   * @default 0
   */
  readonly priority?: number;
  /**
   * Workloads of this app that have to be back before: databases before the applications that use them.
   * @default - none
   */
  readonly dependsOn?: Construct[];
}

/** Props of a place in the order of recovery. */
export interface RecoveryOrderProps extends RecoveryOrderOptions {
  /** A StatefulSet, Deployment or DaemonSet of cdk8s-plus, its ApiObject, or a construct around one. */
  readonly workload: Construct;
}

/** A workload in the order of recovery. */
export interface RecoveryStep {
  /** The workload, as `kind/namespace/name`. */
  readonly workload: string;
  /** Its priority. */
  readonly priority: number;
  /** The workloads that have to be back before. */
  readonly dependsOn: string[];
}

const PRIORITY_ANNOTATION = 'cdk8s-backup/recovery-priority';
const DEPENDS_ON_ANNOTATION = 'cdk8s-backup/depends-on';

/**
 * A workload's place in the order of recovery, as annotations of the workload itself: `cdk8s-backup/recovery-priority` and
 * `cdk8s-backup/depends-on`. A recovery plan reads them. Velero does not, and restores in an order of kinds.
 */
export class RecoveryOrder extends Construct {
  /**
   * Gives a workload its place, in the workload's own scope.
   *
   * @throws InputError when a dependency is not of this app, or would wait for this workload
   */
  public static of(workload: Construct, options: RecoveryOrderOptions): RecoveryOrder {
    return new RecoveryOrder(workload, 'RecoveryOrder', { ...options, workload });
  }

  /**
   * All workloads of an app with a place in the order, the first one in front.
   *
   * @param scope any construct of the app
   */
  public static stepsOf(scope: Construct): RecoveryStep[] {
    const waiting = [...placesOf(scope).values()].sort((a, b) => b.priority - a.priority || (a.workload < b.workload ? -1 : 1));
    const steps: RecoveryStep[] = [];
    const isBack = (workload: string) => !waiting.some(step => step.workload === workload);
    while (waiting.length > 0) {
      // There is one: what would wait for itself is refused.
      const next = waiting.findIndex(({ dependsOn }) => dependsOn.every(isBack));
      steps.push(...waiting.splice(next, 1));
    }
    return steps;
  }

  /**
   * Most call `RecoveryOrder.of()`.
   *
   * @throws InputError when a dependency is not of this app, or would wait for this workload
   */
  constructor(scope: Construct, id: string, props: RecoveryOrderProps) {
    super(...checkedConstruct('RecoveryOrder', scope, id, props));
    const { priority = 0, dependsOn = [] } = props;
    if (!Number.isInteger(priority) || Math.abs(priority) > 1_000_000) {
      throw new InputError(this, { prop: 'priority', got: priority, because: 'write a whole number, of at most a million' });
    }
    const workload = referenceTo(this, 'workload', props.workload);
    const places = placesOf(this);
    if (places.has(workload)) {
      throw new InputError(this, {
        prop: 'workload',
        got: workload,
        because: 'its place in the order is already set: set everything in one call',
      });
    }
    const references = dependsOn.map((dependency, index) => this.dependency(`dependsOn[${index}]`, dependency));
    places.set(workload, { workload, priority, dependsOn: references });
    this.refuseCycle(workload, [workload], places);
    const { metadata } = ApiObject.of(props.workload);
    metadata.addAnnotation(PRIORITY_ANNOTATION, String(priority));
    if (references.length > 0) metadata.addAnnotation(DEPENDS_ON_ANNOTATION, references.join(','));
  }

  private dependency(prop: string, dependency: Construct): string {
    if (dependency.node.root !== this.node.root) {
      const because = 'it belongs to another app: name a workload of the same app';
      throw new InputError(this, { prop, got: dependency.node.path, because });
    }
    return referenceTo(this, prop, dependency);
  }

  private refuseCycle(start: string, path: string[], places: Map<string, RecoveryStep>): void {
    for (const dependency of places.get(path[path.length - 1] ?? '')?.dependsOn ?? []) {
      if (dependency === start) {
        throw new InputError(this, {
          prop: 'dependsOn',
          got: [...path, start],
          because: 'they would wait for each other in a circle: leave one of them out',
        });
      }
      this.refuseCycle(start, [...path, dependency], places);
    }
  }
}

function referenceTo(scope: Construct, prop: string, construct: Construct): string {
  const { kind, namespace, name } = Workload.of(scope, prop, construct);
  return `${kind}/${namespace ?? ''}/${name}`;
}

/** The places, by app. */
const apps = new WeakMap<object, Map<string, RecoveryStep>>();

function placesOf(scope: Construct): Map<string, RecoveryStep> {
  const known = apps.get(scope.node.root) ?? new Map<string, RecoveryStep>();
  apps.set(scope.node.root, known);
  return known;
}
