import type { Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { quantity } from './quantity';

/** Where an operation may write temporary data, which is lost with its pod. */
export class Scratch {
  /**
   * The node's disk.
   *
   * @param limit the pod is evicted when it writes more than this
   */
  public static emptyDir(limit: Size): Scratch {
    return new Scratch({ emptyDir: { sizeLimit: quantity(limit) } }, limit);
  }

  /**
   * A volume of its own, made with the pod and deleted with it, for data that is too large for the nodes' disks. A finished pod is kept,
   * and so is its volume; so the run empties the volume when it ends. (Kubernetes documentation, "Generic ephemeral volumes".)
   *
   * @param size the volume's size
   * @param storageClass its class; the cluster's default if left out
   */
  public static ephemeralVolume(size: Size, storageClass?: string): Scratch {
    return new Scratch({
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ['ReadWriteOnce'],
            ...(storageClass !== undefined && { storageClassName: storageClass }),
            resources: { requests: { storage: quantity(size) } },
          },
        },
      },
    });
  }

  private constructor(
    private readonly source: Omit<k8s.Volume, 'name'>,
    /** How much of the node's disk it may take; undefined where it is a volume of its own. @internal */
    public readonly _onNode?: Size,
  ) {}

  /** It stays as long as the pod is kept, though nothing runs in the pod any more. @internal */
  public get _outlivesPod(): boolean {
    return this.source.ephemeral !== undefined;
  }

  /** @internal */
  public _toVolume(name: string): k8s.Volume {
    return { name, ...this.source };
  }
}
