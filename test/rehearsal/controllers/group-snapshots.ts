import { createHash, randomUUID } from 'node:crypto';
import type { Api } from '../api/api';
import { type ApiObject, type Loose, timestamp } from '../api/object';
import { labelsMatch } from '../api/selectors';
import type { Change } from '../api/store';
import type { Claims } from './claims';
import type { Driver, StoredSnapshot, VolumeSource } from './driver';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers';
import { GROUP_SNAPSHOT_GROUP, type Kinds, SNAPSHOT_GROUP } from './kinds';
import type { SnapshotFault, SnapshotFaults } from './snapshot-faults';
import { IN_GROUP, type Snapshots } from './snapshots';
import type { Timers } from './timers';

// The names of external-snapshotter (v8.6.0, pkg/utils/util.go).
const BOUND = 'groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-bound-protection';
const CONTENT_BOUND = 'groupsnapshot.storage.kubernetes.io/volumegroupsnapshotcontent-bound-protection';
const HANDLE = 'groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle';
const DEFAULT_CLASS = 'groupsnapshot.storage.kubernetes.io/is-default-class';

const RETRY_SECONDS = 0.2;

/**
 * The group half of kubernetes-csi/external-snapshotter (v8.6.0): one cut of all volumes, and a VolumeSnapshot for each that the controller
 * names itself, with no labels of its group. Pre-provisioned groups are not simulated.
 */
