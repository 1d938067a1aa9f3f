import { App, Chart, Duration, JsonPatch, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { DatabaseBackup, DataVolume, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../lib';

// A PostgreSQL on a volume of its own, its base backups, and its log. NAMESPACE is the namespace.

const START = `test -s /data/pg/PG_VERSION || {
  initdb --username=postgres --auth-local=trust --auth-host=scram-sha-256 /data/pg >/dev/null
  printf '%s\\n' 'host all all all scram-sha-256' 'host replication all all scram-sha-256' >>/data/pg/pg_hba.conf
}
chmod 700 /data/pg
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off -c max_slot_wal_keep_size=1GB -c max_wal_size=64MB`;

const app = new App();
const ledger = new Chart(app, 'ledger', { namespace: process.env.NAMESPACE });
const claim = (name: string) => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } } },
});
new k8s.KubePersistentVolumeClaim(ledger, 'backups', claim('backups'));
new k8s.KubeSecret(ledger, 'replication', { metadata: { name: 'replication' }, stringData: { username: 'backup', password: 'of backup' } });
const labels = { app: 'db' };
new k8s.KubeService(ledger, 'db', {
  metadata: { name: 'db' },
  spec: { selector: labels, ports: [{ port: 5432, targetPort: k8s.IntOrString.fromNumber(5432), protocol: 'TCP' }] },
});
new k8s.KubeStatefulSet(ledger, 'server', {
  metadata: { name: 'db' },
  spec: {
    serviceName: 'db',
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 5,
        securityContext: { runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'server',
            image: PostgresVersion.V15.image,
            command: ['bash', '-ec', START],
            env: [{ name: 'PGHOST', value: '/tmp' }],
            readinessProbe: { exec: { command: ['pg_isready'] }, periodSeconds: 1 },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
      },
    },
    volumeClaimTemplates: [claim('data')],
  },
});

const books = new DatabaseBackup(ledger, 'books', {
  engine: Engine.postgresPhysical({ version: PostgresVersion.V15 }),
  host: 'db',
  podLabels: labels,
  credentials: SecretRef.named('replication'),
  dataVolume: DataVolume.claim('data-db-0', 'pg'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 4 }),
  schedule: Schedule.never(),
  pods: { cpuRequest: '20m' },
});
const log = books.archiveLog({ every: Duration.seconds(2), maximumLag: Duration.minutes(1), spoolSize: Size.gibibytes(1) });
// As somebody would who cannot wait for what a test asks about.
log.deployment.addJsonPatch(JsonPatch.replace('/spec/template/spec/containers/0/readinessProbe/periodSeconds', 1));
books.verify({ schedule: Schedule.never() });
books.restore();
app.synth();
