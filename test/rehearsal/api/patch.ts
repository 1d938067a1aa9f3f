import { isDeepStrictEqual } from 'node:util';
import { ApiError, badRequest, notUnderstood } from './errors';
import type { Loose } from './object';
import type { Resource } from './resources';

/** An object as a patch leaves it (Kubernetes docs: "Update API Objects in Place Using kubectl patch"). */
export function patched(object: Loose, body: Loose, contentType: string, resource: Resource): Loose {
  if (contentType === 'application/merge-patch+json') return merged(object, body);
  if (contentType === 'application/json-patch+json') return operated(object, body);
  if (contentType === 'application/strategic-merge-patch+json') {
    if (!resource.custom) return merged(object, withoutLists(body));
    const known = 'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';
    const message = `the body of the request was in an unknown format - accepted media types include: ${known}`;
    throw new ApiError(415, 'UnsupportedMediaType', message);
  }
  throw notUnderstood(`a patch of type ${contentType}`);
}

/** RFC 7386. */
export function merged(target: Loose, patch: Loose): Loose {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/** A strategic patch differs from a merge patch in lists and by its directives. */
function withoutLists(patch: Loose, path = ''): Loose {
  for (const [name, value] of Object.entries(patch ?? {})) {
    if (name.startsWith('$') || Array.isArray(value)) throw notUnderstood(`a strategic merge patch of ${path}/${name}`);
    if (typeof value === 'object') withoutLists(value, `${path}/${name}`);
  }
  return patch;
}

/** RFC 6902. */
function operated(object: Loose, operations: Loose): Loose {
  if (!Array.isArray(operations)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  const root = { '': structuredClone(object) };
  for (const operation of operations) operate(root, operation);
  return root[''];
}

function operate(root: Loose, { op, path, from, value }: { op: string; path: string; from?: string; value?: Loose }): void {
  const refuse = () => new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${op} ${path}`);
  const at = (pointer: string) => {
    const parts = ['', ...pointer.split('/').slice(1)].map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const key = parts.pop() ?? '';
    const parent = parts.reduce((value: Loose, part) => value?.[part], root);
    if (typeof parent !== 'object' || parent === null) throw refuse();
    return { parent, key };
  };
  const { parent, key } = at(path);
  if (op === 'test') {
    if (!isDeepStrictEqual(parent[key], value)) throw refuse();
  } else if (op === 'add') {
    put(parent, key, value);
  } else if (op === 'remove' || op === 'replace') {
    if (!Object.hasOwn(parent, key)) throw refuse();
    if (op === 'replace') parent[key] = value;
    else take(parent, key);
  } else if (op === 'copy' || op === 'move') {
    const source = at(from ?? '');
    const found = structuredClone(source.parent[source.key]);
    if (op === 'move') take(source.parent, source.key);
    put(parent, key, found);
  } else {
    throw refuse();
  }
}

function put(parent: Loose, key: string, value: Loose): void {
  if (!Array.isArray(parent)) parent[key] = value;
  else parent.splice(key === '-' ? parent.length : Number(key), 0, value);
}

function take(parent: Loose, key: string): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}
