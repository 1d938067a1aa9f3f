import { until } from './kubectl';
import type { Namespace } from './namespace';
import { CONTAINED, unprivileged } from './restricted';

/** A server in a pod, as somebody may run one who has nothing to do with backups. */
export interface ServerOptions {
  /** Of the pod. */
  readonly name: string;
  /** What clients call it. @default - the pod's name */
  readonly service?: string;
  /** Its label `app`. @default - the pod's name */
  readonly app?: string;
  readonly image: string;
  readonly port: number;
  readonly command: string[];
  /** Says by its exit code that the server can be used. @default - it can when its port is open */
  readonly ready?: string[];
  readonly env?: { readonly [name: string]: string };
  /** The claim with its data, at /data, which is made where there is none. @default a volume that ends with the pod */
  readonly claim?: string;
  /** A Secret whose keys are files in /secret. @default none */
  readonly secret?: string;
  /** User and group, and the group of its volumes. @default 999 */
  readonly user?: number;
  /** A headless Service by whose name its pod can be reached, whether it is ready or not. @default none */
  readonly peers?: string;
}

/** Unlike `sleep` as the first process of a pod, it ends when it is told to. */
const SLEEP = ['sh', '-c', "trap 'exit 0' TERM; sleep 86400 & wait"];

/** Brings up a server, and waits until it can be used. */
export async function startServer(namespace: Namespace, options: ServerOptions): Promise<void> {
  const { name, service: called = name, app = name, claim, port, ready, peers } = options;
  if (claim && !(await namespace.object('persistentvolumeclaim', claim))) await namespace.apply(volumeClaim(claim));
  await namespace.apply(
    podOf(options, ready ? { exec: { command: ready } } : { tcpSocket: { port } }),
    service(called, app, port),
    ...(peers ? [headless(peers, app)] : []),
  );
  await namespace.output('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=10m');
}

/** Starts a pod that does nothing: somebody works in it by hand. */
export async function startShell(namespace: Namespace, options: Omit<ServerOptions, 'port' | 'command' | 'ready'>): Promise<void> {
  await namespace.apply(podOf({ ...options, command: SLEEP }));
  await namespace.output('wait', `pod/${options.name}`, '--for=condition=Ready', '--timeout=5m');
}

/** What a pod of its own says of a claim's volume, which is at /data; the pod is gone afterwards. @throws Error when its command fails */
export async function onVolume(namespace: Namespace, claim: string, image: string, command: string[]): Promise<string> {
  const name = `on-${claim}`.slice(0, 63);
  const pod = podOf({ name, image, command, claim }) as { spec: object };
  await namespace.apply({ ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } });
  const phase = () => namespace.output('get', 'pod', name, '--output=jsonpath={.status.phase}');
  await until(`pod ${name} has ended`, async () => ['Succeeded', 'Failed'].includes(await phase()));
  const said = await namespace.output('logs', name);
  if ((await phase()) === 'Failed') throw new Error(`pod ${name} failed: ${said}`);
  await namespace.output('delete', 'pod', name);
  return said;
}

/** Ends it, as a StatefulSet does that is scaled to none: its Service stays, and its claim. */
export async function stopServer(namespace: Namespace, name: string): Promise<void> {
  await namespace.output('delete', 'pod', name, '--timeout=5m');
}

/** A volume is lost with all that is on it; there is an empty one in its place. */
export async function loseVolume(namespace: Namespace, claim: string): Promise<void> {
  await namespace.output('delete', 'persistentvolumeclaim', claim, '--timeout=5m');
  await namespace.apply(volumeClaim(claim));
}

export function service(name: string, app: string, port: number): object {
  // A kubelet that was started again takes every pod for unready until it has asked it, and the Service would lead nowhere.
  const spec = { selector: { app }, ports: [{ port }], publishNotReadyAddresses: true };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

/** @param size as a quantity */
export function volumeClaim(name: string, size = '1Gi') {
  return {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: size } } },
  };
}

export function secret(name: string, stringData: { readonly [key: string]: string }): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData };
}

/** A pod as `startServer` makes it; nobody waits for it. */
export function podOf(options: Omit<ServerOptions, 'port'>, probe?: object): object {
  const { name, image, command, app = name, env = {}, claim, secret: files, user = 999, peers } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app } },
    spec: {
      // On a volume that stays, a server that is killed for its slowness leaves what says that it runs, and a restore refuses.
      ...{ automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: claim ? 120 : 10 },
      ...(peers && { hostname: name, subdomain: peers }),
      securityContext: unprivileged(user),
      containers: [
        {
          ...{ name: 'server', image, command },
          env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
          ...(probe && { readinessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 10 } }),
          securityContext: CONTAINED,
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            ...(files ? [{ name: 'secret', mountPath: '/secret', readOnly: true }] : []),
          ],
        },
      ],
      volumes: [
        claim ? { name: 'data', persistentVolumeClaim: { claimName: claim } } : { name: 'data', emptyDir: {} },
        ...(files ? [{ name: 'secret', secret: { secretName: files } }] : []),
      ],
    },
  };
}

function headless(name: string, app: string): object {
  return {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
    spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { app } },
  };
}
