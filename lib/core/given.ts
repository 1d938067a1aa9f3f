import { Construct, type IConstruct } from 'constructs';
import { CALLS, ENUMS, type Members, REMEDIES, STRUCTS } from './declarations';
import { InputError } from './input-error';
import { memoized } from './memoized';

/**
 * Checks the arguments of a construct's constructor before the construct exists. In JavaScript nothing else checks them.
 *
 * @param type the class
 * @returns what the constructor of `Construct` takes
 * @throws InputError when something is missing, or has another type than declared
 */
export function checkedConstruct(type: string, scope: Construct, id: string, props: unknown): [Construct, string] {
  const where = Construct.isConstruct(scope) ? `${scope.node.path ? `${scope.node.path}/` : ''}${id}` : `new ${type}`;
  checkArguments(where, `new ${type}`, [scope, id, props]);
  return [scope, id];
}

/**
 * Checks the arguments of any other constructor.
 *
 * @param type the class
 * @throws InputError when something is missing, or has another type than declared
 */
export function checkNew(type: string, ...given: unknown[]): void {
  checkArguments(`new ${type}`, `new ${type}`, given);
}

/**
 * Makes the factories and methods of classes check their arguments against their declarations.
 *
 * @param classes the package's public face
 */
export function checkCalls(classes: { readonly [name: string]: unknown }): void {
  for (const [call, parameters] of Object.entries(CALLS)) {
    const [, name = '', sign, method = ''] = /^(\w+)([.#])(\w+)$/.exec(call) ?? [];
    const declared = classes[name] as { prototype: object } | undefined;
    if (declared) wrap((sign === '.' ? declared : declared.prototype) as Methods, method, call, compiled(parameters));
  }
}

interface Methods {
  [name: string]: (...given: unknown[]) => unknown;
}

function wrap(owner: Methods, method: string, call: string, parameters: Member[]): void {
  const original = owner[method];
  if (!original) return;
  const label = call.replace('#', '.');
  owner[method] = function (this: unknown, ...given: unknown[]) {
    checkMembers(() => (Construct.isConstruct(this) ? this : (given.find(Construct.isConstruct) ?? label)), parameters, given);
    return original.apply(this, given);
  };
}

type Where = () => IConstruct | string;

interface Member {
  readonly name: string;
  readonly isOptional: boolean;
  readonly isRest: boolean;
  readonly type: string;
  readonly words?: string;
  /** Whether a value can stand there. */
  readonly fits: Judge;
}

const compiled = (members: Members): Member[] => Object.entries(members).map(([name, text]) => memberOf(name, text));

const parametersOf = memoized((call: string): Member[] => compiled(CALLS[call] ?? {}));

const membersOf = memoized((struct: string): Member[] => {
  const { extends: bases = '', ...own } = STRUCTS[struct] ?? {};
  return [...bases.split(', ').filter(Boolean).flatMap(membersOf), ...compiled(own)];
});

function memberOf(declared: string, text: string): Member {
  const [type = '', words] = text.split(' | ');
  const isOptional = declared.endsWith('?');
  const fits: Judge = value => (value === undefined ? isOptional : isA(type)(value));
  return { name: declared.replace(/^\.{3}|\?$/g, ''), isOptional, isRest: declared.startsWith('...'), type, words, fits };
}

/** A member of a struct that nothing reads, and whose name is almost that of one that is missing. */
interface Misspelt {
  readonly name: string;
  readonly meant: Member;
}

const namesOf = memoized((struct: string): Set<string> => new Set(membersOf(struct).map(({ name }) => name)));

/**
 * Finds a typo. Other unknown members pass: a class that extends one of ours adds members to its props, and several calls may share an
 * object.
 */
function misspeltIn(struct: string, value: object): Misspelt | undefined {
  // What is made by a class, or implements an interface, has members of its own.
  if (struct in REMEDIES || !isPlain(value)) return undefined;
  const known = namesOf(struct);
  const given = value as Props;
  for (const name of Object.keys(value)) {
    if (known.has(name) || given[name] === undefined) continue;
    const near = membersOf(struct)
      .filter(member => given[member.name] === undefined)
      .map(meant => ({ name, meant, distance: distanceBetween(name, meant.name) }))
      .filter(({ meant, distance }) => distance <= slipsIn(meant.name))
      .sort((a, b) => a.distance - b.distance);
    if (near[0]) return near[0];
  }
  return undefined;
}

/** How many slips still leave no doubt. `host` and `port` are two different words. */
const slipsIn = (name: string): number => (name.length < 4 ? 0 : name.length < 6 ? 1 : 2);

/** The number of letters that are missing, extra, different, or swapped with the next. Upper and lower case count as the same. */
function distanceBetween(written: string, known: string): number {
  const a = written.toLowerCase();
  const b = known.toLowerCase();
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swapped ? (before[j - 2] ?? 0) + 1 : changed);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

function checkArguments(where: string, call: string, given: unknown[]): void {
  checkMembers(() => where, parametersOf(call), given);
}

/** A struct among the arguments has no name of its own in messages: the user wrote its members. */
function checkMembers(where: Where, parameters: Member[], given: unknown[]): void {
  for (const [index, parameter] of parameters.entries()) {
    const { name, type, isRest, fits } = parameter;
    const prefix = type in STRUCTS && !(type in REMEDIES) ? '' : `${name}.`;
    for (const each of isRest ? given.slice(index) : [given[index]]) {
      if (!fits(each)) refuse(where, name, parameter, each, prefix);
    }
  }
}

/** Finds the part of a value that does not fit. Only here is a path worth computing. */
function refuse(where: Where, prop: string, { type, isOptional, words }: Member, value: unknown, prefix = `${prop}.`): void {
  if (value !== undefined && looksLike(type)(value)) {
    const misspelt = type in STRUCTS ? misspeltIn(type, value as object) : undefined;
    if (misspelt) {
      const { name, meant } = misspelt;
      const got = (value as Props)[name];
      const because = `there is no ${name}: did you mean ${meant.name}?`;
      throw new InputError(where(), { prop: `${prefix}${name}`, got, isHidden: hides(meant.type, got), because });
    }
    for (const part of partsOf(type, value)) {
      const path = part.key === undefined ? `${prefix}${part.member.name}` : `${prop}[${part.key}]`;
      if (!part.member.fits(part.value)) refuse(where, path, part.member, part.value);
    }
  }
  const isHidden = hides(type, value);
  const got = value === null && !isOptional ? undefined : value;
  const because = `${isOptional ? 'leave it out, or write' : 'write'} ${wanted(type)}${words ? ` (${words})` : ''}`;
  throw new InputError(where(), { prop, got, isHidden, because });
}

/** Something given where a reference to a Secret is expected may be a secret itself. */
function hides(type: string, value: unknown): boolean {
  return /^Secret/.test(type) || (typeof value === 'object' && !isPlain(value));
}

function isPlain(value: object | null): boolean {
  return value === null || Array.isArray(value) || value.constructor === Object;
}

type Judge = (value: unknown) => boolean;

/** Whether a value is of a type, with all that is in it. */
const isA = memoized((type: string): Judge => {
  const looks = looksLike(type);
  if (type.endsWith('[]')) {
    const { fits } = elementOf(type);
    return value => looks(value) && (value as unknown[]).every(fits);
  }
  if (type.startsWith('{')) {
    const { fits } = elementOf(type);
    return value => looks(value) && Object.values(value as object).every(fits);
  }
  if (!(type in STRUCTS)) return looks;
  let members: Member[] | undefined;
  return value => {
    // Not before: structs refer to each other.
    members ??= membersOf(type);
    return looks(value) && members.every(({ name, fits }) => fits((value as Props)[name])) && !misspeltIn(type, value as object);
  };
});

interface Props {
  readonly [name: string]: unknown;
}

/** Whether a value is of a type, looked at from outside. */
const looksLike = memoized((type: string): Judge => {
  if (type === 'any') return value => value !== undefined;
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'function') return value => typeof value === type;
  if (type.endsWith('[]')) return Array.isArray;
  if (ENUMS[type]) {
    const values: unknown[] = Object.values(ENUMS[type]);
    return value => values.includes(value);
  }
  if (type === 'Construct' || type === 'IConstruct') return Construct.isConstruct;
  const isObject: Judge = value => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type in STRUCTS || type === 'object' || type.startsWith('{')) return isObject;
  return value => isObject(value) && ancestry((value as object).constructor).has(type);
});

