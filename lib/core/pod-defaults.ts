import type { Construct, IConstruct } from 'constructs';
import { InputError } from './input-error';
import { mergedPodOptions, type PodOptions } from './pod-options';

const said = new WeakMap<IConstruct, PodOptions>();

/**
 * What a team says once of all pods: on an app, a chart, a plan or any other construct, for what is made below it.
 *
 * ```ts
 * PodDefaults.of(app).add({ imagePullSecrets: ['registry'], tolerations: [{ key: 'batch', operator: 'Exists' }] });
 * ```
 *
 * It is merged field by field: what is said nearer to a pod goes before what is said farther away, and the `pods` of a plan, a backup and
 * a job before all of it. Labels, annotations and node selectors grow key by key; pull secrets and tolerations are added.
 *
 * Jobs that work on the nodes of a control plane take neither node selector, node affinity, runtime class nor assigned user from it: they have
 * to run there. A quiesce's agent is in a server's pod, and takes from it what a container has: pull policy, CPU limit and assigned user; the
 * pull secrets are added to that pod.
 */
export class PodDefaults {
  /** The defaults of a construct, for what is below it. */
  public static of(scope: Construct): PodDefaults {
    return new PodDefaults(scope);
  }

  private constructor(private readonly scope: Construct) {}

  /**
   * Says more; what is said later goes before what was said earlier.
   *
   * @throws InputError when the construct has children: pods among them are made without it
   */
  public add(options: PodOptions): PodDefaults {
    const { node } = this.scope;
    if (node.children.length > 0) {
      const because = `say it before its first child is made: ${node.children[0]?.node.path} is made without it`;
      throw new InputError(this.scope, { prop: 'PodDefaults', got: options, because });
    }
    said.set(this.scope, mergedPodOptions(said.get(this.scope), options));
    return this;
  }
}

/** What is said for the pods of a construct, from the root of the tree down to it. @internal */
export function podDefaultsOf(scope: IConstruct): PodOptions {
  return mergedPodOptions(...scope.node.scopes.map(each => said.get(each)));
}
