import { Chart } from 'cdk8s';
import {
  Assertion,
  BackupPlan,
  Engine,
  EtcdCluster,
  EtcdVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
} from 'cdk8s-backup';
import type { Construct } from 'constructs';

/** The cluster itself. What brings it back has to be somewhere else; and so has dist/, with the runbook in it. */
export class ControlPlane extends Chart {
  public constructor(scope: Construct) {
    super(scope, 'platform', { namespace: 'kube-system' });
    const cluster = new BackupPlan(this, 'cluster', {
      repository: Repository.restic({
        location: ResticLocation.rest({ url: 'https://vault.acme.example:8000/platform/', credentials: SecretRef.named('backup-server') }),
        password: SecretRef.named('backup-key').key('password'),
      }),
      // The engine's own schedule: every 15 minutes.
      retention: Retention.keep({ last: 96, daily: 14, monthly: 3 }),
    });
    const controlPlane = cluster.addBackup('control-plane', {
      engine: Engine.etcdControlPlane({
        version: EtcdVersion.V3_5,
        cluster: EtcdCluster.kubeadm([
          { name: 'cp-1', address: '10.0.0.11' },
          { name: 'cp-2', address: '10.0.0.12' },
          { name: 'cp-3', address: '10.0.0.13' },
        ]),
      }),
      host: '127.0.0.1',
    });
    controlPlane.addVerification({
      schedule: Schedule.daily({ at: '06:00', timeZone: 'Europe/Berlin' }),
      assertions: [Assertion.atLeast('/registry/namespaces/', 4)],
    });
    controlPlane.addRestore();
  }
}
