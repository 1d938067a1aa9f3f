import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/api';
import { invalid } from '../api/errors';
import type { ApiObject, Loose } from '../api/object';
import type { Change } from '../api/store';
import type { Cluster } from '../cluster';
import { quantity } from '../quantity';
import type { Driver, VolumeSource } from './driver';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers';
import { type Kinds, SNAPSHOT_GROUP } from './kinds';
import type { Timers } from './timers';

const IN_USE = 'kubernetes.io/pvc-protection';
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
/** The provisioner tries again; a real one waits longer. */
const RETRY_SECONDS = 0.2;

/**
 * Claims get directories, as kube-controller-manager and a CSI external-provisioner would make volumes for them: empty, or filled from
 * a VolumeSnapshot. Volumes go with their claims: the reclaim policy is always Delete. Every claim is bound at once, whatever its class says
 * of the first consumer.
 */
export class Claims {
  private readonly under = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly cluster: Cluster,
    private readonly driver: Driver,
    private readonly timers: Timers,
  ) {
    api.admit((verb, resource, claim) => {
      if (resource !== this.kinds.claim) return;
      if (verb === 'create') this.prepare(claim);
      if (verb === 'update') this.refuseChange(claim);
    });
    api.watch(change => this.observe(change));
  }

  /** The volume of a claim. @throws Error when it has none */
  volumeOf(namespace: string, name: string): VolumeSource {
    const claim = this.api.store.get(this.kinds.claim, namespace, name);
    if (!claim) throw new Error(`cannot get claim ${namespace}/${name}: persistentvolumeclaim "${name}" not found`);
    if (claim.status?.phase !== 'Bound') {
      throw new Error(`the PVC ${name} is not yet bound to a PV, will not attempt to take a snapshot`);
    }
    const volume = this.api.get(this.kinds.volume, undefined, claim.spec.volumeName);
    return { handle: volume.spec.csi.volumeHandle, namespace, claim: name, bytes: quantity(volume.spec.capacity.storage) };
  }

  /** The volume with a handle. */
  volumeByHandle(handle: string): VolumeSource | undefined {
    const volume = this.api.store.list(this.kinds.volume).find(({ spec }) => spec.csi.volumeHandle === handle);
    const { namespace, name } = volume?.spec.claimRef ?? {};
    return volume && { handle, namespace, claim: name, bytes: quantity(volume.spec.capacity.storage) };
  }

  private observe({ type, resource, object }: Change): void {
    if (resource === this.kinds.claim) {
      if (type === 'DELETED') this.release(object);
      else this.sync(object);
    }
    if (resource === this.kinds.pod) {
      for (const claim of this.api.store.list(this.kinds.claim, object.metadata.namespace))
        if (claim.metadata.deletionTimestamp) this.sync(claim);
    }
  }

  private prepare(claim: ApiObject): void {
    const { spec } = claim;
    claim.status = { phase: 'Pending' };
    addFinalizer(claim, IN_USE);
    const required = [
      ...(spec?.accessModes?.length ? [] : ['spec.accessModes']),
      ...(spec?.resources?.requests?.storage ? [] : ['spec.resources[storage]']),
    ];
    const causes = required.map(field => ({ reason: 'FieldValueRequired', field, message: 'Required value' }));
    if (causes.length > 0) throw invalid(this.kinds.claim, claim.metadata.name, causes);
    // Each stands for the other, unless the source is in another namespace.
    spec.dataSourceRef ??= spec.dataSource;
    if (spec.dataSourceRef?.namespace === undefined) spec.dataSource ??= spec.dataSourceRef;
    spec.volumeMode ??= 'Filesystem';
    spec.storageClassName ??= this.api.store.list(this.kinds.storageClass).find(isDefault)?.metadata.name;
  }

  private refuseChange(claim: ApiObject): void {
    const old = this.api.get(this.kinds.claim, claim.metadata.namespace, claim.metadata.name);
    const fixed = ({ spec: { resources, volumeName, ...rest } }: ApiObject) => rest;
    if (isDeepStrictEqual(fixed(claim), fixed(old))) return;
    const message = 'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    throw invalid(this.kinds.claim, claim.metadata.name, [{ reason: 'FieldValueForbidden', field: 'spec', message }]);
  }

  private sync(claim: ApiObject): void {
    const { namespace = '', name, uid = '', deletionTimestamp } = claim.metadata;
    if (deletionTimestamp) {
      if (hasFinalizer(claim, IN_USE) && !this.isUsed(namespace, name)) this.api.modify(claim, each => removeFinalizer(each, IN_USE));
    } else if (claim.status?.phase === 'Pending' && !this.under.has(uid)) {
      this.under.add(uid);
      void this.provision(claim);
    }
  }

  private isUsed(namespace: string, claim: string): boolean {
    const pods = this.api.store.list(this.kinds.pod, namespace).filter(({ status }) => ['Pending', 'Running'].includes(status?.phase));
    return pods.some(({ spec }) => spec.volumes?.some((volume: Loose) => volume.persistentVolumeClaim?.claimName === claim));
  }

  /** Makes the volume, or says why it cannot, and tries again as long as the claim is there. */
  private async provision(claim: ApiObject): Promise<void> {
    const { namespace = '', name, uid } = claim.metadata;
    try {
      const source = claim.spec.dataSourceRef;
      this.checkClass(claim);
      this.api.modify(claim, each => {
        each.metadata.annotations = { ...each.metadata.annotations, 'volume.kubernetes.io/storage-provisioner': this.driver.name };
      });
      if (source) await this.driver.fill(this.handleOf(claim, source), namespace, name);
      this.bind(claim);
    } catch (problem) {
      const now = this.api.store.get(this.kinds.claim, namespace, name);
      if (now?.metadata.uid !== uid || now?.metadata.deletionTimestamp) return;
      const { message } = problem as Error;
      const known = this.api.store.list(this.kinds.event, namespace);
      const told = known.some(event => event.involvedObject.uid === uid && event.message === message);
      if (!told) this.api.event(claim, 'Warning', 'ProvisioningFailed', message);
      this.timers.after(RETRY_SECONDS, () => void this.provision(claim));
    }
  }

  private checkClass({ spec: { storageClassName } }: ApiObject): void {
    const found = storageClassName && this.api.store.get(this.kinds.storageClass, undefined, storageClassName);
    if (!found)
      throw new Error(storageClassName ? `storageclass.storage.k8s.io "${storageClassName}" not found` : 'no storage class is set');
    if (found.provisioner !== this.driver.name)
      throw new Error(`Waiting for a volume to be created by the external provisioner '${found.provisioner}'`);
  }

  /** external-provisioner, pkg/controller: getSnapshotSource. */
  private handleOf({ metadata: { namespace }, spec }: ApiObject, source: Loose): string {
    const { apiGroup, kind, name } = source;
    const failed = (why: string) => new Error(`failed to provision volume with StorageClass "${spec.storageClassName}": ${why}`);
    if (apiGroup !== SNAPSHOT_GROUP || kind !== 'VolumeSnapshot') throw failed(`the rehearsal fills no volumes from ${kind}.${apiGroup}`);
    if (source.namespace !== undefined && source.namespace !== namespace)
      throw failed('a source in another namespace needs a ReferenceGrant');
    const get = `error getting snapshot ${name} from api server: `;
    const snapshot = this.api.store.get(this.kinds.snapshot, namespace, name);
    if (!snapshot) throw failed(`${get}volumesnapshots.${SNAPSHOT_GROUP} "${name}" not found`);
    const { boundVolumeSnapshotContentName: bound, readyToUse } = snapshot.status ?? {};
    if (snapshot.metadata.deletionTimestamp) throw failed(`snapshot ${name} is currently being deleted`);
    if (!bound) throw failed(`snapshot ${name} not bound`);
    const content = this.api.store.get(this.kinds.snapshotContent, undefined, bound);
    if (!content) throw failed(`error getting snapshotcontent ${bound} for snapshot ${namespace}/${name} from api server`);
    if (content.spec.volumeSnapshotRef.uid !== snapshot.metadata.uid)
      throw failed(`snapshotContent ${bound} for snapshot ${name} is bound to a different snapshot`);
    if (content.spec.driver !== this.driver.name)
      throw failed(`requested StorageClass is for ${this.driver.name}, snapshot ${name} is of ${content.spec.driver}`);
    if (!readyToUse) throw failed(`snapshot ${name} is not Ready`);
    const [wanted, needed] = [quantity(spec.resources.requests.storage), content.status?.restoreSize ?? 0];
    if (wanted < needed) throw failed(`requested volume size ${wanted} is less than the size ${needed} for the source snapshot ${name}`);
    return content.status.snapshotHandle;
  }

  private bind(claim: ApiObject): void {
    const { namespace = '', name, uid } = claim.metadata;
    const { accessModes, storageClassName, volumeMode, resources } = claim.spec;
    this.cluster.claim(namespace, name);
    const volumeName = `pvc-${uid}`;
    const capacity = { storage: resources.requests.storage };
    const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid };
    const csi = { driver: this.driver.name, volumeHandle: `volume-${uid}` };
    const spec = { capacity, accessModes, claimRef, csi, storageClassName, volumeMode, persistentVolumeReclaimPolicy: 'Delete' };
    const { object } = this.api.create(this.kinds.volume, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName },
      spec,
    });
    this.api.modify(
      object,
      volume => {
        volume.status = { phase: 'Bound' };
      },
      'status',
    );
    const bound = this.api.modify(claim, each => {
      each.spec.volumeName = volumeName;
      each.metadata.annotations = { ...each.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' };
    });
    if (bound)
      this.api.modify(
        bound,
        each => {
          each.status = { phase: 'Bound', accessModes, capacity };
        },
        'status',
      );
  }

  private release({ metadata: { namespace = '', name }, spec }: ApiObject): void {
    this.cluster.removeClaim(namespace, name);
    if (this.api.store.get(this.kinds.volume, undefined, spec.volumeName)) this.api.delete(this.kinds.volume, undefined, spec.volumeName);
  }
}

const isDefault = ({ metadata }: ApiObject) => metadata.annotations?.[DEFAULT_CLASS] === 'true';
