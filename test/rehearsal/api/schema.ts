import { isDeepStrictEqual } from 'node:util';
import type { Cause } from './errors';
import type { Loose } from './object';

/** The part of a structural schema (Kubernetes docs: "Extend the Kubernetes API with CustomResourceDefinitions") that is acted on. */
export interface Schema {
  readonly type?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  /** Rules of CEL. Those of external-snapshotter are understood (`holds`); others are passed over. */
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message?: string }[];
}

export const text: Schema = { type: 'string' };
export const flag: Schema = { type: 'boolean' };
export const words: Schema = { type: 'object', additionalProperties: text };
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const record = (properties: { [name: string]: Schema }, ...required: string[]): Schema => ({ type: 'object', properties, required });

const UNCHANGED = 'self == oldSelf';
const XOR = /^\(has\(self\.(\w+)\) && !has\(self\.(\w+)\)\) \|\| \(!has\(self\.\1\) && has\(self\.\2\)\)$/;
const KEPT = /^!has\(oldSelf\.(\w+)\) \|\| has\(self\.\1\)$/;

/** Removes what the schema does not know, as the server does before it stores; the paths of what was removed. */
export function prune(value: Loose, schema: Schema, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((entry, index) => (schema.items ? prune(entry, schema.items, `${path}[${index}]`) : []));
  if (!isRecord(value) || schema['x-kubernetes-preserve-unknown-fields']) return [];
  return Object.keys(value).flatMap(name => {
    const below = path ? `${path}.${name}` : name;
    const known = schemaOf(schema, name);
    if (known === true) return [];
    if (known) return prune(value[name], known, below);
    delete value[name];
    return [below];
  });
}

function schemaOf({ properties = {}, additionalProperties }: Schema, name: string): Schema | true | undefined {
  if (Object.hasOwn(properties, name)) return properties[name];
  return additionalProperties === false ? undefined : additionalProperties;
}

/** Sets the defaults of fields that are not there. */
export function setDefaults(value: Loose, schema: Schema): void {
  if (Array.isArray(value)) for (const entry of value) setDefaults(entry, schema.items ?? {});
  if (!isRecord(value)) return;
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (value[name] === undefined && field.default !== undefined) value[name] = structuredClone(field.default);
    if (value[name] !== undefined) setDefaults(value[name], field);
  }
}

/** What is wrong with a value; `old` is what was there before an update, for the rules that compare. */
export function* faults(value: Loose, schema: Schema, old?: Loose, path = ''): Generator<Cause> {
  const field = path || '<root>';
  const wrong = wrongType(value, schema);
  if (wrong) {
    const message = `Invalid value: "${wrong}": ${path} in body must be of type ${schema.type}: "${wrong}"`;
    return yield { reason: 'FieldValueTypeInvalid', message, field };
  }
  if (schema.enum && !schema.enum.includes(value)) {
    const allowed = schema.enum.map(each => JSON.stringify(each)).join(', ');
    yield { reason: 'FieldValueNotSupported', message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`, field };
  }
  if (schema.minLength !== undefined && value.length < schema.minLength) {
    const message = `Invalid value: "": ${path} in body should be at least ${schema.minLength} chars long`;
    yield { reason: 'FieldValueInvalid', message, field };
  }
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
    if (!holds(rule, value, old))
      yield { reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${message ?? `failed rule: ${rule}`}`, field };
  }
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) yield* faults(entry, schema.items ?? {}, undefined, `${path}[${index}]`);
  } else if (isRecord(value)) {
    for (const name of schema.required ?? []) {
      if (value[name] === undefined)
        yield { reason: 'FieldValueRequired', message: 'Required value', field: path ? `${path}.${name}` : name };
    }
    for (const [name, inner] of Object.entries(value)) {
      const known = schemaOf(schema, name);
      if (known && known !== true) yield* faults(inner, known, isRecord(old) ? old[name] : undefined, path ? `${path}.${name}` : name);
    }
  }
}

function holds(rule: string, value: Loose, old: Loose): boolean {
  if (rule === UNCHANGED) return old === undefined || isDeepStrictEqual(value, old);
  if (rule === 'size(self) > 0') return value.length > 0;
  if (rule === 'has(self.name) && has(self.__namespace__)') return value.name !== undefined && value.namespace !== undefined;
  const xor = XOR.exec(rule);
  if (xor?.[1] && xor[2]) return (value[xor[1]] === undefined) !== (value[xor[2]] === undefined);
  const stays = KEPT.exec(rule);
  if (stays?.[1]) return old?.[stays[1]] === undefined || value[stays[1]] !== undefined;
  return true;
}

function wrongType(value: Loose, { type, nullable, ...schema }: Schema): string | undefined {
  const actual = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  if (schema['x-kubernetes-int-or-string']) return Number.isInteger(value) || actual === 'string' ? undefined : actual;
  if (type === undefined || actual === type || (actual === 'null' && nullable)) return undefined;
  return type === 'integer' && Number.isInteger(value) ? undefined : actual;
}

const shown = (value: Loose) => (typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? '"array"' : '"object"');

function isRecord(value: Loose): value is { [name: string]: Loose } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
