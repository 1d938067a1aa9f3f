import { nameOf, type Rule } from '../manifest';

/**
 * What an API server does not keep as it was written differs from what it has for ever: `kubectl diff` is never empty, and every
 * `kubectl apply` changes something. In Go's types most fields are `omitempty`: lists, maps and texts that are empty, and booleans that
 * are no pointers and false, are not stored. Quantities are stored in one form. What a field stands for when it is not there, the server
 * adds, and that is no difference.
 *
 * Custom resources are kept as they are.
 */
export const asKept: Rule = manifests =>
  manifests
    .filter(
      ({ apiVersion }) => !apiVersion.includes('.') || (apiVersion.split('/')[0]?.endsWith('.k8s.io') && !/snapshot/.test(apiVersion)),
    )
    .flatMap(manifest => losses(manifest, []).map(loss => `${nameOf(manifest)}: ${loss}`));

/** Whoever writes the object chooses these keys and values: they are kept. */
const FREE = /^(data|binaryData|labels|annotations|matchLabels|nodeSelector|parameters)$/;
/** Pointers to structs, and structs that are always there. */
const KEPT_EMPTY = /(^|\.)(podSelector|namespaceSelector|emptyDir|labelSelector)$/;
/** Of the booleans that are emitted, those that are pointers. */
const POINTERS =
  /(^|\.)(automountServiceAccountToken|enableServiceLinks|allowPrivilegeEscalation|readOnlyRootFilesystem|runAsNonRoot|privileged|suspend|optional|immutable|shareProcessNamespace|setHostnameAsFQDN)$/;
const QUANTITIES = /(^|\.)(requests|limits|capacity|hard)\.[^.]+$|(^|\.)(sizeLimit|divisor)$/;
const SET_BY_SERVER = ['creationTimestamp', 'resourceVersion', 'uid', 'generation', 'managedFields', 'status'];

function losses(value: unknown, path: string[]): string[] {
  const at = path.join('.');
  const key = path.at(-1) ?? '';
  const isItem = /^\d+$/.test(key);
  if (SET_BY_SERVER.includes(key) && path.length < 3) return [`${at} is the server's to set`];
  if (value === null || value === undefined) return [`${at} is nothing`];
  if (QUANTITIES.test(at)) return canonical(String(value)) === value ? [] : [`${at} is ${value}, kept as ${canonical(String(value))}`];
  if (value === '' && !isItem && key !== 'storageClassName') return [`${at} is empty`];
  if (value === false && !POINTERS.test(at)) return [`${at} is false`];
  if (typeof value !== 'object') return [];
  const entries = Object.entries(value);
  if (entries.length === 0 && !KEPT_EMPTY.test(at)) return [`${at} is empty`];
  if (FREE.test(key)) return entries.filter(([, text]) => typeof text !== 'string').map(([name]) => `${at}.${name} is no text`);
  return entries.flatMap(([name, item]) => losses(item, [...path, name]));
}

const SUFFIXES: { [suffix: string]: [steps: string[], base: number] } = {
  i: [['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'], 1024],
  d: [['m', '', 'k', 'M', 'G', 'T', 'P'], 1000],
};

/** With the largest suffix that leaves a whole number. */
function canonical(text: string): string {
  const [, number, suffix = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? [];
  const [steps, base] = SUFFIXES[suffix.endsWith('i') ? 'i' : 'd'] ?? [[], 1];
  const amount = Number(number) * base ** steps.indexOf(suffix);
  const place = steps.map((_, step) => Number.isInteger(amount / base ** step)).lastIndexOf(true);
  return amount === 0 ? '0' : `${amount / base ** place}${steps[place]}`;
}
