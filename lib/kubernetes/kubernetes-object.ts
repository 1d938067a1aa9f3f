import { ApiObject, type ApiObjectMetadata, type GroupVersionKind } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { canonicalQuantity } from '../core/quantity';

/** `kubectl apply` keeps the whole object in an annotation. An object's annotations have at most 256 KiB in all. */
const LARGEST_CONFIG_MAP = 250 * 1024;

/**
 * An object of Kubernetes' own API, from the props of its cdk8s-plus class, in the form that the API server keeps. The classes themselves
 * (`KubeCronJob`) would drop the fields of a container that they do not know. Each instance would also cost the memory and the time of a
 * class of its own: with thousands of them, most of both.
 *
 * @throws InputError when it is a ConfigMap that is too large
 * @internal
 */
export function kubernetesObject(
  scope: Construct,
  id: string,
  kind: GroupVersionKind,
  props: { readonly metadata?: k8s.ObjectMeta; readonly [field: string]: unknown },
): ApiObject {
  const { metadata, ...rest } = props;
  if (kind.kind === 'ConfigMap') checkSize(scope, metadata?.name, rest.data as { [key: string]: string });
  return new ApiObject(scope, id, { ...kind, metadata: metadata as ApiObjectMetadata, ...(asKept(rest) as object) });
}

/** Fields with keys and values that users choose: nothing in them is dropped. */
const MAPS = ['data', 'binaryData', 'labels', 'annotations', 'matchLabels', 'nodeSelector'];

/** Fields with quantities by name. */
const QUANTITIES = ['requests', 'limits'];

/** Fields in which an empty map has a meaning: "all pods", "with its defaults". */
const SAYS_BY_BEING_THERE = ['podSelector', 'namespaceSelector', 'labelSelector', 'emptyDir', 'selector', 'template'];

/** Fields in which Go's types store no `false`, since it means the same as nothing. In other fields it is kept. */
const FALSE_IS_NOTHING = ['readOnly', 'hostNetwork', 'hostPID', 'hostIPC', 'stdin', 'stdinOnce', 'tty', 'publishNotReadyAddresses'];

/** Fields in which an empty text has a meaning: "no class", the core's API group. */
const EMPTY_TEXT_SAYS = ['storageClassName'];

/**
 * An object in the form that the API server keeps. So `kubectl diff` is empty after `kubectl apply`, and applying again changes nothing.
 *
 * It leaves out empty lists, maps and texts, and the `false` of what is off anyway, since Go's types have them as `omitempty`. It writes
 * quantities in one form. A variable whose value is left out is set, and empty. (k8s.io/api, core/v1/types.go.)
 *
 * Quantities, and what may be a number or a string, are classes of cdk8s-plus; in a manifest they are the number or string. Other classes
 * are tokens, which cdk8s resolves.
 *
 * @internal
 */
export function asKept(value: unknown): unknown {
  if (value instanceof k8s.Quantity) return keptQuantity(value);
  if (value instanceof k8s.IntOrString) return value.value;
  if (Array.isArray(value)) return value.map(asKept);
  if (typeof value !== 'object' || value?.constructor !== Object) return value;
  const kept: { [field: string]: unknown } = {};
  for (const [field, item] of Object.entries(value)) {
    if (MAPS.includes(field)) {
      if (item !== undefined && Object.keys(item as object).length > 0) kept[field] = item;
      continue;
    }
    if (QUANTITIES.includes(field) && typeof item === 'object' && item !== null) {
      kept[field] = Object.fromEntries(Object.entries(item).map(([name, quantity]) => [name, keptQuantity(quantity)]));
      continue;
    }
    const written = asKept(item);
    if (!isNothing(field, written)) kept[field] = written;
  }
  return kept;
}

function keptQuantity(quantity: unknown): unknown {
  const value = quantity instanceof k8s.Quantity ? quantity.value : quantity;
  return typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(String(value)) : value;
}

function isNothing(field: string, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (value === false) return FALSE_IS_NOTHING.includes(field);
  if (value === '') return !EMPTY_TEXT_SAYS.includes(field);
  if (Array.isArray(value)) return value.length === 0;
  return (
    typeof value === 'object' && value.constructor === Object && !SAYS_BY_BEING_THERE.includes(field) && Object.keys(value).length === 0
  );
}

function checkSize(scope: Construct, name: string | undefined, data: { [key: string]: string } = {}): void {
  const bytes = Object.values(data).reduce(
    (sum, text) => sum + (typeof text === 'string' ? Buffer.byteLength(JSON.stringify(text)) : 0),
    0,
  );
  if (bytes <= LARGEST_CONFIG_MAP) return;
  throw new InputError(scope, {
    prop: `ConfigMap ${name}`,
    got: `${Math.ceil(bytes / 1024)} KiB`,
    because: `kubectl apply can store at most ${LARGEST_CONFIG_MAP / 1024} KiB: write less into it`,
  });
}
