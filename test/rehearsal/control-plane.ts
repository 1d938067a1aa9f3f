import type { Pod } from './pod';
import type { KubernetesObject } from './pod-spec';

export interface ClaimOptions {
  /** A file system of this size, full when it is full. @default a plain directory */
  readonly sizeLimit?: string;
  /** Whether it holds `lost+found`, as a disk fresh from mkfs does. @default true */
  readonly lostAndFound?: boolean;
}

/** What a cluster tells and asks whoever runs its API: see `ClusterWithApi`. */
export interface ControlPlane {
  /** Where pods find the API. */
  readonly ip: string;
  /** What a pod shows to the API in its service account's name. */
  credentials(namespace: string, serviceAccount: string, pod: Pod): { token: string; 'ca.crt': string };
  /** A test has put an object past the API. */
  applied(object: KubernetesObject): void;
  /** A claim has got a directory. */
  claimed(namespace: string, name: string, options: ClaimOptions): void;
  /** A pod has been made, and will start. */
  started(pod: Pod): void;
  /** Resolves when the claims can be mounted, or the pod is not to start any more. */
  bound(namespace: string, claims: string[], stopped: AbortSignal): Promise<void>;
}
