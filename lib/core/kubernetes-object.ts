import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

/**
 * An object of Kubernetes' own API, of what cdk8s-plus calls its props. Its classes (`KubeCronJob`) would drop what they do not know
 * of a container, and each instance would cost the memory and the time of a class of its own: with thousands of them, most of both.
 *
 * @internal
 */
export function kubernetesObject(
  scope: Construct,
  id: string,
  kind: GroupVersionKind,
  props: { readonly metadata?: k8s.ObjectMeta; readonly [field: string]: unknown },
): ApiObject {
  const { metadata, ...rest } = props;
  return new ApiObject(scope, id, { ...kind, metadata: metadata as ApiObjectMetadata, ...(asWritten(rest) as object) });
}

/**
 * Quantities, and what may be a number or a string, are classes to cdk8s-plus; in a manifest they are the number or string.
 * Other classes are tokens, which cdk8s resolves.
 */
function asWritten(value: unknown): unknown {
  if (value instanceof k8s.Quantity || value instanceof k8s.IntOrString) return value.value;
  if (Array.isArray(value)) return value.map(asWritten);
  if (typeof value !== 'object' || value?.constructor !== Object) return value;
  const written: { [field: string]: unknown } = {};
  for (const [field, item] of Object.entries(value)) written[field] = asWritten(item);
  return written;
}
