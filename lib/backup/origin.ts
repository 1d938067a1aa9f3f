import { Chart } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { DataVolume } from '../core/data-volume';
import { InputError } from '../core/input-error';
import type { BoundEngine } from '../engines/bound-engine';

/** Where the certificates of the cluster's authority are mounted. */
const AUTHORITY = '/run/cluster-authority';

/** @internal */
export interface OriginProps {
  readonly cluster?: string;
  readonly takesOverFrom?: string;
}

/** @internal */
export interface OriginConfig {
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
}

/**
 * What a pod needs to notice that it is a copy: its namespace was copied, or its YAML was. See `shell/origin.sh`.
 *
 * @throws InputError when a prop is invalid
 * @internal
 */
export function originOf(scope: Construct, { cluster, takesOverFrom }: OriginProps): OriginConfig {
  const { namespace } = Chart.of(scope);
  if (cluster !== undefined && !/^[0-9a-f]{64}$/.test(cluster)) {
    const because =
      "write the SHA-256 of the cluster's authority, as `kubectl get configmap kube-root-ca.crt -o jsonpath='{.data.ca\\.crt}' | sha256sum` prints it";
    throw new InputError(scope, { prop: 'cluster', got: cluster, because });
  }
  if (takesOverFrom !== undefined && !/^[a-z0-9-]*(@[0-9a-f]{64})?$/.test(takesOverFrom)) {
    const because = "write the origin as the refused run names it, for example 'shop'";
    throw new InputError(scope, { prop: 'takesOverFrom', got: takesOverFrom, because });
  }
  return {
    environment: [
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      ...(namespace === undefined ? [] : [{ name: 'MADE_FOR_NAMESPACE', value: namespace }]),
      ...(cluster === undefined
        ? []
        : [
            { name: 'MADE_FOR_CLUSTER', value: cluster },
            { name: 'CLUSTER_AUTHORITY', value: `${AUTHORITY}/ca.crt` },
          ]),
      ...(takesOverFrom === undefined ? [] : [{ name: 'TAKES_OVER_FROM', value: takesOverFrom }]),
    ],
    volumes: cluster === undefined ? [] : [{ name: 'cluster-authority', configMap: { name: 'kube-root-ca.crt', optional: true } }],
    volumeMounts: cluster === undefined ? [] : [{ name: 'cluster-authority', mountPath: AUTHORITY, readOnly: true }],
  };
}

/**
 * Whether a restore acts on nothing outside its own namespace. If so, a copy of it restores into the copy.
 *
 * @internal
 */
export function staysInNamespace({ destination, connection }: BoundEngine, volumes: (DataVolume | undefined)[]): boolean {
  // A name without dots is a Service of the namespace; every other one is production's from anywhere.
  const isOwn = (host: string) => /^[a-z][a-z0-9-]*$/i.test(host) && host !== 'localhost';
  return isOwn(destination.host) && !connection.followsNames && !connection.node && volumes.every(volume => volume?._isOfNamespace ?? true);
}
