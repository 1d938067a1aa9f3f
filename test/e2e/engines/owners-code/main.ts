import { Chart } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

// A database whose owner has code in it, in two repositories: one whose volume the code would find, and one whose key.
const app = new BackupApp();
const chart = new Chart(app, 'owners-code', { namespace: 'owners-code' });
const repositories = {
  files: Repository.files({ claimName: 'backups' }),
  restic: Repository.restic({ location: ResticLocation.local({ claimName: 'vault' }), password: SecretRef.named('key').key('password') }),
};
const lines = (pattern: string) =>
  `select count(*) from regexp_split_to_table(pg_read_file('/scratch/look'), E'\\n') line where line ~ '${pattern}'`;
const assertions = [
  Assertion.atLeast(lines('^owned /scratch$'), 1),
  Assertion.equalTo(lines('RESTIC|REPOSITORY_PATH|PGPASSWORD|the key of the repository'), '0'),
  Assertion.equalTo(lines('^/(repository|vault)$|^owned /(repository|vault|relay|opt|tools)$'), '0'),
];
for (const [series, repository] of Object.entries(repositories)) {
  const backup = new DatabaseBackup(chart, series, {
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['shop'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
    repository,
    retention: Retention.all(),
    retries: 0,
  });
  backup.addVerification({ retries: 0, assertions });
}
app.synth();
