import { join } from 'node:path';
import { Chart, Duration, Size } from 'cdk8s';
import {
  Alerts,
  Assertion,
  BackupApp,
  BackupPlan,
  type BackupPlanProps,
  type DatabaseBackup,
  Engine,
  type IBackupAddon,
  ImageCatalog,
  Objectives,
  PodDefaults,
  PostgresVersion,
  Repository,
  ResticLocation,
  Restore,
  Retention,
  Schedule,
  ScriptFolder,
  SecretRef,
  Verification,
} from 'cdk8s-backup';
import type { Construct } from 'constructs';

/** A job of the company's own: staging gets the newest recovery point that is proven. */
class Refresh implements IBackupAddon {
  public bind(backup: DatabaseBackup): void {
    backup.addJob('refresh', {
      scripts: ScriptFolder.at('refresh', join(__dirname, 'scripts')), // refresh.sh is run
      schedule: Schedule.weekly({ at: '12:00', timeZone: 'Europe/Berlin' }),
      environment: { PGHOST: 'orders-db.staging', PGUSER: 'orders' },
      secretFiles: { password: SecretRef.named('orders-staging').key('password') },
      destinations: [{ host: 'orders-db.staging', port: 5432 }],
    });
  }
}

/** What every team of the company gets: one store, one schedule, proof, and somebody who is told. */
class CompanyPlan extends BackupPlan {
  constructor(scope: Construct, id: string, props: Partial<BackupPlanProps> = {}) {
    super(scope, id, {
      repository: Repository.restic({
        location: ResticLocation.s3({
          bucket: 'acme-backups',
          region: 'eu-central-1',
          credentials: SecretRef.named('backup-s3'),
        }).byProxy({ url: 'http://proxy.acme.example:3128' }),
        password: SecretRef.named('backup-key').key('password'),
      }),
      schedule: Schedule.daily({ at: '04:00', timeZone: 'Europe/Berlin', spread: Duration.hours(1) }),
      retention: Retention.keep({ daily: 7, weekly: 5, monthly: 12 }),
      deadline: Duration.hours(1),
      ...props,
    });
    this.add(Verification.weekly(), Restore.onDemand({ safetyBackup: true }));
    const objectives = Objectives.of({ recoveryPoint: Duration.hours(26), proof: Duration.days(8) });
    this.add(Alerts.of(objectives, { labels: { release: 'kube-prometheus-stack' } }));
  }
}

const app = new BackupApp();
ImageCatalog.mirror(app, 'registry.acme.example/proxy');
PodDefaults.of(app).add({
  imagePullSecrets: ['registry'],
  tolerations: [{ key: 'batch', operator: 'Exists' }],
  labels: { 'acme.example/cost-center': 'platform' },
});

const plan = new CompanyPlan(new Chart(app, 'shop', { namespace: 'shop' }), 'nightly');
const orders = plan.addBackup('orders', {
  engine: Engine.postgres({ version: PostgresVersion.V17, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
});
orders.addVerification({ assertions: [Assertion.atLeast('select count(*) from orders', 1000)], pods: { memoryLimit: Size.gibibytes(4) } });
orders.add(new Refresh());
app.synth();