/** By name: a package that is installed twice has two classes of each name, and its user sees one. */
const ancestry = memoized((type: unknown): Set<string> => {
  const names = new Set<string>();
  for (let each = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) names.add(each.name);
  return names;
});

const elementOf = memoized(
  (type: string): Member => memberOf('', type.slice(type.startsWith('{') ? 1 : 0, type.startsWith('{') ? -1 : -2)),
);

interface Part {
  readonly member: Member;
  readonly value: unknown;
  /** In a list, or a map. */
  readonly key?: string;
}

function partsOf(type: string, value: unknown): Part[] {
  if (type in STRUCTS) return membersOf(type).map(member => ({ member, value: (value as Props)[member.name] }));
  const key = type.endsWith('[]') ? String : (name: string) => `'${name}'`;
  return Object.entries(value as object).map(([name, each]) => ({ member: elementOf(type), value: each, key: key(name) }));
}

const PLAIN: { [type: string]: string } = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  function: 'a method of that name',
  object: 'an object of props',
  any: 'a value',
  Construct: 'a construct',
  IConstruct: 'a construct',
  Duration: 'a Duration, for example Duration.hours(1)',
  Size: 'a Size, for example Size.gibibytes(2)',
};

function wanted(type: string): string {
  if (type.endsWith('[]')) return `a list, each item of which is ${wanted(type.slice(0, -2))}`;
  if (type.startsWith('{')) return `an object, each value of which is ${wanted(type.slice(1, -1))}`;
  if (type in ENUMS)
    return `one of ${Object.keys(ENUMS[type] ?? {})
      .map(name => `${type}.${name}`)
      .join(', ')}`;
  if (REMEDIES[type]) return `${/^I?[AEIOU]/.test(type) ? 'an' : 'a'} ${type}: ${REMEDIES[type]}`;
  if (type in STRUCTS) {
    const required = membersOf(type).filter(({ isOptional }) => !isOptional);
    return required.length > 0 ? `an object with ${required.map(({ name }) => name).join(', ')}` : 'an object of options';
  }
  return PLAIN[type] ?? `a ${type}`;
}
