import { randomInt, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ApiError, alreadyExists, badRequest, conflict, invalid, notFound } from './errors';
import { checkLabels, checkName } from './names';
import { type ApiObject, plain, timestamp } from './object';
import { customResource, RESOURCES, type Resource } from './resources';
import { faults, prune, setDefaults } from './schema';
import { type Change, Store } from './store';

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly gracePeriodSeconds?: number;
}

/** What strict, warning and silent clients ask for, by `fieldValidation`. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Called before an object is made, changed or deleted by a client: a controller that refuses it throws. */
export type Admission = (verb: 'create' | 'update' | 'delete', resource: Resource, object: ApiObject) => void;

/**
 * What an API server does with objects, without the wire: metadata, schemas, finalizers, subresources. Controllers work on it as a client
 * with all rights would.
 */
export class Api {
  readonly store = new Store();
  readonly resources: Resource[] = [...RESOURCES];
  private readonly admissions: Admission[] = [];

  /** The kind of an object, or of a request's path. @throws ApiError when the API does not serve it */
  resource(group: string, name: { kind?: string; plural?: string }): Resource {
    const found = this.resources.find(each => each.group === group && (each.kind === name.kind || each.plural === name.plural));
    if (!found) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
    return found;
  }

  resourceOf({ apiVersion, kind }: { apiVersion: string; kind: string }): Resource {
    return this.resource(apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '', { kind });
  }

  /** A kind that a CustomResourceDefinition defines, from now on; of several definitions the first counts. */
  define(definition: ApiObject, versions?: readonly string[]): void {
    const resource = customResource(definition);
    if (this.resources.some(({ group, kind }) => group === resource.group && kind === resource.kind)) return;
    this.resources.push(versions ? { ...resource, versions } : resource);
  }

  admit(admission: Admission): void {
    this.admissions.push(admission);
  }

  get(resource: Resource, namespace: string | undefined, name: string): ApiObject {
    const found = this.store.get(resource, namespace, name);
    if (!found) throw notFound(resource, name);
    return found;
  }

