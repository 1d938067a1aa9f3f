import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinitions } from '../../rehearsal/images/crds';
import { installKinds, kubectl, node, output } from '../kubectl';
import type { ClusterObject, Namespace } from '../namespace';
import { PLUGIN, STORE, VELERO, veleroPrograms } from './images';

const KEY = { id: 'velero', secret: 'the store of velero' };

/** What `velero install` makes, in a namespace that is there, with a store in a pod beside it; both are ready then. */
export async function installVelero(namespace: Namespace): Promise<void> {
  await installKinds(join(await customResourceDefinitions(), 'velero.yaml'));
  await namespace.apply(...STORE_OBJECTS);
  const objects = await installed(namespace.name);
  await namespace.apply(...objects.filter(({ kind }) => kind !== 'CustomResourceDefinition' && kind !== 'Namespace'));
  for (const deployment of ['store', 'velero']) {
    await namespace.output('rollout', 'status', `deployment/${deployment}`, '--timeout=10m');
  }
  await namespace.output('wait', 'backupstoragelocation/default', '--for=jsonpath={.status.phase}=Available', '--timeout=5m');
}

/** What would outlive the namespace, or keep it. */
export async function removeVelero(namespace: string): Promise<void> {
  await output(['delete', 'clusterrolebinding', `velero-${namespace}`, '--ignore-not-found']);
  const { exitCode, stdout } = await kubectl(['get', 'restores.velero.io', `--namespace=${namespace}`, '--output=name']);
  // Velero would let them go, if it were still there.
  for (const restore of exitCode === 0 ? stdout.split('\n').filter(Boolean) : []) {
    await output(['patch', restore, `--namespace=${namespace}`, '--type=merge', '--patch={"metadata":{"finalizers":null}}']);
  }
}

async function installed(namespace: string): Promise<ClusterObject[]> {
  const words = [
    ...[join(await veleroPrograms(), 'velero'), 'install', '--dry-run', '--output=yaml', `--namespace=${namespace}`],
    ...[`--image=${VELERO}`, '--provider=aws', `--plugins=${PLUGIN}`, '--bucket=backups', '--use-volume-snapshots=false'],
    `--backup-location-config=region=eu-test-1,s3ForcePathStyle=true,s3Url=http://store.${namespace}.svc:9000`,
    ...['--features=EnableCSI', '--velero-pod-cpu-request=10m', '--velero-pod-mem-request=64Mi'],
  ];
  const secret = `[default]\naws_access_key_id=${KEY.id}\naws_secret_access_key=${KEY.secret}\n`;
  // On the node, where there is a cluster to ask, though it asks nothing.
  const script = 'cat >/root/velero-store; "$@" --secret-file=/root/velero-store; rm /root/velero-store';
  const { exitCode, stdout, stderr } = await node().run(['sh', '-ec', script, 'sh', ...words], { input: Buffer.from(secret) });
  if (exitCode !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).flatMap(document => document.toJS()?.items ?? document.toJS() ?? []);
}

const labels = { app: 'store' };
const STORE_OBJECTS = [
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'store' }, spec: { selector: labels, ports: [{ port: 9000 }] } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'store' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'store',
              image: STORE,
              command: ['sh', '-ec', 'mkdir -p /data/backups; exec minio server --quiet --address :9000 /data'],
              env: Object.entries({
                ...{ HOME: '/data', MINIO_ROOT_USER: KEY.id, MINIO_ROOT_PASSWORD: KEY.secret },
                ...{ MINIO_REGION: 'eu-test-1', MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
              }).map(([name, value]) => ({ name, value })),
              readinessProbe: { httpGet: { path: '/minio/health/ready', port: 9000 }, periodSeconds: 1 },
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', emptyDir: {} }],
        },
      },
    },
  },
];
