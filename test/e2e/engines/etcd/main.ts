import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  BackupPlan,
  DataVolume,
  Engine,
  EtcdCluster,
  EtcdVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

// A cluster of three, as an application; and a control plane of one node, whose restore is finished by hand.
const app = new BackupApp();
const chart = new Chart(app, 'etcd', { namespace: 'etcd' });
const addresses = (process.env.MEMBER_ADDRESSES ?? '').split(',');
const three = new BackupPlan(chart, 'three', {
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 5 }),
  readyTimeout: Duration.seconds(5),
  retries: 0,
}).addBackup('three', {
  engine: Engine.etcd({
    version: EtcdVersion.V3_5,
    cluster: EtcdCluster.of(
      addresses.map((address, index) => ({
        name: `etcd-${index}`,
        peerUrl: `http://${address}:2380`,
        dataVolume: DataVolume.claim(`data-etcd-${index}`),
        // The third has its log in the data directory.
        ...(index < 2 && { walVolume: DataVolume.claim(`wal-etcd-${index}`, 'log') }),
      })),
    ),
  }),
  host: 'etcd',
});
three.addVerification({ retries: 0 });
three.addRestore();

const nodes = new Chart(app, 'nodes', { namespace: 'kube-system' });
const plane = new BackupPlan(nodes, 'plane', {
  repository: Repository.restic({
    location: ResticLocation.rest({ url: 'http://vault.acme.example:8000/plane/', credentials: SecretRef.named('backup-server') }),
    password: SecretRef.named('backup-key').key('password'),
  }),
  retention: Retention.keep({ last: 5 }),
  retries: 0,
}).addBackup('plane', {
  engine: Engine.etcdControlPlane({ version: EtcdVersion.V3_5, cluster: EtcdCluster.kubeadm([{ name: 'cp-1', address: '127.0.0.1' }]) }),
  host: '127.0.0.1',
});
plane.addVerification({ retries: 0 });
plane.addRestore();
app.synth();
