import { Chart, Duration, Size } from 'cdk8s';
import { Assertion, BackupPlan, DataVolume, Engine, MariadbVersion, Retention, Schedule, Scratch, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** A warehouse whose database takes too long to dump: its files are copied instead, beside it. */
export class Warehouse extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'warehouse', { namespace: 'warehouse' });
    const stock = new BackupPlan(this, 'local', {
      repository: volumeBeside(this, '500Gi'),
      schedule: Schedule.daily({ at: '03:15', timeZone: 'Europe/Berlin', spread: Duration.minutes(30) }),
      retention: Retention.keep({ daily: 7, weekly: 4 }),
    }).addBackup('stock', {
      engine: Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }),
      host: 'stock-db',
      credentials: SecretRef.named('stock-backup'),
      dataVolume: DataVolume.claim('data-stock-db-0'),
      podLabels: { 'app.kubernetes.io/name': 'stock-db' },
    });
    stock.addVerification({
      schedule: Schedule.weekly({ at: '05:00', timeZone: 'Europe/Berlin' }),
      assertions: [Assertion.atLeast('select count(*) from items', 1000, { database: 'stock' })],
      scratch: Scratch.ephemeralVolume(Size.gibibytes(250)),
    });
    stock.addLogArchive({ every: Duration.minutes(1) });
    stock.addRestore();
  }
}