export class GroupSnapshots {
  private readonly started = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly claims: Claims,
    private readonly snapshots: Snapshots,
    private readonly driver: Driver,
    private readonly faults: SnapshotFaults,
    private readonly timers: Timers,
  ) {
    api.watch(change => this.observe(change));
  }

  private observe({ type, resource, object }: Change): void {
    if (resource === this.kinds.group && type !== 'DELETED') this.sync(object);
    if (resource === this.kinds.groupContent) {
      if (type !== 'DELETED') this.syncContent(object);
      const { namespace, name } = object.spec.volumeGroupSnapshotRef;
      const group = this.api.store.get(this.kinds.group, namespace, name);
      if (group) this.sync(group);
    }
    if (resource === this.kinds.claim) {
      const all = this.api.store.list(this.kinds.group, object.metadata.namespace);
      for (const group of all) if (group.metadata.deletionTimestamp) this.sync(group);
    }
  }

  private sync(group: ApiObject): void {
    const content = this.contentOf(group);
    if (group.metadata.deletionTimestamp) this.remove(group);
    else if (content) this.report(group, content);
    else if (!this.started.has(group.metadata.uid ?? '')) this.begin(group);
  }

  private begin(group: ApiObject): void {
    const { namespace, name, uid = '' } = group.metadata;
    try {
      this.createContent(group);
      this.started.add(uid);
    } catch (problem) {
      this.fail(group, `failed to create group snapshot content with error ${(problem as Error).message}`);
      this.timers.after(RETRY_SECONDS, () => {
        const now = this.api.store.get(this.kinds.group, namespace, name);
        if (now?.metadata.uid === uid) this.sync(now);
      });
    }
  }

  private contentOf({ metadata: { uid } }: ApiObject): ApiObject | undefined {
    return this.api.store.get(this.kinds.groupContent, undefined, `groupsnapcontent-${uid}`);
  }

  private createContent(group: ApiObject): void {
    const { namespace = '', name, uid } = group.metadata;
    if (group.spec.source.volumeGroupSnapshotContentName) throw new Error('the rehearsal knows no pre-provisioned group snapshots');
    const wanted = group.spec.volumeGroupSnapshotClassName;
    const byDefault = this.api.store.list(this.kinds.groupClass).filter(each => each.metadata.annotations?.[DEFAULT_CLASS] === 'true');
    const found = wanted ? this.api.store.get(this.kinds.groupClass, undefined, wanted) : byDefault[0];
    if (!found)
      throw new Error(
        wanted
          ? `failed to retrieve group snapshot class ${wanted} from the informer: not found`
          : 'cannot find default group snapshot class',
      );
    const members = this.api.store.list(this.kinds.claim, namespace).filter(claim => labelsMatch(group.spec.source.selector, claim));
    if (members.length === 0)
      throw new Error(`failed to get volumes from group snapshot ${namespace}/${name}: no PVC matches the label selector`);
    const volumes = members.map(({ metadata }) => this.claims.volumeOf(namespace, metadata.name));
    this.api.create(this.kinds.groupContent, {
      apiVersion: group.apiVersion,
      kind: 'VolumeGroupSnapshotContent',
      metadata: { name: `groupsnapcontent-${uid}`, finalizers: [CONTENT_BOUND] },
      spec: {
        volumeGroupSnapshotRef: { apiVersion: group.apiVersion, kind: 'VolumeGroupSnapshot', namespace, name, uid },
        source: { volumeHandles: volumes.map(({ handle }) => handle) },
        volumeGroupSnapshotClassName: found.metadata.name,
        deletionPolicy: found.deletionPolicy,
        driver: found.driver,
      },
    });
  }

  private syncContent(content: ApiObject): void {
    const { uid = '', deletionTimestamp } = content.metadata;
    if (content.spec.driver !== this.driver.name) return;
    if (deletionTimestamp) return void this.api.modify(content, each => removeFinalizer(each, CONTENT_BOUND));
    if (this.started.has(uid)) return;
    this.started.add(uid);
    this.cut(content);
  }

  private cut(content: ApiObject): void {
    const volumes = content.spec.source.volumeHandles.flatMap(
      (handle: string) => this.claims.volumeByHandle(handle) ?? [],
    ) as VolumeSource[];
    const fault = this.faults.strike(volumes.map(({ claim }) => claim));
    if (fault?.kind === 'never-cut') return;
    const { cutDelaySeconds = 0.1 } = this.driver.options;
    const delay = fault?.kind === 'slow' ? (fault.delaySeconds ?? 5) : 0;
    this.timers.after(cutDelaySeconds + delay, () => {
      if (!this.exists(content)) return;
      if (fault?.kind === 'error') return this.refuse(content, fault);
      void this.driver.cut(volumes).then(stored => this.exists(content) && this.takeOver(content, volumes, stored, fault));
    });
  }

  private refuse(content: ApiObject, fault: SnapshotFault): void {
    const message = `Failed to check and update group snapshot content: failed to create group snapshot: ${JSON.stringify(fault.message ?? 'rpc error: planted by a test')}`;
    this.setStatus(content, { readyToUse: false, error: { message, time: timestamp() } });
    this.timers.after(RETRY_SECONDS, () => this.exists(content) && this.cut(content));
  }

  /** All are cut: the objects of the single snapshots come now. */
  private takeOver(content: ApiObject, volumes: VolumeSource[], stored: StoredSnapshot[], fault: SnapshotFault | undefined): void {
    const handle = `group-${randomUUID()}`;
    const volumeSnapshotInfoList = stored.map(({ handle: snapshotHandle, bytes, cutAt }, index) => ({
      ...{
        snapshotHandle,
        volumeHandle: volumes[index]?.handle,
        restoreSize: bytes,
        readyToUse: false,
        creationTime: cutAt.getTime() * 1e6,
      },
    }));
    const creationTime = timestamp(stored[0]?.cutAt);
    const cut = this.setStatus(content, { volumeGroupSnapshotHandle: handle, creationTime, readyToUse: false, volumeSnapshotInfoList });
    if (!cut) return;
    const members = stored.map((snapshot, index) => this.createMember(cut, volumes[index] as VolumeSource, snapshot));
    if (fault?.kind === 'never-ready') return;
    const { readyDelaySeconds = 0.1 } = this.driver.options;
    this.timers.after(readyDelaySeconds, () => {
      for (const member of members)
        this.api.modify(
          member,
          each => {
            each.status.readyToUse = true;
          },
          'status',
        );
      this.setStatus(content, { readyToUse: true });
    });
  }

  /** Names and owners as the controller gives them; the content that is returned knows its snapshot, and is cut. */
  private createMember(content: ApiObject, volume: VolumeSource, stored: StoredSnapshot): ApiObject {
    const { name, namespace, uid } = content.spec.volumeGroupSnapshotRef;
    const hash = createHash('sha256').update(`${uid}${volume.handle}`).digest('hex');
    const apiVersion = `${SNAPSHOT_GROUP}/v1`;
    const owner = { apiVersion: `${GROUP_SNAPSHOT_GROUP}/v1`, kind: 'VolumeGroupSnapshot', name, uid };
    const { object: made } = this.api.create(this.kinds.snapshotContent, {
      apiVersion,
      kind: 'VolumeSnapshotContent',
      metadata: {
        name: `snapcontent-${hash}`,
        annotations: { [HANDLE]: content.status.volumeGroupSnapshotHandle },
        finalizers: ['snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection'],
      },
      spec: {
        volumeSnapshotRef: { kind: 'VolumeSnapshot', name: `snapshot-${hash}`, namespace },
        ...{ deletionPolicy: content.spec.deletionPolicy, driver: content.spec.driver, source: { volumeHandle: volume.handle } },
        sourceVolumeMode: 'Filesystem',
      },
    });
    const { object: snapshot } = this.api.create(this.kinds.snapshot, {
      apiVersion,
      kind: 'VolumeSnapshot',
      metadata: { name: `snapshot-${hash}`, namespace, ownerReferences: [owner], finalizers: [IN_GROUP] },
      spec: { source: { persistentVolumeClaimName: volume.claim } },
    });
    const bound = this.api.modify(made, each => {
      each.spec.volumeSnapshotRef.uid = snapshot.metadata.uid;
    }) as ApiObject;
    const status = {
      ...{ snapshotHandle: stored.handle, volumeGroupSnapshotHandle: content.status.volumeGroupSnapshotHandle, readyToUse: false },
      ...{ creationTime: stored.cutAt.getTime() * 1e6, restoreSize: stored.bytes },
    };
    this.api.modify(
      snapshot,
      each => {
        each.status = { boundVolumeSnapshotContentName: bound.metadata.name };
      },
      'status',
    );
    return this.api.modify(
      bound,
      each => {
        each.status = status;
      },
      'status',
    ) as ApiObject;
  }

  private report(group: ApiObject, content: ApiObject): void {
    if (!hasFinalizer(group, BOUND)) this.api.modify(group, each => addFinalizer(each, BOUND));
    const { creationTime, readyToUse = false, error } = content.status ?? {};
    const bound = { boundVolumeGroupSnapshotContentName: content.metadata.name };
    const status = { ...bound, readyToUse, ...(creationTime && { creationTime }), ...(error && { error }) };
    const old = group.status ?? {};
    if (old.readyToUse === readyToUse && old.creationTime === creationTime && old.error?.time === error?.time) return;
    this.api.modify(
      group,
      each => {
        each.status = status;
      },
      'status',
    );
  }

  private fail(group: ApiObject, message: string): void {
    if (group.status?.error?.message === message) return;
    this.api.modify(
      group,
      each => {
        each.status = { ...each.status, readyToUse: false, error: { message, time: timestamp() } };
      },
      'status',
    );
    this.api.event(group, 'Warning', 'GroupSnapshotContentCreationFailed', message);
  }

  private setStatus(content: ApiObject, status: Loose): ApiObject | undefined {
    return this.api.modify(
      content,
      each => {
        const { error, ...before } = each.status ?? {};
        each.status = { ...before, ...status };
      },
      'status',
    );
  }

  private exists({ metadata: { name, uid } }: ApiObject): boolean {
    return this.api.store.get(this.kinds.groupContent, undefined, name)?.metadata.uid === uid;
  }

  /** processGroupSnapshotWithDeletionTimestamp: not while a claim is filled from a member; with it, all members. */
  private remove(group: ApiObject): void {
    const { namespace, uid } = group.metadata;
    const members = this.api.store
      .list(this.kinds.snapshot, namespace)
      .filter(each => each.metadata.ownerReferences?.some(owner => owner.uid === uid));
    const source = members.find(member => this.snapshots.isSource(member));
    if (source) {
      const why = `Snapshot ${namespace}/${source.metadata.name} belonging to VolumeGroupSnapshot ${namespace}/${group.metadata.name} is being used to restore a PVC`;
      if (!this.started.has(why)) this.api.event(group, 'Warning', 'SnapshotDeletePending', why);
      this.started.add(why);
      return;
    }
    const content = this.contentOf(group);
    const deletes = content?.spec.deletionPolicy === 'Delete';
    if (content && deletes && !content.metadata.deletionTimestamp)
      this.api.delete(this.kinds.groupContent, undefined, content.metadata.name);
    for (const { metadata } of members) if (!metadata.deletionTimestamp) this.api.delete(this.kinds.snapshot, namespace, metadata.name);
    if (!(content && deletes && this.exists(content))) this.api.modify(group, each => removeFinalizer(each, BOUND));
  }
}
