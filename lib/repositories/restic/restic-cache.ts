import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkObjectName } from '../../core/names';

/** @internal */
export interface ResticCacheConfig {
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly flags: string[];
}

/**
 * Where restic keeps copies of a repository's index and of its snapshots, so that it need not fetch them each time. Without them nothing is
 * lost. (restic's documentation, "Caching".)
 */
export class ResticCache {
  /** In the pod's scratch volume: each run fetches what it needs once. Right for all but large, distant repositories. */
  public static scratch(): ResticCache {
    return new ResticCache(() => ({}));
  }

  /** None: each command of a run fetches anew. Right for a small scratch volume, with a repository on a volume or near. */
  public static none(): ResticCache {
    return new ResticCache(() => ({ flags: ['--no-cache'] }));
  }

  /**
   * On a PersistentVolumeClaim of its own, which stays between runs. Right if fetching the index takes minutes or costs money. All jobs of
   * the backup mount it: with ReadWriteOnce they can only run on one node. Its content is encrypted as the repository is.
   *
   * @param claimName the claim, in the backup's namespace
   */
  public static claim(claimName: string): ResticCache {
    return new ResticCache((scope, mountPrefix) => ({
      environment: [{ name: 'RESTIC_CACHE_DIR', value: `/${mountPrefix}cache` }],
      volumes: [
        {
          name: `${mountPrefix}restic-cache`,
          persistentVolumeClaim: { claimName: checkObjectName(scope, 'repository.cache', claimName) },
        },
      ],
      volumeMounts: [{ name: `${mountPrefix}restic-cache`, mountPath: `/${mountPrefix}cache` }],
    }));
  }

  private constructor(private readonly render: (scope: Construct, mountPrefix: string) => Partial<ResticCacheConfig>) {}

  /** @internal */
  public _bind(scope: Construct, mountPrefix: string): ResticCacheConfig {
    return { environment: [], volumes: [], volumeMounts: [], flags: [], ...this.render(scope, mountPrefix) };
  }
}
