import type { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';

const START = `
[ -d /data/data ] || initdb --username=postgres --auth=trust /data/data >/dev/null
exec postgres -D /data/data -c listen_addresses= -c unix_socket_directories=/tmp
`;

/** A PostgreSQL as a StatefulSet runs it: on the claim `data-<name>-0`, whoever made that. */
export function server(chart: Chart, name: string, replicas: number): void {
  new k8s.KubeStatefulSet(chart, name, {
    metadata: { name },
    spec: {
      ...{ replicas, serviceName: name, selector: { matchLabels: { app: name } } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 10,
          securityContext: {
            ...{ runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, fsGroupChangePolicy: 'OnRootMismatch' },
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'server',
              image: 'postgres:15.19-bookworm',
              command: ['bash', '-ec', START],
              env: [{ name: 'PGHOST', value: '/tmp' }],
              // Over its socket psql has a server that recovers as one that is not there.
              readinessProbe: { exec: { command: ['psql', '-U', 'postgres', '-c', 'select 1'] }, periodSeconds: 1 },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: [
                { name: 'data', mountPath: '/data' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } } },
        },
      ],
    },
  });
}
