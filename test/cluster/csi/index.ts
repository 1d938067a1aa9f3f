import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { customResourceDefinitions } from '../../rehearsal/images/crds';
import type { Daemon, NodeModule } from '../node/module';
import { driverProgram, sidecarPrograms } from './programs';

/** What classes call the driver. The classes, each the default of its kind, are called `disks`. */
export const DRIVER = 'snapshots.csi.example';

/** Where a test plants faults on the node: a list of `SnapshotFault`s, as JSON. */
export const FAULTS = '/var/lib/csi/faults.json';

/** What goes wrong with snapshots of a claim. */
export interface SnapshotFault {
  /** The claim's name. @default every claim */
  readonly claim?: string;
  /**
   * `never-cut`: nothing happens. `never-ready`: it is cut, and stays unready. `error`: the driver says why it cannot. `torn`: it is copied
   * while it is written, and so of no one instant.
   */
  readonly kind: 'never-cut' | 'never-ready' | 'error' | 'torn';
}

const SOCKET = `/var/lib/kubelet/plugins/${DRIVER}/csi.sock`;
// They ask five times a second by themselves, and a snapshot takes some eight requests: tests would wait for nothing else.
const KUBERNETES = ['--kubeconfig=$KUBECONFIG', '--kube-api-qps=50', '--kube-api-burst=100'];
const RETRIES = ['--retry-interval-start=200ms', '--retry-interval-max=2s'];
const CLIENT = [...KUBERNETES, ...RETRIES, `--csi-address=${SOCKET}`];
const GROUPS = '--feature-gates=CSIVolumeGroupSnapshot=true';

/** Volumes that are provisioned, copied, and snapshotted at one instant, alone and in groups, by the sidecars that clusters have. */
export async function csiModule(): Promise<NodeModule> {
  const [driver, sidecars] = [await driverProgram(), await sidecarPrograms()];
  // A flag of its own names the file, in every sidecar.
  const sidecar = (program: string, ...flags: string[]): Daemon => ({
    name: program,
    argv: ['sh', '-c', `exec ${join(sidecars, program)} ${flags.join(' ')}`],
    user: 'storage',
  });
  return {
    name: 'csi',
    manifests: [join(await customResourceDefinitions(), 'snapshots.yaml'), join(__dirname, 'manifests.yaml')],
    daemons: [
      { name: 'csi-driver', argv: [join(driver, 'csi-driver'), `--driver=${DRIVER}`, `--faults=${FAULTS}`] },
      sidecar('csi-provisioner', ...CLIENT, '--extra-create-metadata', '--default-fstype=ext4'),
      // A driver that does not answer is asked again after a minute by itself: for as long a server would be held.
      sidecar('csi-snapshotter', ...CLIENT, '--extra-create-metadata', '--timeout=20s', GROUPS),
      sidecar('snapshot-controller', ...KUBERNETES, ...RETRIES, GROUPS),
    ],
    ready: async run => {
      const drivers = ['kubectl', 'get', 'csinode', 'node', '--output=jsonpath={.spec.drivers[*].name}'];
      for (const begin = Date.now(); !(await run(drivers).catch(() => '')).includes(DRIVER); await sleep(200)) {
        if (Date.now() - begin > 120_000) throw new Error('the CSI driver did not register with the kubelet: csi-driver.log says why');
      }
    },
  };
}
