import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { dataOf, fieldValue, own, type PodFacts, resourceValue } from './environment';
import { CannotStart, NotUnderstood } from './errors';
import type { Manifests } from './manifests';
import type { DownwardItem, FileSource, KeyToPath, SecurityContext, Volume } from './pod-spec';
import { quantity } from './quantity';

/** A volume of a running pod: a directory of this machine that its containers bind. */
export interface MountedVolume {
  readonly path: string;
  /** Never writable, whatever the mount says: files from Secrets and the like, claims opened read-only. */
  readonly readOnly: boolean;
}

/** Where the volumes that outlive a pod come from. */
export interface Storage {
  /** The directory of a claim; throws when nobody declared it. */
  claim(namespace: string, name: string): string;
  /** The stand-in for a path of the node. Never the machine's own. */
  hostPath(path: string): string;
}

/** The file systems mounted by the rehearsal, so that every one is unmounted again. */
export class Mounts {
  private paths: string[] = [];

  /** A file system of its own, full when it is full: ENOSPC. */
  tmpfs(path: string, bytes: number | undefined, mode = '0755'): void {
    mkdirSync(path, { recursive: true });
    const size = bytes === undefined ? '' : `,size=${Math.ceil(bytes)}`;
    this.mount(path, ['-t', 'tmpfs', '-o', `nosuid,nodev,mode=${mode}${size}`, 'tmpfs', path]);
  }

  /** A writable layer over an image's root, as a container runtime makes it; the image itself is never written to. */
  overlay(path: string, image: string, layer: string): void {
    const [upper, work] = [join(layer, 'upper'), join(layer, 'work')];
    for (const directory of [path, upper, work]) mkdirSync(directory, { recursive: true, mode: 0o755 });
    this.mount(path, ['-t', 'overlay', '-o', `lowerdir=${image},upperdir=${upper},workdir=${work}`, 'overlay', path]);
  }

  /** Unmounts everything at or below a path, the newest first. */
  release(below: string): void {
    const released = this.paths.filter(each => each === below || each.startsWith(`${below}/`)).reverse();
    if (released.length === 0) return;
    const { status, stderr } = spawnSync('umount', released, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`umount ${released.join(' ')}: ${stderr}`);
    this.paths = this.paths.filter(each => !released.includes(each));
  }

