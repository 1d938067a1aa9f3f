import { Yaml } from 'cdk8s';
import { memoized } from '../core/memoized';

/**
 * A manifest as YAML: the same bytes as `Yaml.stringify`, in a fraction of the time.
 *
 * Manifests are many and alike: they have few shapes, and repeat the same words. So `Yaml.stringify` writes each word once, and the result
 * is remembered. This file only puts maps and lists together. Anything that is not a plain tree is left to `Yaml.stringify`: an object that
 * occurs twice (an anchor in YAML), an undefined, or an instance of a class.
 */
export function yamlOf(manifest: unknown): string {
  try {
    if (!isCollection(manifest) || isEmpty(manifest)) throw UNUSUAL;
    return `${block(manifest, '', new Set())}\n`;
  } catch (reason) {
    if (reason !== UNUSUAL) throw reason;
    return Yaml.stringify(manifest);
  }
}

type Scalar = string | number | boolean | null;
type Collection = unknown[] | { [key: string]: unknown };

const UNUSUAL = Symbol('not a plain tree');
const STEP = '  ';

/** A map or list that is not empty, without the indentation of its first line. */
function block(value: Collection, indent: string, seen: Set<Collection>): string {
  if (seen.has(value)) throw UNUSUAL;
  seen.add(value);
  const inner = indent + STEP;
  const lines = Array.isArray(value)
    ? value.map(item => `- ${isCollection(item) && !isEmpty(item) ? block(item, inner, seen) : flow(item, indent, seen)}`)
    : Object.keys(value).map(key => {
        const item = value[key];
        return `${keyText(key)}:${isCollection(item) && !isEmpty(item) ? `\n${inner}${block(item, inner, seen)}` : ` ${flow(item, indent, seen)}`}`;
      });
  return lines.join(`\n${indent}`);
}

/** What begins on the line of its key or dash. */
function flow(value: unknown, indent: string, seen: Set<Collection>): string {
  if (isCollection(value)) {
    if (seen.has(value)) throw UNUSUAL;
    seen.add(value);
    return Array.isArray(value) ? '[]' : '{}';
  }
  if (!isScalar(value)) throw UNUSUAL;
  if (typeof value === 'string' && NAME.test(value)) return value;
  const text = scalarText(value);
  return indent && text.includes('\n') ? text.replace(/\n(?=[^\n])/g, `\n${indent}`) : text;
}

/**
 * Names with a hyphen, of which every object has its own, are text in any version of YAML. A number begins with a digit, a sign or a dot.
 * The exceptions are exponents of YAML 1.1, which may have nothing before their one letter (e-1).
 */
const NAME = /^[a-z][a-z0-9]+(-[a-z0-9]+)+$/;

const keyText = memoized((key: string) => {
  const text = Yaml.stringify({ [key]: 0 });
  // A long key, or one of several lines, is written in a way of its own; what could end a document, in another place otherwise.
  if (!text.endsWith(': 0\n') || text.startsWith('?') || `a:\n  ${text}` !== Yaml.stringify({ a: { [key]: 0 } })) throw UNUSUAL;
  return text.slice(0, -': 0\n'.length);
});

const scalarText = memoized((value: Scalar) => Yaml.stringify({ a: value, b: 0 }).slice('a: '.length, -'\nb: 0\n'.length));

function isCollection(value: unknown): value is Collection {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw UNUSUAL;
  return true;
}

function isEmpty(value: Collection): boolean {
  for (const _ in value) return false;
  return true;
}

function isScalar(value: unknown): value is Scalar {
  // What remembers words takes -0 for 0; YAML does not.
  if (typeof value === 'number') return !Object.is(value, -0);
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}
