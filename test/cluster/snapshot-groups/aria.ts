import { MariadbVersion } from '../../../lib';
import { until } from '../kubectl';
import type { Namespace } from '../namespace';

/**
 * Whether a snapshot of the database has a table of Aria that was closed when it was cut: what `aria_chk` says of a volume that begins
 * as the snapshot.
 */
export async function checkedOnVolumeOf(namespace: Namespace, snapshot: string): Promise<string> {
  const name = `aria-${snapshot.slice(0, 30)}`;
  const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot };
  const claim = {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '256Mi' } }, dataSource },
  };
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          ...{ name: 'check', image: MariadbVersion.V10_11.image },
          command: ['aria_chk', '--check', '--read-only', '--datadir=/srv/data', '/srv/data/shop/hits'],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'data', mountPath: '/srv' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    },
  };
  await namespace.apply(claim, pod);
  const phase = () => namespace.output('get', 'pod', name, '--output=jsonpath={.status.phase}');
  await until('the table is checked', async () => ['Succeeded', 'Failed'].includes(await phase()));
  const said = await namespace.output('logs', name);
  await namespace.output('delete', 'pod', name);
  await namespace.output('delete', 'pvc', name, '--wait=false');
  if (!said.includes('Checking Aria file')) throw new Error(said);
  return /warning|error/i.test(said) ? said : 'sound';
}