  private mount(path: string, arguments_: string[]): void {
    const { status, stderr } = spawnSync('mount', arguments_, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mount ${path}: ${stderr}`);
    this.paths.push(path);
  }
}

/** Makes the volumes of a pod below a directory of its own. */
export class VolumeMaker {
  constructor(
    private readonly directory: string,
    private readonly pod: PodFacts,
    private readonly objects: Manifests,
    private readonly storage: Storage,
    private readonly mounts: Mounts,
  ) {}

  make(volume: Volume): MountedVolume {
    const path = join(this.directory, volume.name);
    const security = this.pod.spec.securityContext ?? {};
    if (volume.emptyDir) return this.emptyDir(path, volume.emptyDir, security);
    if (volume.persistentVolumeClaim) {
      const { claimName, readOnly = false } = volume.persistentVolumeClaim;
      const claim = this.storage.claim(this.pod.metadata.namespace, claimName);
      if (!readOnly) giveToGroup(claim, security);
      return { path: claim, readOnly };
    }
    if (volume.ephemeral) {
      const size = volume.ephemeral.volumeClaimTemplate.spec.resources?.requests?.storage;
      if (size === undefined) throw new NotUnderstood(`volume ${volume.name}: the claim template requests no storage`);
      this.mounts.tmpfs(path, quantity(size));
      lostAndFound(path);
      giveToGroup(path, security);
      return { path, readOnly: false };
    }
    if (volume.hostPath) return { path: this.hostPath(volume.hostPath), readOnly: false };
    writeFiles(path, this.files(volume), security);
    return { path, readOnly: true };
  }

  /**
   * Kubernetes docs: "Volumes", emptyDir: world-writable, gone with the pod.
   *
   * With a sizeLimit it is a tmpfs of that size in both media. On disk a kubelet does something else: it lets the volume overflow and evicts
   * the pod when it next looks. Either way the work is not done; here the writer sees ENOSPC.
   */
  private emptyDir(path: string, source: NonNullable<Volume['emptyDir']>, security: SecurityContext): MountedVolume {
    if (source.sizeLimit !== undefined || source.medium === 'Memory') {
      this.mounts.tmpfs(path, source.sizeLimit === undefined ? undefined : quantity(source.sizeLimit));
    } else {
      mkdirSync(path, { recursive: true });
    }
    chmodSync(path, 0o777);
    giveToGroup(path, security);
    return { path, readOnly: false };
  }

  /** Kubernetes docs: "Volumes", hostPath types. No fsGroup: a kubelet leaves the node's files alone. */
  private hostPath({ path, type = '' }: NonNullable<Volume['hostPath']>): string {
    const actual = this.storage.hostPath(path);
    const kind = !existsSync(actual) ? undefined : statSync(actual).isDirectory() ? 'Directory' : 'File';
    if (['Directory', 'File'].includes(type) && kind !== type)
      throw new CannotStart('FailedMount', `hostPath type check failed: ${path} is not a ${type}`);
    if (!['', 'Directory', 'File', 'DirectoryOrCreate'].includes(type)) throw new NotUnderstood(`hostPath type ${type}`);
    if (kind === undefined) mkdirSync(actual, { recursive: true, mode: 0o755 });
    return actual;
  }

  private files(volume: Volume): SmallFile[] {
    const mode = (volume.projected ?? volume.configMap ?? volume.secret ?? volume.downwardAPI)?.defaultMode ?? 0o644;
    if (volume.projected) {
      return volume.projected.sources.flatMap(source => [
        ...(source.secret ? this.filesOf('Secret', source.secret, mode) : []),
        ...(source.configMap ? this.filesOf('ConfigMap', source.configMap, mode) : []),
        ...(source.downwardAPI?.items ?? []).map(item => this.downward(item, mode)),
      ]);
    }
    if (volume.secret) return this.filesOf('Secret', { ...volume.secret, name: volume.secret.secretName }, mode);
    if (volume.configMap) return this.filesOf('ConfigMap', volume.configMap, mode);
    if (volume.downwardAPI) return (volume.downwardAPI.items ?? []).map(item => this.downward(item, mode));
    throw new NotUnderstood(`volume ${volume.name} has no known source`);
  }

  private filesOf(kind: 'Secret' | 'ConfigMap', source: FileSource, defaultMode: number): SmallFile[] {
    const name = source.name ?? '';
    let data: Record<string, Buffer> | undefined;
    try {
      data = dataOf(this.objects, kind, this.pod.metadata.namespace, { name, optional: source.optional });
    } catch (problem) {
      throw problem instanceof CannotStart ? new CannotStart('FailedMount', problem.message.replace(/^\w+: /, '')) : problem;
    }
    const items: KeyToPath[] = source.items ?? Object.keys(data ?? {}).map(key => ({ key, path: key }));
    return items.flatMap(({ key, path, mode = defaultMode }) => {
      const bytes = data && own(data, key);
      if (bytes) return [{ path, bytes, mode }];
      if (source.optional) return [];
      throw new CannotStart('FailedMount', `${kind.toLowerCase()} "${name}" has no key ${key}`);
    });
  }

  private downward(item: DownwardItem, defaultMode: number): SmallFile {
    const value = item.fieldRef
      ? fieldValue(item.fieldRef, this.pod)
      : resourceValue(item.resourceFieldRef ?? { resource: 'none' }, this.pod, undefined);
    return { path: item.path, bytes: Buffer.from(value), mode: item.mode ?? defaultMode };
  }
}

interface SmallFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly mode: number;
}

/**
 * Lays files out as a kubelet's atomic writer does: data in a dated directory, `..data` pointing to it, and every name a link through it.
 *
 * It shows: `find -type f` in such a volume finds each file in the dated directory only, `cp -r` copies the links.
 * With an fsGroup, files become group-owned and group-readable: a 0400 key is 0440, which some clients refuse (libpq's pgpass, ssh).
 */
export function writeFiles(path: string, files: SmallFile[], security: SecurityContext): void {
  const dated = '..2026_01_01_00_00_00.000000001';
  mkdirSync(join(path, dated), { recursive: true });
  chmodSync(path, 0o1777);
  for (const { path: name, bytes, mode } of files) {
    if (typeof mode !== 'number') throw new NotUnderstood(`mode ${JSON.stringify(mode)} of ${name} must be a number`);
    const target = join(path, dated, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    chmodSync(target, mode);
    const [top = name] = name.split('/');
    if (!existsSync(join(path, top))) symlinkSync(join('..data', top), join(path, top));
  }
  symlinkSync(dated, join(path, '..data'));
  giveToGroup(path, security, 0o440);
}

/** A file system fresh from mkfs has this directory, and a database that wants an empty data directory trips over it. */
export function lostAndFound(path: string): void {
  mkdirSync(join(path, 'lost+found'), { mode: 0o700 });
}

/**
 * fsGroup (kubernetes/pkg/volume, SetVolumeOwnership): everything gets the group and its read and write bits, directories also setgid and search,
 * so that what is written later belongs to the group as well. `OnRootMismatch` looks at the top directory only.
 *
 * A cluster may skip this for network file systems (CSIDriver.spec.fsGroupPolicy); here every claim is treated as a disk.
 */
function giveToGroup(path: string, { fsGroup, fsGroupChangePolicy }: SecurityContext, mask = 0o660): void {
  if (fsGroup === undefined) return;
  if (fsGroupChangePolicy === 'OnRootMismatch') {
    const { gid, mode } = statSync(path);
    const wanted = mask | 0o2110;
    if (gid === fsGroup && (mode & wanted) === wanted) return;
  }
  const walk = (entry: string): void => {
    const found = lstatSync(entry);
    lchownSync(entry, found.uid, fsGroup);
    if (found.isSymbolicLink()) return;
    chmodSync(entry, (found.mode & 0o7777) | mask | (found.isDirectory() ? 0o2110 : 0));
    if (found.isDirectory()) for (const name of readdirSync(entry)) walk(join(entry, name));
  };
  walk(path);
}

/** Removes a pod's directory; what is mounted below must have been released. */
export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
