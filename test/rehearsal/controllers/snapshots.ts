import type { Api } from '../api/api';
import { type ApiObject, type Loose, timestamp } from '../api/object';
import type { Change } from '../api/store';
import type { Claims } from './claims';
import type { Driver, StoredSnapshot } from './driver';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers';
import { type Kinds, SNAPSHOT_GROUP } from './kinds';
import type { SnapshotFault, SnapshotFaults } from './snapshot-faults';
import type { Timers } from './timers';

// The names of external-snapshotter (v8.6.0, pkg/utils/util.go).
const AS_SOURCE = 'snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection';
const BOUND = 'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection';
const CONTENT_BOUND = 'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection';
const CLAIM_AS_SOURCE = 'snapshot.storage.kubernetes.io/pvc-as-source-protection';
const DEFAULT_CLASS = 'snapshot.storage.kubernetes.io/is-default-class';
export const IN_GROUP = 'snapshot.storage.kubernetes.io/volumesnapshot-in-group-protection';

/** How long until something that could not be done is tried again; the real ones wait longer. */
const RETRY_SECONDS = 0.2;

const PLANTED = 'rpc error: code = ResourceExhausted desc = planted by a test';

/**
 * kubernetes-csi/external-snapshotter (v8.6.0), as far as it can be seen from outside: its snapshot controller, and its sidecar in front
 * of the driver. The objects that it makes, their names, states, finalizers and errors are its own.
 */
