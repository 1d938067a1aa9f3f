import { Chart, Duration } from 'cdk8s';
import {
  BackupPlan,
  type DatabaseBackup,
  Engine,
  MariadbVersion,
  MysqlVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
  Verification,
} from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** A shop's catalogue in MariaDB and its payments in MySQL: on a volume beside them, and within the hour in a bucket far away. */
export class Store extends Chart {
  public readonly catalog: DatabaseBackup;

  public constructor(scope: Construct) {
    super(scope, 'store', { namespace: 'store' });
    const faraway = Repository.restic({
      location: ResticLocation.s3({
        bucket: 'acme-second-copies',
        prefix: 'store',
        region: 'eu-west-1',
        credentials: SecretRef.named('faraway-s3'),
      }),
      password: SecretRef.named('faraway-key').key('password'),
    });
    const nightly = new BackupPlan(this, 'nightly', {
      repository: volumeBeside(this, '50Gi'),
      schedule: Schedule.daily({ at: '00:15', timeZone: 'Europe/Berlin', spread: Duration.minutes(30) }),
      retention: Retention.keep({ daily: 7, weekly: 4 }),
    });
    nightly.add(Verification.weekly());
    this.catalog = nightly.addBackup('catalog', {
      engine: Engine.mariadb({ version: MariadbVersion.V10_11 }),
      host: 'catalog-db',
      credentials: SecretRef.named('catalog-backup'),
    });
    const payments = nightly.addBackup('payments', {
      engine: Engine.mysql({ version: MysqlVersion.V9_7, databases: ['payments'] }),
      host: 'payments-db',
      credentials: SecretRef.named('payments-backup'),
    });
    for (const backup of [this.catalog, payments]) {
      const credentials = SecretRef.named(`${backup.series}-owner`);
      backup.addRestore({ credentials });
      backup.addMirror(faraway, {
        name: 'faraway',
        retention: Retention.keep({ daily: 30, monthly: 12 }),
        verification: { schedule: Schedule.monthly({ day: 3, at: '06:00', spread: Duration.hours(2) }) },
        restore: { credentials },
      });
    }
  }
}
