import { type Chart, Duration, Size } from 'cdk8s';
import { ProtectedStatefulSet, VeleroHook, VeleroVolume } from 'cdk8s-backup/velero';
import { k8s } from 'cdk8s-plus-27';

/** Thumbnails, in a StatefulSet that is made and protected at once: all replicas in one snapshot. */
export function thumbnailCache(chart: Chart): ProtectedStatefulSet {
  const thumbnails = new ProtectedStatefulSet(chart, 'thumbnails', {
    metadata: { name: 'thumbnails' },
    replicas: 2,
    podMetadata: { labels: { app: 'thumbnails' } },
    securityContext: { user: 1001, group: 1001, fsGroup: 1001 },
    containers: [{ name: 'cache', image: 'valkey/valkey:8.1.8-trixie', args: ['--dir', '/data'], portNumber: 6379 }],
    claims: [{ name: 'data', size: Size.gibibytes(5), mountPath: '/data' }],
    protection: {
      volumes: [VeleroVolume.snapshot('data')],
      volumeGroup: 'thumbnails',
      preHook: VeleroHook.command({ command: ['valkey-cli', 'save'], timeout: Duration.minutes(2) }),
    },
  });
  new k8s.KubeNetworkPolicy(chart, 'thumbnails-policy', {
    metadata: { name: 'thumbnails' },
    spec: {
      podSelector: { matchLabels: { app: 'thumbnails' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'gallery' } } }], ports: [{ port: k8s.IntOrString.fromNumber(6379) }] }],
    },
  });
  return thumbnails;
}
