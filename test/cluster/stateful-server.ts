import type { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { CONTAINED, unprivileged } from './restricted';

/** Of a PostgreSQL's pods: `psql` by name is a script of Debian's else, which starts Perl and takes six times as long. */
export const POSTGRES_PATH = '/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A server in an app of a scenario, as somebody runs one who has nothing to do with backups. */
export interface StatefulServerOptions {
  readonly image: string;
  /** A script for sh, which becomes the server. */
  readonly start: string;
  readonly env?: { readonly [name: string]: string };
  /** Says by its exit code that the server can be used. @default - it can when it runs */
  readonly ready?: string[];
  /** Where its claims are mounted, by the names of their templates. */
  readonly claims: { readonly [template: string]: string };
  /** Of every claim. @default - none */
  readonly claimLabels?: { [label: string]: string };
  /** @default - the cluster's default */
  readonly storageClass?: string;
  /** Of every claim. @default 1Gi */
  readonly size?: string;
  /** A script that runs beside it, with its /tmp. @default - nothing does */
  readonly beside?: string;
  /** @default 1 */
  readonly replicas?: number;
}

/** A claim of a scenario's own. */
export function claim(chart: Chart, name: string, { labels, size }: { labels?: { [label: string]: string }; size?: string } = {}): void {
  new k8s.KubePersistentVolumeClaim(chart, name, { metadata: { name, labels }, spec: claimSpec(size) });
}

/** A StatefulSet of one server, whose pods have the label `app` with its name, and a /tmp. */
export function statefulServer(chart: Chart, name: string, options: StatefulServerOptions): k8s.KubeStatefulSet {
  const { claims, claimLabels, replicas = 1, beside } = options;
  const labels = { app: name };
  const mounts = Object.entries(claims).map(([template, mountPath]) => ({ name: template, mountPath }));
  const readinessProbe = options.ready && { exec: { command: options.ready }, periodSeconds: 1, timeoutSeconds: 10 };
  const spec = claimSpec(options.size, options.storageClass);
  return new k8s.KubeStatefulSet(chart, name, {
    metadata: { name },
    spec: {
      ...{ replicas, serviceName: name, selector: { matchLabels: labels } },
      template: {
        metadata: { labels },
        spec: {
          // A server that is killed for its slowness leaves what says that it runs, and a restore refuses.
          ...{ automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: 120 },
          securityContext: unprivileged(),
          containers: [
            { ...containerOf('server', options, options.start, mounts), readinessProbe },
            ...(beside ? [containerOf('beside', options, beside, [])] : []),
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
      volumeClaimTemplates: Object.keys(claims).map(template => ({ metadata: { name: template, labels: claimLabels }, spec })),
    },
  });
}

function containerOf(name: string, { image, env = {} }: StatefulServerOptions, script: string, mounts: k8s.VolumeMount[]): k8s.Container {
  return {
    ...{ name, image, command: ['sh', '-ec', script], securityContext: CONTAINED },
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    // A node of the tests has two processors for all that runs there.
    resources: { requests: { cpu: k8s.Quantity.fromString('20m'), memory: k8s.Quantity.fromString('64Mi') } },
    volumeMounts: [...mounts, { name: 'tmp', mountPath: '/tmp' }],
  };
}

function claimSpec(size = '1Gi', storageClassName?: string): k8s.PersistentVolumeClaimSpec {
  return { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: k8s.Quantity.fromString(size) } } };
}
