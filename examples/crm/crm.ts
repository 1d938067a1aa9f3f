import { Chart } from 'cdk8s';
import { BackupPlan, Engine, PostgresVersion, Repository, ResticLocation, Retention, SecretRef, Verification } from 'cdk8s-backup';
import type { Construct } from 'constructs';

/** Two databases of one server, encrypted in a bucket. */
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
    customers.add(Verification.weekly());
    customers
      .addBackup('customers', {
        engine: Engine.postgres({ version: PostgresVersion.V17, databases: ['customers', 'campaigns'], jobs: 2 }),
        host: 'customers-db',
        credentials: SecretRef.named('customers-backup'),
      })
      .addRestore();
  }
}
