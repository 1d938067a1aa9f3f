import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { PodDefaults } from '../core/pod-defaults';
import { resolversListenOn } from './network';

/** Kinds of clusters that differ from the others. */
export class Platform {
  /**
   * OpenShift, for everything that is made below a construct: an app or a chart.
   *
   * Pods name no user, group or group of volumes, since its constraint `restricted-v2` assigns them (`assignedUser`). NetworkPolicies also
   * allow DNS on port 5353, where its resolver's pods listen: policies match the pods behind a Service. (openshift/cluster-dns-operator,
   * assets/dns/daemonset.yaml.)
   *
   * @throws InputError when the construct has children: what is among them is made without it
   */
  public static openShift(scope: Construct): void {
    const [child] = scope.node.children;
    if (child) {
      const because = `set it before you create the first child: ${child.node.path} was created without it`;
      throw new InputError(scope, { prop: 'Platform', got: 'openShift', because });
    }
    PodDefaults.of(scope).add({ assignedUser: true });
    resolversListenOn(scope, [53, 5353]);
  }

  private constructor() {}
}
