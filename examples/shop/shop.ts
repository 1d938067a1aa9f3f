import { Chart, Duration } from 'cdk8s';
import {
  Assertion,
  BackupPlan,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
  Verification,
} from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** An online shop: a first copy on a volume beside it, readable with nothing but a shell; a second one, encrypted, away from the cluster. */
export class Shop extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'shop', { namespace: 'shop' });
    const local = new BackupPlan(this, 'local', {
      repository: volumeBeside(this, '100Gi'),
      schedule: Schedule.every(Duration.hours(6), { spread: Duration.minutes(60) }),
      retention: Retention.keep({ last: 4, daily: 7 }),
    });
    const orders = local.addBackup('orders', {
      engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
      host: 'orders-db',
      credentials: SecretRef.named('orders-backup'),
    });
    orders.addVerification({
      schedule: Schedule.daily({ at: '05:00', timeZone: 'Europe/Berlin' }),
      assertions: [
        Assertion.atLeast('select count(*) from pgbench_accounts', 1000),
        Assertion.equalTo('select count(*) from pgbench_branches where bbalance is null', '0'),
      ],
    });
    orders.addRestore({ credentials: SecretRef.named('orders-owner') });

    // All databases of the same server, encrypted, away from the cluster.
    const offsite = new BackupPlan(this, 'offsite', {
      repository: Repository.restic({
        location: ResticLocation.rest({ url: 'http://backup-server.backup:8000/shop/', credentials: SecretRef.named('backup-server') }),
        password: SecretRef.named('backup-key').key('password'),
      }),
      schedule: Schedule.daily({ at: '01:00', timeZone: 'Europe/Berlin', spread: Duration.minutes(45) }),
      retention: Retention.keep({ daily: 7, weekly: 5, monthly: 12 }),
    });
    offsite.add(Verification.weekly());
    offsite
      .addBackup('shop-all', {
        engine: Engine.postgres({ version: PostgresVersion.V15 }),
        host: 'orders-db',
        credentials: SecretRef.named('orders-backup'),
      })
      .addRestore({ credentials: SecretRef.named('orders-owner'), safetyBackup: true });
  }
}