  create(resource: Resource, sent: ApiObject, namespace = sent.metadata?.namespace, validation: FieldValidation = 'Strict'): Answer {
    const { metadata } = sent;
    if (metadata?.namespace !== undefined && metadata.namespace !== namespace && resource.namespaced) {
      const message = `the namespace of the provided object does not match the namespace sent on the request`;
      throw badRequest(message);
    }
    const name = metadata?.name || generated(metadata?.generateName);
    if (!name)
      throw invalid(resource, '', [
        { reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' },
      ]);
    checkName(resource, name);
    if (this.store.get(resource, resource.namespaced ? namespace : undefined, name)) throw alreadyExists(resource, name);
    const object: ApiObject = plain(sent);
    object.metadata = {
      ...object.metadata,
      name,
      ...(resource.namespaced && { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(),
      ...(counts(resource, object) && { generation: 1 }),
    };
    if (!resource.namespaced) delete object.metadata.namespace;
    encode(object);
    delete object.metadata.deletionTimestamp;
    if (resource.subresources.includes('status')) delete object.status;
    const warnings = this.conform(resource, object, undefined, validation);
    for (const admission of this.admissions) admission('create', resource, object);
    return { object: this.store.put(resource, plain(object)), warnings };
  }

  /** Replaces an object, or its status alone. */
  update(resource: Resource, sent: ApiObject, subresource = '', validation: FieldValidation = 'Strict'): Answer {
    const { namespace, name, resourceVersion, uid } = sent.metadata;
    const old = this.get(resource, resource.namespaced ? namespace : undefined, name);
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflict(resource, name);
    if (uid && uid !== old.metadata.uid) {
      throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`);
    }
    const object = subresource === 'status' ? { ...structuredClone(old), status: plain(sent.status) } : this.kept(resource, sent, old);
    const warnings = this.conform(resource, object, old, validation);
    for (const admission of this.admissions) admission('update', resource, object);
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const stored = this.store.put(resource, plain(object));
    if (deletionTimestamp && finalizers.length === 0 && !resource.graceful) this.store.remove(resource, object);
    return { object: stored, warnings };
  }

  /** Reads, changes and writes: a controller's way. Undefined when the object is gone. */
  modify(object: ApiObject, change: (object: ApiObject) => void, subresource = ''): ApiObject | undefined {
    const resource = this.resourceOf(object);
    const now = this.store.get(resource, object.metadata.namespace, object.metadata.name);
    if (!now || (object.metadata.uid && now.metadata.uid !== object.metadata.uid)) return undefined;
    change(now);
    return this.update(resource, now, subresource, 'Ignore').object;
  }

  /** Marks an object as deleted, and removes it once nothing holds it. The object that is still there, if it is. */
  delete(resource: Resource, namespace: string | undefined, name: string, options: DeleteOptions = {}): ApiObject | undefined {
    const object = this.get(resource, namespace, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid && uid !== object.metadata.uid) {
      throw conflict(resource, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`);
    }
    if (resourceVersion && resourceVersion !== object.metadata.resourceVersion) {
      const { resourceVersion: actual } = object.metadata;
      throw conflict(
        resource,
        name,
        `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${actual}`,
      );
    }
    for (const admission of this.admissions) admission('delete', resource, object);
    const held = this.store.get(resource, namespace, name);
    if (!held) return undefined;
    if (options.propagationPolicy === 'Foreground') add(held, 'foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') add(held, 'orphan');
    const grace = resource.graceful ? (options.gracePeriodSeconds ?? held.spec.terminationGracePeriodSeconds ?? 30) : 0;
    if ((held.metadata.finalizers ?? []).length === 0 && grace === 0) {
      this.store.remove(resource, held);
      return undefined;
    }
    if (held.metadata.deletionTimestamp) return held;
    held.metadata.deletionTimestamp = timestamp();
    held.metadata.deletionGracePeriodSeconds = grace;
    return this.store.put(resource, held);
  }

  watch(listener: (change: Change) => void, since?: string): () => void {
    return this.store.watch(listener, since);
  }

  /** An Event, as controllers record what happens to an object. */
  event(about: ApiObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { apiVersion, kind, metadata } = about;
    const { name, uid, resourceVersion, namespace = 'default' } = metadata;
    const now = timestamp();
    this.create(this.resource('', { kind: 'Event' }), {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomUUID().slice(0, 16)}`, namespace },
      involvedObject: { apiVersion, kind, name, namespace: metadata.namespace, uid, resourceVersion },
      ...{ type, reason, message, count: 1, firstTimestamp: now, lastTimestamp: now, source: { component: 'rehearsal' } },
    });
  }

  /** What an update may change: not who it is, nor the status where that is a subresource. */
  private kept(resource: Resource, sent: ApiObject, old: ApiObject): ApiObject {
    const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, namespace } = old.metadata;
    const object: ApiObject = plain(sent);
    object.metadata = { ...object.metadata, uid, creationTimestamp, ...(namespace && { namespace }) };
    encode(object);
    if (deletionTimestamp) Object.assign(object.metadata, { deletionTimestamp, deletionGracePeriodSeconds });
    else delete object.metadata.deletionTimestamp;
    if (resource.subresources.includes('status')) {
      if (old.status === undefined) delete object.status;
      else object.status = structuredClone(old.status);
    }
    if (generation !== undefined) object.metadata.generation = generation + (isDeepStrictEqual(object.spec, old.spec) ? 0 : 1);
    if (old.immutable === true && !isDeepStrictEqual([object.data, object.binaryData], [old.data, old.binaryData])) {
      throw invalid(resource, old.metadata.name, [
        { reason: 'FieldValueForbidden', field: 'data', message: 'Forbidden: field is immutable when `immutable` is set' },
      ]);
    }
    return object;
  }

  /** Schema: what is unknown goes or is refused, what is wrong is refused. Returns warnings. */
  private conform(resource: Resource, object: ApiObject, old: ApiObject | undefined, validation: FieldValidation): string[] {
    const { schema } = resource;
    checkLabels(resource, object);
    if (!schema) return [];
    const { apiVersion, kind, metadata, ...rest } = object;
    const unknown = prune(rest, schema);
    for (const name of Object.keys(object)) if (!['apiVersion', 'kind', 'metadata'].includes(name) && !(name in rest)) delete object[name];
    setDefaults(object, schema);
    const warnings = unknown.map(path => `unknown field "${path}"`);
    if (warnings.length > 0 && validation === 'Strict') {
      const version = apiVersion.split('/').at(-1);
      throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${warnings.join(', ')}`);
    }
    const { apiVersion: _, kind: __, metadata: ___, ...before } = old ?? ({} as ApiObject);
    const causes = [...faults(rest, schema, old && before)];
    if (causes.length > 0) throw invalid(resource, metadata.name, causes);
    return validation === 'Warn' ? warnings : [];
  }
}

/** A stored object, and what the client is to be told of it. */
export interface Answer {
  readonly object: ApiObject;
  readonly warnings: string[];
}

function add({ metadata }: ApiObject, finalizer: string): void {
  metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), finalizer])];
}

function generated(prefix: string | undefined): string | undefined {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return prefix && prefix.slice(0, 58) + Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
}

/** Whether changes of what is wanted are counted; the core's kinds do without. */
function counts({ group, custom }: Resource, { spec }: ApiObject): boolean {
  return custom || (group !== '' && spec !== undefined);
}

/** A Secret's plain words become data. */
function encode(object: ApiObject): void {
  if (object.kind !== 'Secret' || !object.stringData) return;
  const words = Object.entries(object.stringData as { [key: string]: string });
  object.data = { ...object.data, ...Object.fromEntries(words.map(([key, word]) => [key, Buffer.from(word).toString('base64')])) };
  delete object.stringData;
}
