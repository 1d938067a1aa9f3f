import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkObjectName } from '../core/names';
import { STANDARD_LABELS } from '../kubernetes/labels';

/** Where an object of Velero's belongs. */
export interface VeleroObjectOptions {
  /**
   * Its name.
   * @default - the construct's id
   */
  readonly name?: string;
  /**
   * The namespace in which Velero runs: it looks for its objects nowhere else.
   * @default 'velero'
   */
  readonly namespace?: string;
}

/** Velero's namespace by default. @internal */
export const VELERO_NAMESPACE = 'velero';

/**
 * An object in Velero's namespace. It is written as the API has it, so that no field is lost that the generated types do not know.
 *
 * @internal
 */
export function veleroObject(scope: Construct, kind: string, options: VeleroObjectOptions, spec: object): ApiObject {
  return new ApiObject(scope, 'Resource', { apiVersion: 'velero.io/v1', kind, metadata: veleroMetadata(scope, options), spec });
}

/** @internal */
export function veleroMetadata(scope: Construct, { name, namespace = VELERO_NAMESPACE }: VeleroObjectOptions) {
  return {
    name: checkObjectName(scope, 'name', name ?? scope.node.id),
    namespace: checkObjectName(scope, 'namespace', namespace),
    labels: STANDARD_LABELS,
  };
}
