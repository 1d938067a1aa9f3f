import { ApiError } from './errors';
import type { ApiObject } from './object';
import type { Resource } from './resources';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  readonly object: ApiObject;
  /** What was there before. */
  readonly old?: ApiObject;
}

const keyOf = ({ namespace = '', name }: { namespace?: string; name: string }) => `${namespace}/${name}`;

/** Who watches, and what it has seen. */
interface Listener {
  readonly take: (change: Change) => void;
  seen: number;
}

/** What etcd is to the API server: objects by kind and name, one count of revisions, and every change in its order. */
export class Store {
  private revision = 100;
  private readonly objects = new Map<string, Map<string, ApiObject>>();
  private readonly changes: { revision: number; change: Change }[] = [];
  private readonly listeners = new Set<Listener>();
  private delivering = false;

  get resourceVersion(): string {
    return String(this.revision);
  }

  get(resource: Resource, namespace: string | undefined, name: string): ApiObject | undefined {
    const found = this.of(resource).get(keyOf({ namespace, name }));
    return found && structuredClone(found);
  }

  list(resource: Resource, namespace?: string): ApiObject[] {
    const all = [...this.of(resource).values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    return structuredClone(all).sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
  }

  /** Adds or replaces; the object as it is stored. */
  put(resource: Resource, object: ApiObject): ApiObject {
    const key = keyOf(object.metadata);
    const old = this.of(resource).get(key);
    this.revision += 1;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision) } });
    this.of(resource).set(key, stored);
    this.publish({ type: old ? 'MODIFIED' : 'ADDED', resource, object: stored, old });
    return structuredClone(stored);
  }

  remove(resource: Resource, object: ApiObject): void {
    const key = keyOf(object.metadata);
    const old = this.of(resource).get(key);
    if (!old) return;
    this.of(resource).delete(key);
    this.revision += 1;
    const last = structuredClone({ ...old, metadata: { ...old.metadata, resourceVersion: String(this.revision) } });
    this.publish({ type: 'DELETED', resource, object: last, old });
  }

  /** Every change from now on, after those since a revision; the end of it. */
  watch(take: (change: Change) => void, since = this.resourceVersion): () => void {
    const seen = Number(since);
    if (!Number.isInteger(seen)) throw new ApiError(400, 'BadRequest', `resourceVersion: Invalid value: "${since}"`);
    const listener = { take, seen };
    this.listeners.add(listener);
    this.deliver();
    return () => this.listeners.delete(listener);
  }

  private of({ group, plural }: Resource): Map<string, ApiObject> {
    const key = `${plural}.${group}`;
    const known = this.objects.get(key) ?? new Map();
    this.objects.set(key, known);
    return known;
  }

  private publish(change: Change): void {
    this.changes.push({ revision: this.revision, change });
    this.deliver();
  }

  /** Later, and one change after the other: whoever changes something because of a change, comes after it for everybody. */
  private deliver(): void {
    if (this.delivering) return;
    this.delivering = true;
    queueMicrotask(() => {
      for (const listener of this.listeners) this.catchUp(listener);
      this.delivering = false;
      if ([...this.listeners].some(({ seen }) => seen < this.revision)) this.deliver();
    });
  }

  private catchUp(listener: Listener): void {
    for (const { revision, change } of this.changes.filter(each => each.revision > listener.seen)) {
      listener.seen = revision;
      listener.take(change);
    }
  }
}
