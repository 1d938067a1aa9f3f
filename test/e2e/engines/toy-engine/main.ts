import { join } from 'node:path';
import { Chart } from 'cdk8s';
import {
  BackupApp,
  BackupPlan,
  Compression,
  type DatabaseBackup,
  type IBackupAddon,
  Repository,
  Restore,
  Retention,
  ScriptFolder,
  SecretRef,
  Verification,
} from '../../../../lib';
import { ToyEngine } from '../../../engines/toy/toy';

/** A job of a team's own. */
class Export implements IBackupAddon {
  public bind(backup: DatabaseBackup): void {
    backup.addJob('export', {
      scripts: ScriptFolder.at('export', join(__dirname, 'export')),
      environment: { TO: 'http://warehouse:8080', TOKEN: '/run/secrets/job/token/token' },
      secretFiles: { token: SecretRef.named('warehouse').key('token') },
      destinations: [{ host: 'warehouse', port: 8080 }],
    });
  }
}

const app = new BackupApp();
const plan = new BackupPlan(new Chart(app, 'toy', { namespace: 'toy' }), 'plan', {
  repository: Repository.files({ claimName: 'backups', compression: Compression.GZIP }),
  retention: Retention.keep({ last: 1, atLeast: 2 }),
});
plan.add(Verification.weekly(), Restore.onDemand(), new Export());
plan.addBackup('lines', { engine: new ToyEngine(), host: 'lines', credentials: SecretRef.named('lines') });
app.synth();
