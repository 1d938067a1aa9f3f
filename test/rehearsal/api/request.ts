import type { Attributes } from './access';
import type { Api } from './api';
import { ApiError } from './errors';
import { selectedName } from './selectors';

/** What a request asks of the API. */
export interface ApiRequest extends Attributes {
  readonly version: string;
  readonly query: URLSearchParams;
}

const OF_ONE: { [method: string]: string } = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete', POST: 'create' };
const OF_MANY: { [method: string]: string } = { GET: 'list', POST: 'create', DELETE: 'deletecollection' };

/** Reads method and path (apiserver, RequestInfo). Undefined when the path is about no objects. */
export function parseRequest(api: Api, method: string, url: URL): ApiRequest | undefined {
  const [, prefix, ...parts] = url.pathname.split('/');
  const [group, version, ...rest] = prefix === 'api' ? ['', ...parts] : prefix === 'apis' ? parts : [];
  if (group === undefined || version === undefined || rest.length === 0) return undefined;
  // A namespace is an object itself, and what stands before those in it.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2;
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural = '', name = '', subresource = ''] = inNamespace ? rest.slice(2) : rest;
  const resource = api.resource(group, { plural });
  if (!resource.versions.includes(version) || (subresource && !resource.subresources.includes(subresource))) {
    throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  }
  const query = url.searchParams;
  const verb = (name ? OF_ONE : OF_MANY)[method];
  if (!verb) throw new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  const watches = ['1', 'true'].includes(query.get('watch') ?? '') && verb === 'list';
  const selected = ['list', 'deletecollection'].includes(verb) ? selectedName(query.get('fieldSelector') ?? '') : name;
  return { verb: watches ? 'watch' : verb, resource, version, subresource, namespace, name: selected, query };
}
