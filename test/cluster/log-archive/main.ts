import { App, Chart, Duration, JsonPatch, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { DatabaseBackup, DataVolume, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../lib';
import { claim, POSTGRES_PATH, statefulServer } from '../stateful-server';

// A PostgreSQL on a volume of its own, its base backups, and its log. NAMESPACE is the namespace.

const START = `test -s /data/pg/PG_VERSION || {
  initdb --username=postgres --auth-local=trust --auth-host=scram-sha-256 /data/pg >/dev/null
  printf '%s\\n' 'host all all all scram-sha-256' 'host replication all all scram-sha-256' >>/data/pg/pg_hba.conf
}
chmod 700 /data/pg
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off -c max_slot_wal_keep_size=1GB -c max_wal_size=64MB`;

const app = new App();
const ledger = new Chart(app, 'ledger', { namespace: process.env.NAMESPACE });
claim(ledger, 'backups');
new k8s.KubeSecret(ledger, 'replication', { metadata: { name: 'replication' }, stringData: { username: 'backup', password: 'of backup' } });
const labels = { app: 'db' };
new k8s.KubeService(ledger, 'service', {
  metadata: { name: 'db' },
  spec: { selector: labels, ports: [{ port: 5432, targetPort: k8s.IntOrString.fromNumber(5432), protocol: 'TCP' }] },
});
statefulServer(ledger, 'db', {
  ...{ image: PostgresVersion.V15.image, start: START, claims: { data: '/data' } },
  ...{ env: { PGHOST: '/tmp', PATH: POSTGRES_PATH }, ready: ['pg_isready'] },
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
const log = books.addLogArchive({ every: Duration.seconds(2), maximumLag: Duration.minutes(1), spoolSize: Size.gibibytes(1) });
// As somebody would who cannot wait for what a test asks about.
log.deployment.addJsonPatch(JsonPatch.replace('/spec/template/spec/containers/0/readinessProbe/periodSeconds', 1));
books.addVerification({ schedule: Schedule.never() });
books.addRestore();
app.synth();
