import { isIP } from 'node:net';
import { k8s } from 'cdk8s-plus-27';
import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

/** Pods of the cluster. */
export interface PodsDestinationOptions {
  /** Labels of the pods: those by which their Service selects them. */
  readonly labels: { [label: string]: string };
  /**
   * The pods' namespace.
   * @default - the namespace of the jobs
   */
  readonly namespace?: string;
  /** The TCP port on which the pods listen: the Service's `targetPort`, since network policies match the pods behind a Service. */
  readonly port: number;
}

/** Addresses that are not pods. */
export interface OutsideDestinationOptions {
  /** The TCP port. */
  readonly port: number;
  /**
   * The addresses, such as '10.20.0.0/16' or '203.0.113.7/32'.
   * @default - any: a NetworkPolicy knows no host names
   */
  readonly cidr?: string;
}

/**
 * Where the packets of a connection go, for NetworkPolicies.
 *
 * A policy sees neither host names nor Services. Packets to a Service match by the pods behind it, and by the pods' own port. (Kubernetes
 * documentation, "Network Policies".) So where a name leads to is guessed, unless one of these says it.
 */
export class Destination {
  /** Pods of the cluster, through any Service. */
  public static pods(options: PodsDestinationOptions): Destination {
    return new Destination(options.port, true, (scope, prop) => {
      const { labels, namespace } = options;
      if (Object.keys(labels).length === 0) {
        const because = 'that would select every pod of the namespace: name labels that only these pods have';
        throw new InputError(scope, { prop: `${prop}.labels`, got: labels, because });
      }
      if (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
        throw new InputError(scope, {
          prop: `${prop}.namespace`,
          got: namespace,
          because: "write a namespace's name, such as 'databases'",
        });
      }
      return {
        ...(namespace !== undefined && { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }),
        podSelector: { matchLabels: labels },
      };
    });
  }

  /**
   * Anything that is not a pod of this cluster: a managed database, an object store, a Service without selector, or pods in their node's
   * network. Give the addresses that packets have when they leave: the proxy's own address, not that of its Service.
   */
  public static outside(options: OutsideDestinationOptions): Destination {
    return new Destination(options.port, false, (scope, prop) => {
      const { cidr } = options;
      if (cidr === undefined) return undefined;
      const [address = '', bits = ''] = cidr.split('/');
      const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
      if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) {
        const because = "write addresses with their prefix, such as '10.20.0.0/16', or '203.0.113.7/32' for a single address";
        throw new InputError(scope, { prop: `${prop}.cidr`, got: cidr, because });
      }
      return { ipBlock: { cidr } };
    });
  }

  private constructor(
    private readonly port: number,
    /** It does not leave the cluster. @internal */
    public readonly _isInCluster: boolean,
    private readonly peer: (scope: IConstruct, prop: string) => k8s.NetworkPolicyPeer | undefined,
  ) {}

  /** @internal */
  public _bind(scope: IConstruct, prop: string): k8s.NetworkPolicyEgressRule {
    if (!Number.isInteger(this.port) || this.port < 1 || this.port > 65535) {
      throw new InputError(scope, { prop: `${prop}.port`, got: this.port, because: 'write a whole number from 1 to 65535' });
    }
    const peer = this.peer(scope, prop);
    return { ports: [{ port: k8s.IntOrString.fromNumber(this.port), protocol: 'TCP' }], ...(peer && { to: [peer] }) };
  }
}
