import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { NotUnderstood } from './errors';
import type { KubernetesObject } from './pod-spec';

/** Nothing listens there: the tests of test/cluster have an API. */
const API_SERVER = '127.255.255.254';

/** The services pods can find: names on addresses of this machine's loopback, where a test's servers listen. */
export class Services {
  private readonly known: { namespace: string; name: string; ip: string; ports: { name?: string; port: number }[] }[] = [];

  private readonly others: string[] = [];

  add(namespace: string, name: string, ip: string, ports: { name?: string; port: number }[]): void {
    if (this.known.some(service => service.namespace === namespace && service.name === name))
      throw new Error(`service ${namespace}/${name} is there already`);
    if (!/^127\.\d+\.\d+\.\d+$/.test(ip)) throw new Error(`service ${namespace}/${name}: ${ip} is not a loopback address`);
    this.known.push({ namespace, name, ip, ports });
  }

  /** Another address for a service that is there, as when its pods are others from now on. */
  move(namespace: string, name: string, ip: string): void {
    const at = this.known.findIndex(service => service.namespace === namespace && service.name === name);
    const [service] = at < 0 ? [] : this.known.splice(at, 1);
    if (!service) throw new Error(`service ${namespace}/${name} is not there`);
    this.add(namespace, name, ip, service.ports);
  }

  /** A name outside the cluster. */
  outside(name: string, ip: string): void {
    if (!/^127\.\d+\.\d+\.\d+$/.test(ip)) throw new Error(`host ${name}: ${ip} is not a loopback address`);
    this.others.push(`${ip} ${name}`);
  }

  /**
   * The pod's /etc/hosts: itself, and every service by the names cluster DNS would answer to
   * (Kubernetes docs: "DNS for Services and Pods"; the bare name only within the namespace).
   */
  hosts(namespace: string, podName: string, podIp: string, withDns: boolean): string {
    const lines = ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback', `${podIp} ${podName}`];
    for (const service of withDns ? this.known : []) {
      const name = `${service.name}.${service.namespace}`;
      const names = [`${name}.svc.cluster.local`, `${name}.svc`, name, ...(service.namespace === namespace ? [service.name] : [])];
      lines.push(`${service.ip} ${names.join(' ')}`);
    }
    return `${[...lines, ...(withDns ? this.others : [])].join('\n')}\n`;
  }

  /**
   * Variables for the API server's service (always) and for the services of the namespace (unless `enableServiceLinks: false`), as a kubelet
   * sets them (Kubernetes docs: "Service", section "Environment variables"). They surprise: a service called `pg` sets PG_PORT=tcp://... .
   */
  links(namespace: string, enabled: boolean): Record<string, string> {
    const result: Record<string, string> = {};
    const api = { name: 'kubernetes', ip: API_SERVER, ports: [{ name: 'https', port: 443 }] };
    for (const service of [api, ...(enabled ? this.known.filter(each => each.namespace === namespace) : [])]) {
      const prefix = service.name.toUpperCase().replaceAll('-', '_');
      result[`${prefix}_SERVICE_HOST`] = service.ip;
      for (const [index, { name, port }] of service.ports.entries()) {
        const url = `tcp://${service.ip}:${port}`;
        if (index === 0) Object.assign(result, { [`${prefix}_SERVICE_PORT`]: String(port), [`${prefix}_PORT`]: url });
        if (name) result[`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll('-', '_')}`] = String(port);
        const long = `${prefix}_PORT_${port}_TCP`;
        Object.assign(result, { [long]: url, [`${long}_PROTO`]: 'tcp', [`${long}_PORT`]: String(port), [`${long}_ADDR`]: service.ip });
      }
    }
    return result;
  }
}

/** `resolv.conf` of a pod. The server does not exist: names outside the cluster fail at once, nothing is asked of the machine's resolver. */
export function resolvConf(namespace: string): string {
  return `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 127.255.255.253\noptions ndots:5 timeout:1 attempts:1\n`;
}

/** What the NetworkPolicies of a namespace let a pod reach. */
export interface Egress {
  /** Something besides DNS. False: the pod gets a network of its own, with nothing but loopback in it. */
  readonly network: boolean;
  /** UDP port 53. False: cluster names do not resolve. */
  readonly dns: boolean;
}