export class Snapshots {
  private readonly started = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly claims: Claims,
    private readonly driver: Driver,
    private readonly faults: SnapshotFaults,
    private readonly timers: Timers,
  ) {
    api.watch(change => this.observe(change));
  }

  /** Whether a claim is being filled from a snapshot: then it must not go. */
  isSource({ metadata: { namespace, name } }: ApiObject): boolean {
    return this.api.store.list(this.kinds.claim, namespace).some(({ spec, status }) => {
      const { apiGroup, kind, name: source } = spec.dataSource ?? {};
      return apiGroup === SNAPSHOT_GROUP && kind === 'VolumeSnapshot' && source === name && status?.phase === 'Pending';
    });
  }

  private observe({ type, resource, object }: Change): void {
    if (resource === this.kinds.snapshot && type !== 'DELETED') this.sync(object);
    if (resource === this.kinds.snapshotContent) {
      if (type !== 'DELETED') this.syncContent(object);
      this.resync(object.spec.volumeSnapshotRef);
    }
    // Something that held snapshots back may be gone.
    if (resource === this.kinds.claim || (resource === this.kinds.group && type === 'DELETED')) {
      const all = this.api.store.list(this.kinds.snapshot, object.metadata.namespace);
      for (const snapshot of all) if (snapshot.metadata.deletionTimestamp) this.sync(snapshot);
    }
  }

  private resync({ namespace, name }: { namespace: string; name: string }): void {
    const snapshot = this.api.store.get(this.kinds.snapshot, namespace, name);
    if (snapshot) this.sync(snapshot);
  }

  private sync(snapshot: ApiObject): void {
    if (snapshot.metadata.deletionTimestamp) {
      this.remove(snapshot);
    } else if (!hasFinalizer(snapshot, AS_SOURCE)) {
      this.api.modify(snapshot, each => addFinalizer(each, AS_SOURCE));
    } else {
      const content = this.contentOf(snapshot);
      if (content) this.report(snapshot, content);
      else this.begin(snapshot);
    }
  }

  private begin(snapshot: ApiObject): void {
    const { uid = '' } = snapshot.metadata;
    const named = snapshot.spec.source.volumeSnapshotContentName !== undefined;
    if (named || snapshot.status?.boundVolumeSnapshotContentName) {
      this.fail(snapshot, 'SnapshotContentMissing', 'VolumeSnapshotContent is missing');
      if (named) this.again(snapshot);
    } else if (!this.started.has(uid)) {
      try {
        this.createContent(snapshot);
        this.started.add(uid);
      } catch (problem) {
        const why = `Failed to create snapshot content with error ${(problem as Error).message}`;
        this.fail(snapshot, 'SnapshotContentCreationFailed', why);
        this.again(snapshot);
      }
    }
  }

  /** The content of a snapshot: the one that it names, or the one that was made for it. Undefined, with an error, when that is another's. */
  private contentOf(snapshot: ApiObject): ApiObject | undefined {
    const { source } = snapshot.spec;
    const name =
      source.volumeSnapshotContentName ?? snapshot.status?.boundVolumeSnapshotContentName ?? `snapcontent-${snapshot.metadata.uid}`;
    const content = this.api.store.get(this.kinds.snapshotContent, undefined, name);
    if (!content) return undefined;
    const { namespace, name: of, uid } = content.spec.volumeSnapshotRef;
    const { metadata } = snapshot;
    if (namespace === metadata.namespace && of === metadata.name && [undefined, metadata.uid].includes(uid)) return content;
    const message = `VolumeSnapshotContent [${name}] is bound to a different snapshot`;
    this.fail(snapshot, 'SnapshotContentMisbound', message);
    return undefined;
  }

  private createContent(snapshot: ApiObject): void {
    const { namespace = '', name, uid } = snapshot.metadata;
    const input = (why: string) => new Error(`failed to get input parameters to create snapshot ${name}: ${JSON.stringify(why)}`);
    const wanted = snapshot.spec.volumeSnapshotClassName;
    const byDefault = this.api.store.list(this.kinds.snapshotClass).filter(each => each.metadata.annotations?.[DEFAULT_CLASS] === 'true');
    const found = wanted ? this.api.store.get(this.kinds.snapshotClass, undefined, wanted) : byDefault[0];
    if (!found) {
      throw input(
        wanted
          ? `failed to retrieve snapshot class ${wanted} from the informer: "volumesnapshotclass.${SNAPSHOT_GROUP} \\"${wanted}\\" not found"`
          : 'cannot find default snapshot class',
      );
    }
    const claim = snapshot.spec.source.persistentVolumeClaimName;
    const volume = this.claims.volumeOf(namespace, claim);
    this.api.modify(this.api.get(this.kinds.claim, namespace, claim), each => addFinalizer(each, CLAIM_AS_SOURCE));
    this.api.create(this.kinds.snapshotContent, {
      apiVersion: `${SNAPSHOT_GROUP}/v1`,
      kind: 'VolumeSnapshotContent',
      metadata: { name: `snapcontent-${uid}`, finalizers: [CONTENT_BOUND] },
      spec: {
        volumeSnapshotRef: { apiVersion: `${SNAPSHOT_GROUP}/v1`, kind: 'VolumeSnapshot', namespace, name, uid },
        source: { volumeHandle: volume.handle },
        volumeSnapshotClassName: found.metadata.name,
        deletionPolicy: found.deletionPolicy,
        driver: found.driver,
        sourceVolumeMode: 'Filesystem',
      },
    });
    this.api.event(snapshot, 'Normal', 'CreatingSnapshot', `Waiting for a snapshot ${namespace}/${name} to be created by the CSI driver.`);
  }

  /** What the sidecar of the driver does with a content. */
  private syncContent(content: ApiObject): void {
    const { uid = '', deletionTimestamp } = content.metadata;
    if (content.spec.driver !== this.driver.name) return; // no sidecar answers to that name
    if (deletionTimestamp) {
      if (content.spec.deletionPolicy === 'Delete') this.driver.delete(content.status?.snapshotHandle);
      if (hasFinalizer(content, CONTENT_BOUND)) this.api.modify(content, each => removeFinalizer(each, CONTENT_BOUND));
      return;
    }
    if (content.status?.snapshotHandle || this.started.has(uid)) return;
    this.started.add(uid);
    if (content.spec.source.snapshotHandle) this.adopt(content);
    else if (content.metadata.annotations?.['groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle'] === undefined) this.cut(content);
  }

  /** A snapshot that the storage system has already. */
  private adopt(content: ApiObject): void {
    if (!hasFinalizer(content, CONTENT_BOUND)) this.api.modify(content, each => addFinalizer(each, CONTENT_BOUND));
    const handle = content.spec.source.snapshotHandle;
    const stored = this.driver.snapshot(handle);
    const message = `Failed to check and update snapshot content: failed to list snapshot for content ${content.metadata.name}: "rpc error: code = NotFound desc = snapshot ${handle} does not exist"`;
    const status = stored ? { ...facts(stored), readyToUse: true } : { readyToUse: false, error: { message, time: timestamp() } };
    this.setStatus(content, status);
  }

  private cut(content: ApiObject): void {
    const volume = this.claims.volumeByHandle(content.spec.source.volumeHandle);
    const fault = this.faults.strike(volume ? [volume.claim] : []);
    if (fault?.kind === 'never-cut') return;
    const { cutDelaySeconds = 0.1 } = this.driver.options;
    this.timers.after(cutDelaySeconds + delayOf(fault), () => {
      if (!this.exists(content)) return;
      if (!volume || fault?.kind === 'error') return this.refuse(content, fault);
      void this.driver.cut([volume]).then(([stored]) => {
        if (!stored || !this.exists(content)) return;
        this.setStatus(content, { ...facts(stored), readyToUse: false });
        if (fault?.kind !== 'never-ready') this.getReady(content);
      });
    });
  }

  /** The driver has failed: the sidecar says so, and tries again. */
  private refuse(content: ApiObject, fault: SnapshotFault | undefined): void {
    const why = fault?.message ?? (fault ? PLANTED : 'rpc error: code = NotFound desc = volume does not exist');
    const message = `Failed to check and update snapshot content: failed to take snapshot of the volume ${content.spec.source.volumeHandle}: ${JSON.stringify(why)}`;
    this.setStatus(content, { readyToUse: false, error: { message, time: timestamp() } });
    this.timers.after(RETRY_SECONDS, () => this.exists(content) && this.cut(content));
  }

  private getReady(content: ApiObject): void {
    const { readyDelaySeconds = 0.1 } = this.driver.options;
    this.timers.after(readyDelaySeconds, () => this.exists(content) && this.setStatus(content, { readyToUse: true }));
  }

  private exists({ metadata: { name, uid } }: ApiObject): boolean {
    return this.api.store.get(this.kinds.snapshotContent, undefined, name)?.metadata.uid === uid;
  }

  private setStatus(content: ApiObject, status: Loose): void {
    this.api.modify(
      content,
      each => {
        const { error, ...before } = each.status ?? {};
        each.status = { ...before, ...status };
      },
      'status',
    );
  }

  /** The controller's part: what the content says is what the snapshot says. */
  private report(snapshot: ApiObject, content: ApiObject): void {
    const { uid } = snapshot.metadata;
    if (content.spec.volumeSnapshotRef.uid === undefined) {
      this.api.modify(content, each => {
        each.spec.volumeSnapshotRef.uid = uid;
      });
    }
    if (content.spec.deletionPolicy === 'Delete' && !hasFinalizer(snapshot, BOUND))
      this.api.modify(snapshot, each => addFinalizer(each, BOUND));
    const { creationTime, restoreSize, readyToUse = false, error, volumeGroupSnapshotHandle } = content.status ?? {};
    const group = this.api.store
      .list(this.kinds.groupContent)
      .find(each => each.status?.volumeGroupSnapshotHandle === volumeGroupSnapshotHandle);
    const status = {
      ...snapshot.status,
      boundVolumeSnapshotContentName: content.metadata.name,
      readyToUse,
      ...(creationTime !== undefined && { creationTime: timestamp(new Date(creationTime / 1e6)) }),
      ...(restoreSize !== undefined && { restoreSize: binary(restoreSize) }),
      ...(volumeGroupSnapshotHandle && group && { volumeGroupSnapshotName: group.spec.volumeGroupSnapshotRef.name }),
      ...(error && { error }),
    };
    if (!error) delete status.error;
    if (same(status, snapshot.status)) return;
    this.api.modify(
      snapshot,
      each => {
        each.status = status;
      },
      'status',
    );
    const key = `${snapshot.metadata.namespace}/${snapshot.metadata.name}`;
    if (!snapshot.status?.creationTime && status.creationTime) {
      this.api.event(snapshot, 'Normal', 'SnapshotCreated', `Snapshot ${key} was successfully created by the CSI driver.`);
    }
    if (!snapshot.status?.readyToUse && readyToUse) {
      this.api.event(snapshot, 'Normal', 'SnapshotReady', `Snapshot ${key} is ready to use.`);
      this.letGo(snapshot);
    }
  }

  /** The claim may go once its snapshot is there. */
  private letGo({ metadata: { namespace }, spec }: ApiObject): void {
    const claim = this.api.store.get(this.kinds.claim, namespace, spec.source.persistentVolumeClaimName);
    if (claim && hasFinalizer(claim, CLAIM_AS_SOURCE)) this.api.modify(claim, each => removeFinalizer(each, CLAIM_AS_SOURCE));
  }

  private fail(snapshot: ApiObject, reason: string, message: string): void {
    if (snapshot.status?.error?.message === message) return;
    this.api.modify(
      snapshot,
      each => {
        each.status = { ...each.status, readyToUse: false, error: { message, time: timestamp() } };
      },
      'status',
    );
    this.api.event(snapshot, 'Warning', reason, message);
  }

  private again({ metadata: { namespace = '', name, uid } }: ApiObject): void {
    if (this.started.has(`retry ${uid}`)) return;
    this.started.add(`retry ${uid}`);
    this.timers.after(RETRY_SECONDS, () => {
      this.started.delete(`retry ${uid}`);
      this.resync({ namespace, name });
    });
  }

  /** processSnapshotWithDeletionTimestamp. */
  private remove(snapshot: ApiObject): void {
    const content = this.contentOf(snapshot);
    const held = this.heldBy(snapshot, content);
    if (held) {
      this.hold(snapshot, held);
      return;
    }
    const deletes = content?.spec.deletionPolicy === 'Delete';
    if (content && deletes && !content.metadata.deletionTimestamp)
      this.api.delete(this.kinds.snapshotContent, undefined, content.metadata.name);
    this.letGo(snapshot);
    this.api.modify(snapshot, each => {
      for (const finalizer of [AS_SOURCE, IN_GROUP]) removeFinalizer(each, finalizer);
      // Until the content is gone, and the copy with it.
      if (!(content && deletes && this.exists(content))) removeFinalizer(each, BOUND);
    });
  }

  /** Why a snapshot cannot go yet. */
  private heldBy(snapshot: ApiObject, content: ApiObject | undefined): string | undefined {
    if (content && this.isSource(snapshot)) return 'Snapshot is being used to restore a PVC';
    const { namespace, name } = snapshot.metadata;
    const group = snapshot.status?.volumeGroupSnapshotName;
    if (!group || !this.api.store.get(this.kinds.group, namespace, group)) return undefined;
    const member = `deletion of the individual volume snapshot ${namespace}/${name} is not allowed as it belongs to group snapshot ${namespace}/${group}.`;
    return `${member} Deleting the group snapshot will trigger the deletion of all the individual volume snapshots that are part of the group.`;
  }

  private hold(snapshot: ApiObject, why: string): void {
    const { uid } = snapshot.metadata;
    if (this.started.has(`${uid} ${why}`)) return;
    this.started.add(`${uid} ${why}`);
    this.api.event(snapshot, 'Warning', 'SnapshotDeletePending', why);
  }
}

const delayOf = (fault: SnapshotFault | undefined) => (fault?.kind === 'slow' ? (fault.delaySeconds ?? 5) : 0);

const facts = ({ handle, cutAt, bytes }: StoredSnapshot) => ({
  snapshotHandle: handle,
  creationTime: cutAt.getTime() * 1e6,
  restoreSize: bytes,
});

const same = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

const sorted = (value: unknown) => Object.entries((value ?? {}) as object).sort(([a], [b]) => (a < b ? -1 : 1));

/** As quantities of bytes are written. */
export function binary(bytes: number): string {
  const unit = ['Ti', 'Gi', 'Mi', 'Ki'].find((_, index) => bytes % 1024 ** (4 - index) === 0);
  return unit ? `${bytes / 1024 ** (4 - ['Ti', 'Gi', 'Mi', 'Ki'].indexOf(unit))}${unit}` : String(bytes);
}
