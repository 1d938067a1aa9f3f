import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An object or what is in it, as JSON has it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A fleet as other tools are told of it: the objects of one database with holes, what fills them for each, and what databases share. */
export interface Templates {
  /** The objects of the first database. */
  readonly base: Json[];
  /** Where the others differ, as JSON pointers below the list of objects. */
  readonly holes: string[];
  /** For each database, what stands in each hole. */
  readonly fillings: Json[][];
  readonly shared: Json[];
}

/**
 * Finds out in what the databases of a fleet differ.
 *
 * @param databases the objects of each; all have the same shape
 */
export function templatesOf(databases: Json[][], shared: Json[]): Templates {
  const leaves = databases.map(objects => leavesOf(objects));
  const [first = new Map<string, Json>()] = leaves;
  const holes = [...first.keys()].filter(path => leaves.some(each => each.get(path) !== first.get(path)));
  if (leaves.some(each => each.size !== first.size)) throw new Error('the databases of the fleet are not of one shape');
  const fillings = leaves.map(each => holes.map(hole => each.get(hole) ?? null));
  return { base: databases[0] ?? [], holes, fillings, shared };
}

/** A program for jsonnet that gives a file a database, for `jsonnet --multi`. */
export function writeJsonnet({ base, holes, fillings, shared }: Templates, folder: string): string {
  const source = (value: Json, path: string): string => {
    const hole = holes.indexOf(path);
    if (hole >= 0) return `p[${hole}]`;
    if (Array.isArray(value)) return `[${value.map((item, i) => source(item, `${path}/${i}`)).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${source(item, `${path}/${escaped(key)}`)}`)
      .join(',')}}`;
  };
  const program = join(folder, 'fleet.jsonnet');
  writeFileSync(join(folder, 'fillings.json'), JSON.stringify(fillings));
  writeFileSync(join(folder, 'shared.json'), JSON.stringify(shared));
  writeFileSync(
    program,
    `local database(p) = ${source(base, '')};
local fillings = import 'fillings.json';
{ ['database-%d.json' % i]: database(fillings[i]) for i in std.range(0, std.length(fillings) - 1) } + { 'shared.json': import 'shared.json' }\n`,
  );
  return program;
}

/**
 * An overlay for every database over one base, for `kubectl kustomize`: a prefix of names, which kustomize follows to where ConfigMaps
 * are named, and patches for the rest.
 */
export function writeKustomize({ base, holes, fillings, shared }: Templates, folder: string): string {
  const write = (path: string, document: Json) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(document));
  };
  const prefixed = (path: string) => /^\/\d+\/metadata\/name$|\/configMapRef\/name$/.test(path);
  const bare = (value: Json, path: string): Json => {
    if (typeof value === 'string') return prefixed(path) ? value.replace(/^database-0-/, '') : value;
    if (Array.isArray(value)) return value.map((item, i) => bare(item, `${path}/${i}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item, `${path}/${escaped(key)}`)]));
  };
  const objects = base.map((object, i) => bare(object, `/${i}`) as { kind: string; metadata: { name: string } });

  objects.forEach((object, i) => {
    write(`base/${i}.yaml`, object);
  });
  write('base/kustomization.yaml', { resources: objects.map((_, i) => `${i}.yaml`) });
  shared.forEach((object, i) => {
    write(`shared/${i}.yaml`, object);
  });
  fillings.forEach((filling, database) => {
    const patches = objects.flatMap(({ kind, metadata: { name } }, i) => {
      const ops = holes.flatMap((hole, j) => {
        const [, index = '', ...rest] = hole.split('/');
        return index === String(i) && !prefixed(hole) ? [{ op: 'replace', path: `/${rest.join('/')}`, value: filling[j] ?? null }] : [];
      });
      return ops.length > 0 ? [{ target: { kind, name }, patch: JSON.stringify(ops) }] : [];
    });
    write(`database-${database}/kustomization.yaml`, { resources: ['../base'], namePrefix: `database-${database}-`, patches });
  });
  const resources = [...shared.map((_, i) => `shared/${i}.yaml`), ...fillings.map((_, i) => `database-${i}`)];
  write('kustomization.yaml', { resources });
  return folder;
}

function leavesOf(value: Json, path = '', into = new Map<string, Json>()): Map<string, Json> {
  if (typeof value !== 'object' || value === null) return into.set(path, value);
  if (Object.keys(value).length === 0) return into.set(path, JSON.stringify(value));
  for (const [key, item] of Object.entries(value)) leavesOf(item, `${path}/${escaped(key)}`, into);
  return into;
}

function escaped(key: string): string {
  return key.replace(/~/g, '~0').replace(/\//g, '~1');
}