/**
 * The sum of all policies that select the pod (Kubernetes docs: "Network Policies": policies add up; a pod no policy selects is free).
 *
 * Weaker than a cluster: once anything besides port 53 is allowed, every address and port of the loopback is reachable. Ingress is not
 * rehearsed. Only `NetworkPolicy` is read, no vendor's kinds.
 */
export function egressOf(policies: KubernetesObject[], labels: Record<string, string>): Egress {
  const selecting = policies
    .map(policy => ({ name: policy.metadata.name, spec: policy.spec as PolicySpec }))
    .filter(({ name, spec }) => {
      const types = spec.policyTypes ?? ['Ingress', ...(spec.egress ? ['Egress'] : [])];
      return types.includes('Egress') && selects(spec.podSelector ?? {}, labels, `NetworkPolicy ${name}`);
    });
  if (selecting.length === 0) return { network: true, dns: true };
  const rules = selecting.flatMap(({ spec }) => spec.egress ?? []);
  const ports = rules.flatMap(rule => (rule.ports?.length ? rule.ports : [{}]));
  const covers53 = ({ port, endPort }: PolicyPort) =>
    port === undefined || port === 53 || (typeof port === 'number' && port <= 53 && (endPort ?? 0) >= 53);
  const only53 = ({ port, endPort }: PolicyPort) => port === 53 && endPort === undefined;
  return {
    network: ports.some(port => !only53(port)),
    dns: ports.some(port => covers53(port) && (port.port === undefined || port.protocol === 'UDP')),
  };
}

interface PolicyPort {
  readonly port?: number | string;
  readonly endPort?: number;
  readonly protocol?: string;
}

interface PolicySpec {
  readonly podSelector?: Selector;
  readonly policyTypes?: string[];
  readonly egress?: { readonly ports?: PolicyPort[] }[];
}

export interface Selector {
  readonly matchLabels?: Record<string, string>;
  readonly matchExpressions?: { readonly key: string; readonly operator: string; readonly values?: string[] }[];
}

/** Whether a label selector matches; the empty one matches everything (Kubernetes docs: "Labels and Selectors"). */
export function selects(selector: Selector, labels: Record<string, string>, where: string): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return has(key);
      if (operator === 'DoesNotExist') return !has(key);
      if (operator === 'In') return has(key) && values.includes(labels[key] ?? '');
      if (operator === 'NotIn') return !has(key) || !values.includes(labels[key] ?? '');
      throw new NotUnderstood(`${where}: operator ${operator}`);
    })
  );
}

/** A network with nothing but loopback, shared by the containers of one pod: the part of the pause container that matters here. */
export class OwnNetwork {
  private constructor(
    private readonly pause: ChildProcess,
    /** For `nsenter --net=`. */
    readonly path: string,
  ) {}

  static async create(): Promise<OwnNetwork> {
    // Not all of /: roots of other pods are mounted below it, and one that goes at this moment would end this.
    const programs = ['/usr', '/bin', '/lib', '/lib64'].flatMap(path => ['--ro-bind-try', path, path]);
    const command = [
      '--unshare-net',
      ...programs,
      '--die-with-parent',
      '--json-status-fd',
      '3',
      'sh',
      '-c',
      'echo up; exec sleep infinity',
    ];
    const pause = spawn('bwrap', command, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    const failed = new Promise<never>((_, reject) => {
      pause.once('error', reject);
      pause.once('exit', code => reject(new Error(`the pod's network ended with ${code}`)));
    });
    failed.catch(() => {}); // it ends some day; only an end before it was up matters
    const status = new Promise<string>(resolve => (pause.stdio[3] as Readable).once('data', data => resolve(String(data))));
    const up = new Promise(resolve => pause.stdout?.once('data', resolve));
    const [text] = await Promise.race([Promise.all([status, up]), failed]);
    const pid = /"child-pid": (\d+)/.exec(text)?.[1];
    return new OwnNetwork(pause, `/proc/${pid}/ns/net`);
  }

  close(): void {
    this.pause.kill('SIGKILL');
  }
}
