import { Chart } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  Engine,
  PostgresVersion,
  Repository,
  RestoreForm,
  Retention,
  SecretRef,
} from '../../../../lib';

// Another major version, several jobs, and the restore that is a plain Job.
const app = new BackupApp();
const chart = new Chart(app, 'seventeen', { namespace: 'seventeen' });
const backup = new DatabaseBackup(chart, 'crm', {
  engine: Engine.postgres({ version: PostgresVersion.V17, databases: ['crm', 'mail'], jobs: 2 }),
  host: 'crm-db',
  credentials: SecretRef.named('crm'),
  repository: Repository.files({ claimName: 'backups', path: 'team/crm' }),
  retention: Retention.keep({ daily: 7 }),
});
backup.addVerification({
  assertions: [
    Assertion.atLeast('select count(*) from customers', 1000, { database: 'crm' }),
    Assertion.equalTo("select string_agg(v, ', ' order by v) from words", 'one, two', { database: 'mail' }),
  ],
});
backup.addRestore({ form: RestoreForm.JOB, request: { database: 'crm', into: 'crm_2026' } });
app.synth();
