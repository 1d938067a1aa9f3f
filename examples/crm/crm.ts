import { Chart, Duration } from 'cdk8s';
import {
  Alerts,
  BackupPlan,
  Engine,
  Objectives,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
  Verification,
} from 'cdk8s-backup';
import type { Construct } from 'constructs';

/** Two databases of one server, encrypted in a bucket; somebody is told when they are not as new, or not as proven, as was promised. */
export class Crm extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'crm', { namespace: 'crm' });
    const customers = new BackupPlan(this, 'offsite', {
      repository: Repository.restic({
        location: ResticLocation.s3({
          bucket: 'acme-backups',
          prefix: 'crm',
          region: 'eu-central-1',
          credentials: SecretRef.named('backup-s3'),
        }),
        password: SecretRef.named('backup-key').key('password'),
      }),
      retention: Retention.keep({ daily: 14, monthly: 6 }),
    });
    const objectives = Objectives.of({ recoveryPoint: Duration.hours(36), proof: Duration.days(8) });
    customers.add(Verification.weekly(), Alerts.of(objectives, { labels: { release: 'kube-prometheus-stack' } }));
    customers
      .addBackup('customers', {
        engine: Engine.postgres({ version: PostgresVersion.V17, databases: ['customers', 'campaigns'], jobs: 2 }),
        host: 'customers-db',
        credentials: SecretRef.named('customers-backup'),
      })
      .addRestore();
  }
}
