import { isIP } from 'node:net';
import { k8s } from 'cdk8s-plus-27';
import type { IConstruct } from 'constructs';
import type { Destination } from '../core/destination';
import { InputError } from '../core/input-error';
import { warn } from '../core/warning';

/** Something that a job's pods have to reach. */
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
  /**
   * Where packets to that host and port go. If given, nothing is guessed.
   * @default - a host without dots is a Service of the namespace; `name.namespace` and `name.namespace.svc` are Services of another
   *   namespace; an address is that address; any other name is allowed by its port. Pods behind a Service are taken to listen on the
   *   Service's own port
   */
  readonly through?: Destination[];
}

const resolvers = new WeakMap<IConstruct, number[]>();

/**
 * Sets the ports on which pods of the cluster's resolver listen, for everything below a construct.
 *
 * @internal
 */
export function resolversListenOn(scope: IConstruct, ports: number[]): void {
  resolvers.set(scope, ports);
}

/**
 * Egress to DNS. Resolvers run in kube-system, on a node-local address, or elsewhere: only the port is the same everywhere.
 *
 * @internal
 */
export function dnsRule(scope: IConstruct): k8s.NetworkPolicyEgressRule {
  const nearest = scope.node.scopes.reverse().find(each => resolvers.has(each));
  const ports = (nearest && resolvers.get(nearest)) ?? [53];
  return {
    ports: ports.flatMap(each => ['UDP', 'TCP'].map(protocol => ({ port: k8s.IntOrString.fromNumber(each), protocol }))),
  };
}

/**
 * Egress to these destinations and to DNS. Without destinations, no egress at all.
 *
 * A NetworkPolicy knows pods, namespaces and addresses, but no host names: a host outside the cluster is allowed by its port. (Kubernetes
 * documentation, "Network Policies".)
 */
export function egressTo(scope: IConstruct, destinations: NetworkDestination[]): k8s.NetworkPolicyEgressRule[] {
  if (destinations.length === 0) return [];
  return [
    dnsRule(scope),
    ...destinations.flatMap(destination => {
      const { port, through } = destination;
      if (through?.length === 0) {
        const because = 'name at least one, for example Destination.pods({ labels: { app: ... }, port: ... }), or leave it out';
        throw new InputError(scope, { prop: 'destinations', got: through, because });
      }
      if (through) return through.map((each, index) => each._bind(scope, `destinations[${index}]`));
      warnOfGuess(scope, destination);
      const peer = peerOf(destination);
      return [{ ports: [{ port: k8s.IntOrString.fromNumber(port), protocol: 'TCP' }], ...(peer && { to: [peer] }) }];
    }),
  ];
}

/** Last parts of outside names that are seldom names of namespaces; countries have two letters. */
const OUTSIDE = /^([a-z]{2}|com|net|org|io|dev|app|cloud|info|biz|internal|local|lan)$/i;

/** A wrong guess cuts a job off, which its first run shows. These guesses are likely to be wrong, so they are warned of before. */
function warnOfGuess(scope: IConstruct, { host, port }: NetworkDestination): void {
  if (isIP(host)) return;
  const [name, namespace, third] = host.replace(/\.$/, '').split('.');
  if (third === undefined && namespace !== undefined && OUTSIDE.test(namespace)) {
    warn(
      scope,
      `'${host}' is assumed to be the Service ${name} of namespace ${namespace}: if it is, write '${host}.svc'; if not, write destinations: [Destination.outside({ port: ${port} })]`,
    );
  } else if ((port === 80 || port === 443) && isInCluster(host) && host !== 'localhost') {
    warn(
      scope,
      `'${host}' is a Service, and its pods rarely listen on port ${port}: a NetworkPolicy matches the port of the pods (targetPort); write destinations: [Destination.pods({ labels: ..., port: ... })]`,
    );
  }
}

/**
 * Whether packets to a host stay in the cluster, as far as its name tells.
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
