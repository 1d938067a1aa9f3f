import { Chart } from 'cdk8s';
import { BackupPlan, Engine, EtcdCluster, EtcdTls, EtcdVersion, Retention, SecretRef } from 'cdk8s-backup';
import type { Construct } from 'constructs';
import { volumeBeside } from '../volume-beside';

/** An application's etcd, whose clients show certificates. */
export class Discovery extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'discovery', { namespace: 'discovery' });
    const registry = new BackupPlan(this, 'local', {
      repository: volumeBeside(this, '20Gi'),
      retention: Retention.keep({ last: 8, hourly: 24, daily: 7 }),
    }).addBackup('registry', {
      engine: Engine.etcd({
        version: EtcdVersion.V3_4,
        cluster: EtcdCluster.statefulSet({ name: 'etcd', replicas: 1, service: 'etcd-peers' }),
        tls: EtcdTls.secret(SecretRef.named('etcd-client')),
      }),
      host: 'secure-etcd',
      podLabels: { app: 'etcd' },
    });
    registry.addVerification();
    registry.addRestore();
  }
}
