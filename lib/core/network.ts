import { isIP } from 'node:net';
import { k8s } from 'cdk8s-plus-27';

/** Somewhere a job's pods have to reach. */
export interface NetworkDestination {
  /** A Service (`db`, `db.namespace`, `db.namespace.svc`), an IP address, or a host name outside the cluster. */
  readonly host: string;
  /** TCP port, as the pods behind a Service see it. */
  readonly port: number;
  /**
   * Labels of the pods behind a Service of the cluster.
   *
   * @default - every pod of the Service's namespace
   */
  readonly podLabels?: { [label: string]: string };
}

const DNS: k8s.NetworkPolicyEgressRule = {
  // Resolvers live in kube-system, on a node-local address, or elsewhere: the port is all they have in common.
  ports: [
    { port: k8s.IntOrString.fromNumber(53), protocol: 'UDP' },
    { port: k8s.IntOrString.fromNumber(53), protocol: 'TCP' },
  ],
};

/**
 * Egress to these destinations and to DNS; to nothing at all where there is no destination.
 *
 * A NetworkPolicy knows pods, namespaces and addresses, but no host names: a host outside the cluster is allowed by its port.
 * (Kubernetes documentation, "Network Policies".)
 */
export function egressTo(destinations: NetworkDestination[]): k8s.NetworkPolicyEgressRule[] {
  if (destinations.length === 0) return [];
  return [
    DNS,
    ...destinations.map(destination => {
      const peer = peerOf(destination);
      return { ports: [{ port: k8s.IntOrString.fromNumber(destination.port), protocol: 'TCP' }], ...(peer && { to: [peer] }) };
    }),
  ];
}

/**
 * Whether what is sent to a host does not leave the cluster, as far as its name tells.
 *
 * @internal
 */
export function isInCluster(host: string): boolean {
  return isIP(host) ? /^(127\.|::1$)/.test(host) : host === 'localhost' || peerOf({ host, port: 0 }) !== undefined;
}

function peerOf({ host, podLabels }: NetworkDestination): k8s.NetworkPolicyPeer | undefined {
  if (isIP(host)) return { ipBlock: { cidr: isIP(host) === 4 ? `${host}/32` : `${host}/128` } };
  const [, namespace, third] = host.replace(/\.$/, '').split('.');
  const podSelector = podLabels ? { matchLabels: podLabels } : {};
  if (namespace === undefined) return { podSelector };
  // `name.namespace` is how Services are written; a name outside the cluster has a third part that is not `svc`.
  if (third === undefined || third === 'svc') {
    return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, podSelector };
  }
  return undefined;
}
