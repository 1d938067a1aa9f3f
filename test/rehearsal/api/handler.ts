import type { Api, DeleteOptions, FieldValidation } from './api';
import { badRequest, notUnderstood } from './errors';
import type { ApiObject, Loose } from './object';
import { patched } from './patch';
import type { ApiRequest } from './request';
import { fieldSelector, labelSelector } from './selectors';

/** An answer with an object, or a text. */
export interface Response {
  readonly code: number;
  readonly body: object | string;
  readonly warnings?: string[];
}

/** Does what a request asks, except for watching and exec, which are streams. */
export function handle(api: Api, request: ApiRequest, body: Loose, contentType: string): Response {
  const { verb, resource, subresource, namespace, name, query } = request;
  if (query.has('dryRun')) throw notUnderstood('a dry run');
  if (subresource === 'scale') return scale(api, request, body, contentType);
  const sent = (object: ApiObject) => inVersion(object, request);
  if (verb === 'get') return { code: 200, body: sent(api.get(resource, namespace, name)) };
  if (verb === 'list') return { code: 200, body: list(api, request) };
  if (verb === 'delete') return remove(api, request, body);
  if (verb === 'deletecollection') {
    for (const { metadata } of selected(api, request)) api.delete(resource, metadata.namespace, metadata.name, body ?? {});
    return { code: 200, body: success({}) };
  }
  const validation = (query.get('fieldValidation') || 'Warn') as FieldValidation;
  if (verb === 'create') {
    checkBody(body, request);
    // A namespaced object has no place before its namespace.
    if (namespace) api.get(api.resource('', { kind: 'Namespace' }), undefined, namespace);
    const { object, warnings } = api.create(resource, body, namespace, validation);
    return { code: 201, body: sent(object), warnings };
  }
  const old = api.get(resource, namespace, name);
  if (verb === 'patch') {
    const result = patched(inVersion(old, request), body, contentType, resource);
    if (result.metadata?.name !== name) throw badRequest('the name of the object does not match the name on the URL');
    const { object, warnings } = api.update(resource, { ...result, metadata: { ...result.metadata, namespace } }, subresource, validation);
    return { code: 200, body: sent(object), warnings };
  }
  checkBody(body, request);
  if (body.metadata.name !== name)
    throw badRequest(`the name of the object (${body.metadata.name}) does not match the name on the URL (${name})`);
  const { object, warnings } = api.update(resource, { ...body, metadata: { ...body.metadata, namespace } }, subresource, validation);
  return { code: 200, body: sent(object), warnings };
}

/** An object as a client of this version gets it: versions differ in nothing else. */
export function inVersion(object: ApiObject, { resource, version }: ApiRequest): ApiObject {
  return { ...object, apiVersion: resource.group ? `${resource.group}/${version}` : version, kind: resource.kind };
}

/** Whether an object is among those that a list or a watch is about. */
export function selection({ resource, namespace, query }: ApiRequest): (object: ApiObject) => boolean {
  const byLabel = labelSelector(query.get('labelSelector') ?? '');
  const byField = fieldSelector(query.get('fieldSelector') ?? '');
  return object => (!resource.namespaced || !namespace || object.metadata.namespace === namespace) && byLabel(object) && byField(object);
}

export function selected(api: Api, request: ApiRequest): ApiObject[] {
  return api.store.list(request.resource).filter(selection(request));
}

function list(api: Api, request: ApiRequest): object {
  const { resource, version } = request;
  const items = selected(api, request).map(object => inVersion(object, request));
  const apiVersion = resource.group ? `${resource.group}/${version}` : version;
  return { kind: `${resource.kind}List`, apiVersion, metadata: { resourceVersion: api.store.resourceVersion }, items };
}

function remove(api: Api, request: ApiRequest, body: Loose): Response {
  const { resource, namespace, name, query } = request;
  const options: DeleteOptions = { propagationPolicy: query.get('propagationPolicy') ?? undefined, ...body };
  const { uid } = api.get(resource, namespace, name).metadata;
  const left = api.delete(resource, namespace, name, options);
  const details = { name, ...(resource.group && { group: resource.group }), kind: resource.plural, uid };
  return { code: 200, body: left ? inVersion(left, request) : success({ details }) };
}

const success = (more: object) => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...more });

/** Replicas alone, of whatever has some. */
function scale(api: Api, request: ApiRequest, body: Loose, contentType: string): Response {
  const { verb, resource, namespace, name } = request;
  const of = ({ metadata, spec, status }: ApiObject): ApiObject => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0 },
  });
  const old = api.get(resource, namespace, name);
  if (verb === 'get') return { code: 200, body: of(old) };
  const wanted = verb === 'patch' ? patched(of(old), body, contentType, { ...resource, custom: false }) : body;
  const { resourceVersion } = wanted.metadata;
  const spec = { ...old.spec, replicas: wanted.spec.replicas };
  return { code: 200, body: of(api.update(resource, { ...old, spec, metadata: { ...old.metadata, resourceVersion } }).object) };
}

function checkBody(body: Loose, { resource }: ApiRequest): void {
  if (!body?.apiVersion || !body.kind) throw badRequest("Object 'Kind' is missing in the request body");
  if (body.kind !== resource.kind) throw badRequest(`${body.kind} in the body does not match ${resource.kind} of the request`);
}
