import type { Api } from '../api/api';
import type { ApiObject } from '../api/object';
import type { Change } from '../api/store';
import { hasFinalizer, removeFinalizer } from './finalizers';

/** The garbage collector (Kubernetes docs: "Garbage Collection"): objects go with their owners, before or after them, and with their namespace. */
export class Garbage {
  constructor(private readonly api: Api) {
    api.watch(change => this.observe(change));
  }

  private observe({ type, resource, object }: Change): void {
    if (type === 'DELETED') {
      if (resource.kind === 'Namespace') for (const each of this.within(object.metadata.name)) this.collect(each);
      for (const dependent of this.dependents(object)) this.collect(dependent);
      for (const { uid } of object.metadata.ownerReferences ?? []) this.tell(uid);
    } else if (object.metadata.deletionTimestamp) {
      this.cascade(object);
    }
  }

  /** What was asked for beside the deletion itself. */
  private cascade(owner: ApiObject): void {
    if (hasFinalizer(owner, 'orphan')) {
      for (const dependent of this.dependents(owner)) this.api.modify(dependent, each => disown(each, owner));
      this.api.modify(owner, each => removeFinalizer(each, 'orphan'));
    }
    if (hasFinalizer(owner, 'foregroundDeletion')) {
      const left = this.dependents(owner);
      for (const dependent of left) if (!dependent.metadata.deletionTimestamp) this.collect(dependent);
      if (left.length === 0) this.api.modify(owner, each => removeFinalizer(each, 'foregroundDeletion'));
    }
  }

  /** An owner that waits for its dependents may have lost the last. */
  private tell(uid: string): void {
    for (const owner of this.all()) if (owner.metadata.uid === uid && owner.metadata.deletionTimestamp) this.cascade(owner);
  }

  private collect({ apiVersion, kind, metadata }: ApiObject): void {
    const resource = this.api.resourceOf({ apiVersion, kind });
    if (this.api.store.get(resource, metadata.namespace, metadata.name)) this.api.delete(resource, metadata.namespace, metadata.name);
  }

  private dependents({ metadata: { uid } }: ApiObject): ApiObject[] {
    return this.all().filter(each => each.metadata.ownerReferences?.some(owner => owner.uid === uid));
  }

  private within(namespace: string): ApiObject[] {
    const namespaced = this.api.resources.filter(resource => resource.namespaced);
    return namespaced.flatMap(resource => this.api.store.list(resource, namespace));
  }

  private all(): ApiObject[] {
    return this.api.resources.flatMap(resource => this.api.store.list(resource));
  }
}

function disown({ metadata }: ApiObject, owner: ApiObject): void {
  metadata.ownerReferences = metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid);
}
