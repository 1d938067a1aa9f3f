import type { Construct, IConstruct } from 'constructs';
import { mergedPodOptions, type PodOptions } from './pod-options';
import { refuseTooLate } from './too-late';

const said = new WeakMap<IConstruct, PodOptions>();

/**
 * What you say once for all pods: on an app, a chart, a plan or any other construct, for everything below it.
 *
 * ```ts
 * PodDefaults.of(app).add({ imagePullSecrets: ['registry'], tolerations: [{ key: 'batch', operator: 'Exists' }] });
 * ```
 *
 * Options are merged field by field. What is said nearer to a pod takes precedence, and the `pods` of a plan, a backup and a job take
 * precedence over all defaults. Labels, annotations and node selectors are merged key by key; pull secrets and tolerations are added.
 *
 * Jobs on the nodes of a control plane have to run there. They take neither node selector, node affinity, runtime class nor assigned user
 * from the defaults. A quiesce's agent is a container in the server's pod. It takes pull policy, CPU limit and assigned user; the pull
 * secrets are added to that pod.
 */
export class PodDefaults {
  /** The defaults of a construct, for everything below it. */
  public static of(scope: Construct): PodDefaults {
    return new PodDefaults(scope);
  }

  private constructor(private readonly scope: Construct) {}

  /**
   * Adds defaults. Later ones take precedence over earlier ones.
   *
   * @throws InputError when the construct has children: pods among them are made without the defaults
   */
  public add(options: PodOptions): PodDefaults {
    refuseTooLate(this.scope, 'PodDefaults', options);
    said.set(this.scope, mergedPodOptions(said.get(this.scope), options));
    return this;
  }
}

/** What is said for the pods of a construct, from the root of the tree down to it. @internal */
export function podDefaultsOf(scope: IConstruct): PodOptions {
  return mergedPodOptions(...scope.node.scopes.map(each => said.get(each)));
}
