import type { IConstruct } from 'constructs';
import { DataVolume } from '../../core/data-volume';
import { InputError } from '../../core/input-error';

/** One member of a cluster, as its own flags describe it. */
export interface EtcdMember {
  /** Its `--name`. */
  readonly name: string;
  /** Its `--initial-advertise-peer-urls`: 'https://10.0.0.11:2380'. */
  readonly peerUrl: string;
  /** The volume with its `--data-dir`. */
  readonly dataVolume: DataVolume;
  /**
   * The volume with its `--wal-dir`. etcd replays this log over whatever data it finds, so a restore replaces it, too.
   * @default - none: the log is in the data directory
   */
  readonly walVolume?: DataVolume;
  /**
   * The node that has the data volume's directory.
   * @default - none: the volume is wherever it is mounted
   */
  readonly node?: string;
}

/** Options of a cluster that is a StatefulSet. */
export interface EtcdStatefulSetOptions {
  /** The StatefulSet. Its pods' names are the members' names. */
  readonly name: string;
  /**
   * How many members it has.
   * @default 1
   */
  readonly replicas?: number;
  /** Its `serviceName`: the headless Service that members use to find each other. */
  readonly service: string;
  /**
   * The peer URLs are https.
   * @default false
   */
  readonly peerTls?: boolean;
  /**
   * The port of the peer URLs.
   * @default 2380
   */
  readonly peerPort?: number;
  /**
   * The part between the Service and the port in the peer URLs, as the members' flags have it: '.discovery.svc.cluster.local'.
   * @default - nothing: members name the Service alone
   */
  readonly peerDomain?: string;
  /**
   * The claim template of the data directories: the claims are `<claim>-<name>-<ordinal>`.
   * @default 'data'
   */
  readonly claim?: string;
  /**
   * Where in the volume the data directory is.
   * @default - the volume's root
   */
  readonly path?: string;
  /**
   * The claim template of the members' `--wal-dir`.
   * @default - as in the data directories, where walPath is given; otherwise the log is in the data directory
   */
  readonly walClaim?: string;
  /**
   * Where in that volume the `--wal-dir` is.
   * @default - the volume's root, where walClaim is given
   */
  readonly walPath?: string;
}

/** A control plane node. */
export interface EtcdControlPlaneNode {
  /** The node's name. kubeadm gives the member the same name. */
  readonly name: string;
  /** The node's address that the other members use. */
  readonly address: string;
}

/** Options of the members that kubeadm makes. */
export interface EtcdKubeadmOptions {
  /**
   * The directory on the nodes that `wal-dir` in etcd's `extraArgs` names.
   * @default - none: the log is in the data directory
   */
  readonly walDirectory?: string;
}

/** The members of a cluster. A restore takes their names, peer URLs and volumes from this description. */
export class EtcdCluster {
  /** A StatefulSet's pods. */
  public static statefulSet(options: EtcdStatefulSetOptions): EtcdCluster {
    const {
      name,
      replicas = 1,
      service,
      peerTls = false,
      peerPort = 2380,
      peerDomain = '',
      claim = 'data',
      path,
      walClaim,
      walPath,
    } = options;
    const members = Array.from({ length: Math.max(0, Math.min(replicas, 99)) }, (_, ordinal) => ({
      name: `${name}-${ordinal}`,
      peerUrl: `${peerTls ? 'https' : 'http'}://${name}-${ordinal}.${service}${peerDomain}:${peerPort}`,
      dataVolume: DataVolume.claim(`${claim}-${name}-${ordinal}`, path),
      ...((walClaim !== undefined || walPath !== undefined) && {
        walVolume: DataVolume.claim(`${walClaim ?? claim}-${name}-${ordinal}`, walPath),
      }),
    }));
    return new EtcdCluster(members);
  }

  /** The static pods that kubeadm runs on control plane nodes, over /var/lib/etcd. */
  public static kubeadm(nodes: EtcdControlPlaneNode[], { walDirectory }: EtcdKubeadmOptions = {}): EtcdCluster {
    return new EtcdCluster(
      nodes.map(({ name, address }) => ({
        name,
        peerUrl: `https://${address.includes(':') ? `[${address}]` : address}:2380`,
        dataVolume: DataVolume.hostPath('/var/lib/etcd'),
        ...(walDirectory !== undefined && { walVolume: DataVolume.hostPath(walDirectory) }),
        node: name,
      })),
    );
  }

  /** Any members. */
  public static of(members: EtcdMember[]): EtcdCluster {
    return new EtcdCluster(members);
  }

  private constructor(
    /** The members, in the order of their restore. */
    public readonly members: EtcdMember[],
  ) {}

  /** What every member is told of all members. */
  public get initialCluster(): string {
    return this.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  }

  /** @internal */
  public _check(scope: IConstruct): void {
    const { members } = this;
    if (members.length === 0 || members.length > 9) {
      throw new InputError(scope, { prop: 'engine.cluster', got: members.length, because: 'name from one to nine members' });
    }
    for (const { name, peerUrl } of members) {
      // It becomes a part of object names, and must not be expanded in a container's command.
      if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name)) {
        throw new InputError(scope, {
          prop: 'engine.cluster',
          got: name,
          because: "write the member's --name: lower-case letters, digits, dashes and dots",
        });
      }
      if (!/^https?:\/\/([-.\w]+|\[[\da-fA-F:]+\]):\d+$/.test(peerUrl)) {
        throw new InputError(scope, {
          prop: 'engine.cluster',
          got: peerUrl,
          because: "write the member's --initial-advertise-peer-urls, for example 'https://10.0.0.11:2380'",
        });
      }
    }
    for (const { name, dataVolume, walVolume } of members) {
      const [data, wal] = [dataVolume._bind(scope), walVolume?._bind(scope)];
      if (JSON.stringify(data) === JSON.stringify(wal)) {
        throw new InputError(scope, {
          prop: 'engine.cluster',
          got: `one directory for data and log of ${name}`,
          because: 'the data and the log need different directories: leave walVolume out if there is no --wal-dir',
        });
      }
    }
    for (const field of ['name', 'peerUrl'] as const) {
      if (new Set(members.map(member => member[field])).size < members.length) {
        throw new InputError(scope, {
          prop: 'engine.cluster',
          got: members.map(member => member[field]),
          because: `each member needs its own ${field}`,
        });
      }
    }
  }
}
