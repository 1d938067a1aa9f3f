import { Chart, Duration, Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { DATA, WAL } from '../../core/data-volume';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { Schedule } from '../../core/schedule';
import { Scratch } from '../../core/scratch';
import { warn } from '../../core/warning';
import { SCRATCH } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import {
  type EngineBindOptions,
  type EngineConfig,
  type EngineMember,
  type EngineNode,
  EngineOperation,
  type EngineStep,
  type IEngine,
} from '../engine';
import type { EtcdCluster, EtcdMember } from './etcd-cluster';
import { EtcdTls } from './etcd-tls';
import type { EtcdVersion } from './etcd-version';
import { controlPlaneRunbook, statefulSetRunbook } from './runbook';

/** Options of every etcd: an application's, and a control plane's. */
export interface EtcdOptions {
  /** The server's release. */
  readonly version: EtcdVersion;
  /** The cluster's members, to which a restore brings the data back. */
  readonly cluster: EtcdCluster;
  /**
   * A server without a key is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * The longest that the server may take to send its snapshot.
   * @default Duration.minutes(10)
   */
  readonly snapshotTimeout?: Duration;
  /**
   * The image with etcd's programs.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The image that runs the scripts, since etcd's own has no shell. It needs a shell, GNU or busybox tools with flock, curl, zstd and gzip.
   * @default 'curlimages/curl:8.21.0'
   */
  readonly toolsImage?: string;
}

/** Options of an etcd that is an application. */
export interface EtcdEngineOptions extends EtcdOptions {
  /**
   * The certificates for the connection to the server.
   * @default - none: the server speaks plain HTTP
   */
  readonly tls?: EtcdTls;
  /**
   * A restore moves revisions forward by a thousand million. A client that remembers a later revision then gets an error, and does not
   * continue with its cache.
   * @default false
   */
  readonly bumpRevision?: boolean;
  /**
   * The user that the server runs as in its own pod. Restored files belong to it.
   * @default 65532
   */
  readonly imageUser?: number;
}

/** Options of the etcd of a Kubernetes control plane. */
export interface EtcdControlPlaneOptions extends EtcdOptions {
  /**
   * The certificates on the control plane's nodes.
   * @default EtcdTls.files() - those that kubeadm makes for health checks
   */
  readonly tls?: EtcdTls;
  /**
   * A restore moves revisions forward by a thousand million. Without that, controllers continue with caches of what was undone.
   * @default true
   */
  readonly bumpRevision?: boolean;
}

const TOOLS_IMAGE = 'curlimages/curl:8.21.0';
const SNAPSHOT = `${SCRATCH}/snapshot.db`;
const RESTORED = `${SCRATCH}/restored`;
/** Sockets in the scratch volume, whatever they look like: etcd reads a Unix address as a relative path with a port. */
const CLIENT = 'unix://client:0';
const PEER = 'unix://peer:0';

/** Every quarter of an hour: snapshots are small and quick, and nobody can tell what a cluster's state has lost in an hour. */
const DEFAULTS = {
  schedule: Schedule.every(Duration.minutes(15)),
  // A server that was defragmented sends a tenth of what it sent before.
  sizeDropLimit: 100,
  // The snapshot, what is restored from it, and a log: a server has 2 GiB at most, unless its quota was raised.
  scratch: Scratch.emptyDir(Size.gibibytes(6)),
};

/**
 * etcd by its own snapshots. A backup runs `etcdctl snapshot save` against the one endpoint that `host` and `port` name. Before it is
 * stored, etcd's own program restores the snapshot, and a server starts from it.
 *
 * - The restore checks the SHA-256 that the server put at the snapshot's end; `snapshot status` does not.
 * - The server that started from it gives the facts: revision, number of keys, and etcd's own hash of all keys.
 * - By default a backup runs every 15 minutes. Give the scratch volumes a little more than twice the size of the database (`scratch`).
 *
 * A server with users needs `credentials`: a Secret with `username` and `password` of a user with the role `root`. Only that role may take
 * a snapshot. A server without users needs none; certificates identify the client (`tls`).
 *
 * A restore works on the data volume of each member, in a job of its own, while no member runs. All members are restored from one recovery
 * point, with a new cluster token; `<series>-restore-runbook` says in which order. If members have a `--wal-dir`, the cluster has to say so
 * (`walVolume`).
 *
 * A member without a leader is backed up only while no other member is healthy, and then the verdict says so.
 *
 * Assertions count keys: `Assertion.atLeast('/registry/namespaces/', 4)` asks how many keys begin with that.
 *
 * Kubernetes 1.29 or newer, since the throw-away server runs in a sidecar container.
 */
export class EtcdEngine implements IEngine {
  constructor(private readonly options: EtcdEngineOptions) {
    checkNew('EtcdEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { cluster, tls, bumpRevision = false } = this.options;
    return bindEtcd(scope, options, this.options, {
      ...{ tls, bumpRevision },
      user: this.options.imageUser ?? 65532,
      environment: [],
      runbook: () => statefulSetRunbook(cluster, options.series, Chart.of(scope).namespace),
    });
  }
}

/**
 * The etcd of a Kubernetes control plane that kubeadm made: static pods on its nodes. `host` is '127.0.0.1'. Jobs share the network of a
 * control plane node, and read the certificates there, so nothing has to be copied into a Secret.
 *
 * While the API server still answers, one restore job per node makes the restored member beside the running one, checks it, and leaves it
 * there. The runbook `<series>-restore-runbook` says how to put the restored members in place. It also says how to do everything without an
 * API server, so keep dist/ where you can read it then. For the same reason recovery points are kept outside the cluster: a repository on
 * one of its claims is refused.
 */
export class EtcdControlPlaneEngine implements IEngine {
  constructor(private readonly options: EtcdControlPlaneOptions) {
    checkNew('EtcdControlPlaneEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { cluster, version, tls = EtcdTls.files(), bumpRevision = true } = this.options;
    const walDirectory = cluster.members[0]?.walVolume?._bind(scope).volume.hostPath?.path;
    if (!['127.0.0.1', 'localhost', '::1'].includes(options.host)) {
      throw new InputError(scope, {
        prop: 'host',
        got: options.host,
        because: "jobs run on a control plane node and ask the member there: write '127.0.0.1'",
      });
    }
    return bindEtcd(scope, options, this.options, {
      ...{ tls, bumpRevision },
      user: 65532,
      node: {
        because:
          "the control plane's etcd is reached on its node's loopback, with certificates that only root can read: hostNetwork, hostPath, root",
        user: 0,
        nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
        tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
      },
      environment: [{ name: 'BESIDE_SERVER', value: 'yes' }],
      runbook: image => controlPlaneRunbook(cluster, options.series, Chart.of(scope).namespace, version, image, bumpRevision, walDirectory),
    });
  }
}

interface Kind {
  readonly tls?: EtcdTls;
  readonly bumpRevision: boolean;
  readonly user: number;
  readonly node?: EngineNode;
  readonly environment: k8s.EnvVar[];
  /** @param image that of etcd, as the jobs have it */
  readonly runbook: (image: string) => string;
}

function bindEtcd(scope: Construct, options: EngineBindOptions, engine: EtcdOptions, kind: Kind): EngineConfig {
  const { version, cluster, snapshotTimeout = Duration.minutes(10) } = engine;
  const { tls, bumpRevision, node } = kind;
  version._check(scope);
  cluster._check(scope);
  if (bumpRevision && !version.canBumpRevision) {
    throw new InputError(scope, {
      prop: 'engine.bumpRevision',
      got: `true, with etcd ${version.release}`,
      because:
        'its restore cannot raise revisions: use at least 3.4.27 or 3.5.10, or set bumpRevision to false, and restart all clients after a restore',
    });
  }
  const image = ImageCatalog.of(scope).image(scope, {
    key: `etcd:${version.series}`,
    prop: 'engine.image',
    image: engine.image,
    defaultImage: version.image,
  });
  if (version.corruptsData) {
    warn(scope, `etcd ${version.release} can silently lose consistency between its members (3.5.0 to 3.5.2): upgrade to the newest 3.5`);
  }
  const port = options.port ?? 2379;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const url = `${tls ? 'https' : 'http'}://${host}:${port}`;
  const users = options.credentials.name !== '';
  const login = (username: string, password: string): k8s.EnvVar[] =>
    users ? [options.credentials.key('username').toEnvironment(username), options.credentials.key('password').toEnvironment(password)] : [];
  return {
    name: 'etcd',
    image: {
      reference: ImageCatalog.of(scope).image(scope, {
        key: 'etcd-tools:1',
        prop: 'engine.toolsImage',
        image: engine.toolsImage,
        defaultImage: TOOLS_IMAGE,
      }),
      user: kind.user,
    },
    scripts: ScriptFolder.at('etcd', __dirname),
    environment: [
      { name: 'ALLOW_EMPTY', value: engine.allowEmpty ? 'yes' : 'no' },
      { name: 'RELEASE_SERIES', value: version.series },
      { name: 'MEMBERS', value: String(cluster.members.length) },
      ...kind.environment,
    ],
    connection: {
      port,
      ...(users && {
        grants: { backup: ["etcdctl user add '<username>' # asks for the password", "etcdctl user grant-role '<username>' root"] },
      }),
      environment: [
        { name: 'SERVER_URL', value: url },
        ...(tls?._paths('CLIENT_CA_FILE', 'CLIENT_CERT_FILE', 'CLIENT_KEY_FILE') ?? []),
        ...login('CLIENT_USERNAME', 'CLIENT_PASSWORD'),
      ],
      volumes: tls?._volumes ?? [],
      volumeMounts: tls?._mounts ?? [],
      node,
    },
    serverFiles: { restored: true },
    steps: [
      {
        name: 'snapshot',
        operations: [EngineOperation.BACKUP],
        image,
        command: [
          ...['etcdctl', 'snapshot', 'save', SNAPSHOT, `--command-timeout=${snapshotTimeout.toSeconds()}s`, '--dial-timeout=15s'],
          ...(tls?._paths('--cacert', '--cert', '--key') ?? []).map(({ name, value }) => `${name}=${value}`),
        ],
        // A password is no argument.
        environment: [{ name: 'ETCDCTL_ENDPOINTS', value: url }, ...login('ETCDCTL_USER', 'ETCDCTL_PASSWORD')],
        connects: true,
      },
      ...stepsOf(version, image),
    ],
    cluster: {
      members: cluster.members.map(member => memberOf(version, image, cluster, member, kind)),
      runbook: kind.runbook(image),
    },
    defaults: DEFAULTS,
    restoreRequest: [
      { key: 'replace', variable: 'REPLACE', value: 'no' },
      { key: 'attempt', variable: 'ATTEMPT', value: '1' },
    ],
    defaultDatabase: 'keys',
  };
}

/** From a snapshot to a server that runs: the steps of every operation. */
function stepsOf(version: EtcdVersion, image: string): EngineStep[] {
  const restore = [version.restoreProgram, 'snapshot', 'restore', SNAPSHOT];
  const all = [EngineOperation.BACKUP, EngineOperation.VERIFY, EngineOperation.RESTORE];
  return [
    {
      name: 'status',
      operations: [EngineOperation.VERIFY],
      image,
      command: [version.restoreProgram, 'snapshot', 'status', SNAPSHOT, '--write-out=table'],
    },
    {
      name: 'restore-scratch',
      operations: all,
      image,
      command: [
        ...restore,
        `--data-dir=${RESTORED}`,
        '--name=scratch',
        `--initial-cluster=scratch=${PEER}`,
        `--initial-advertise-peer-urls=${PEER}`,
      ],
    },
    {
      name: 'etcd',
      operations: all,
      image,
      command: [
        'etcd',
        '--name=scratch',
        `--data-dir=${RESTORED}`,
        `--listen-client-urls=${CLIENT}`,
        `--advertise-client-urls=${CLIENT}`,
        `--listen-peer-urls=${PEER}`,
        `--initial-advertise-peer-urls=${PEER}`,
        `--initial-cluster=scratch=${PEER}`,
        // The shortest lease of a server is one and a half times its election timeout: it must not run out before anybody has looked.
        '--heartbeat-interval=200',
        '--election-timeout=2000',
        '--logger=zap',
        // Not to the pod's log: what it warns of may be named by its key.
        `--log-outputs=${SCRATCH}/etcd.log`,
      ],
      runsBeside: true,
    },
  ];
}

/** A member's restore: on its own volumes, on the node where it runs. */
function memberOf(version: EtcdVersion, image: string, cluster: EtcdCluster, member: EtcdMember, kind: Kind): EngineMember {
  const { name, dataVolume, walVolume, node: hostname } = member;
  const ofHost: { [label: string]: string } = hostname === undefined ? {} : { 'kubernetes.io/hostname': hostname };
  return {
    name,
    dataVolume,
    walVolume,
    steps: [memberStep(version, image, cluster, member, kind.bumpRevision)],
    ...(kind.node && { node: { ...kind.node, nodeSelector: { ...kind.node.nodeSelector, ...ofHost } } }),
  };
}

/** The member's own files: the same snapshot and token for all of them, each with its own name. */
function memberStep(version: EtcdVersion, image: string, cluster: EtcdCluster, member: EtcdMember, bumpRevision: boolean): EngineStep {
  return {
    name: 'restore-member',
    operations: [EngineOperation.RESTORE],
    image,
    command: [
      ...[version.restoreProgram, 'snapshot', 'restore', SNAPSHOT, `--data-dir=${DATA}/.restoring-member`],
      ...(member.walVolume ? [`--wal-dir=${WAL}/.restoring-wal`] : []),
      ...[`--name=${member.name}`, `--initial-advertise-peer-urls=${member.peerUrl}`, `--initial-cluster=${cluster.initialCluster}`],
      // Members that were not restored, or another time, must not find those that were.
      '--initial-cluster-token=$(SERIES)-$(RECOVERY_POINT)-$(ATTEMPT)',
      ...(bumpRevision ? ['--bump-revision=1000000000', '--mark-compacted'] : []),
    ],
    variables: ['SERIES', 'RECOVERY_POINT', 'ATTEMPT'],
    needsDataVolume: true,
  };
}
