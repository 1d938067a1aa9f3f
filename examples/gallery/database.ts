import type { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';

/** The gallery's database, as whoever runs it deploys it. */
export function galleryDatabase(chart: Chart): k8s.KubeStatefulSet {
  const database = new k8s.KubeStatefulSet(chart, 'gallery-db', {
    metadata: { name: 'gallery-db' },
    spec: {
      serviceName: 'gallery-db',
      selector: { matchLabels: { app: 'gallery-db' } },
      template: {
        metadata: { labels: { app: 'gallery-db' } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 999,
            runAsGroup: 999,
            fsGroup: 999,
            fsGroupChangePolicy: 'OnRootMismatch',
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'mariadb',
              image: 'mariadb:10.11.19-jammy',
              env: [{ name: 'MARIADB_ROOT_PASSWORD', valueFrom: { secretKeyRef: { name: 'gallery-root', key: 'password' } } }],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              resources: {
                requests: { cpu: k8s.Quantity.fromString('500m'), memory: k8s.Quantity.fromString('1Gi') },
                limits: { memory: k8s.Quantity.fromString('1Gi') },
              },
              volumeMounts: [{ name: 'data', mountPath: '/var/lib/mysql' }],
            },
          ],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data', labels: { app: 'gallery' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('20Gi') } } },
        },
      ],
    },
  });
  new k8s.KubeNetworkPolicy(chart, 'gallery-db-policy', {
    metadata: { name: 'gallery-db' },
    spec: {
      podSelector: { matchLabels: { app: 'gallery-db' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'gallery' } } }], ports: [{ port: k8s.IntOrString.fromNumber(3306) }] }],
    },
  });
  return database;
}
