import type { k8s } from 'cdk8s-plus-27';
import type { IConstruct } from 'constructs';
import { InputError } from './input-error';
import { checkObjectName } from './names';

/**
 * The volume that holds a server's own data directory, for engines that copy files instead of asking the server for its data.
 */
export class DataVolume {
  /**
   * A PersistentVolumeClaim in the backup's namespace, such as 'data-orders-db-0' of a StatefulSet.
   *
   * A claim that is ReadWriteOnce is mounted on one node at a time. So a backup of it needs `podLabels`, which place its pod beside the
   * server's; a restore needs the server scaled to zero.
   *
   * @param claimName the claim
   * @param path where in the volume the data directory is, as the server's container has it in `subPath` or below its mount; the volume's
   *   root if left out
   */
  public static claim(claimName: string, path?: string): DataVolume {
    return new DataVolume({ persistentVolumeClaim: { claimName } }, path);
  }

  /**
   * A directory of the node, such as '/var/lib/etcd' of a control plane.
   *
   * @param path the directory on the node
   */
  public static hostPath(path: string): DataVolume {
    return new DataVolume({ hostPath: { path, type: 'DirectoryOrCreate' } });
  }

  private constructor(
    private readonly source: Omit<k8s.Volume, 'name'>,
    private readonly path?: string,
  ) {}

  /**
   * Whether another namespace has another volume of that name.
   *
   * @internal
   */
  public get _isOfNamespace(): boolean {
    return this.source.hostPath === undefined;
  }

  /**
   * @param name what the pod calls the volume
   * @param mountPath where a job finds it
   * @internal
   */
  public _bind(scope: IConstruct, name = 'data', mountPath = DATA): DataVolumeBinding {
    const { persistentVolumeClaim, hostPath } = this.source;
    if (persistentVolumeClaim) checkObjectName(scope, 'dataVolume', persistentVolumeClaim.claimName);
    if (hostPath && !/^(\/[\w.-]+)+$/.test(hostPath.path)) {
      throw new InputError(scope, { prop: 'dataVolume', got: hostPath.path, because: "write an absolute path, such as '/var/lib/etcd'" });
    }
    const { path } = this;
    if (path !== undefined && (!/^[\w.-]+(\/[\w.-]+)*$/.test(path) || path.split('/').includes('..'))) {
      throw new InputError(scope, { prop: 'dataVolume', got: path, because: "write a path below the volume's root, such as 'pgdata'" });
    }
    // A restore has it not by subPath: it puts the old directory aside and the new one in its place, which a mount point does not allow.
    return { volume: { name, ...this.source }, directory: path === undefined ? mountPath : `${mountPath}/${path}`, path };
  }
}

/** Where a job finds the data volume. */
export const DATA = '/data';
/** Where a job finds the volume of a write-ahead log that is outside the data directory. */
export const WAL = '/wal';

/** @internal */
export interface DataVolumeBinding {
  readonly volume: k8s.Volume;
  /** The data directory as the job sees it. */
  readonly directory: string;
  /** The data directory below the volume's root, if it is not the root. */
  readonly path?: string;
}
