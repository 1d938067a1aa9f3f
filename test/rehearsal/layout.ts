import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CannotStart } from './errors';

/** One bind mount of a container. */
export interface Bind {
  readonly source: string;
  /** Free of symbolic links, as the mount call needs it. */
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * What stands where in a container: its root, and what is mounted over it.
 *
 * A container runtime makes missing mount points itself, before it turns the root read-only, and resolves links within the container: a mount at
 * /var/run/x lands in /run/x where /var/run is a link. Mounting below a read-only volume fails, as the mount point cannot be made there.
 */
export class Layout {
  readonly binds: Bind[] = [];

  /** @param root a directory that may be written to: the container's own layer over the image */
  constructor(private readonly root: string) {}

  /** Mounts a file or directory. Shallow mount points must come before deep ones. */
  mount(source: string, mountPath: string, readOnly: boolean): void {
    const target = resolveWithin('/', mountPath, path => this.hostPath(path));
    if (target === '/' || target === '/proc' || target.startsWith('/proc/'))
      throw new CannotStart('CreateContainerConfigError', `cannot mount at ${mountPath}`);
    this.makeMountPoint(target, statSync(source).isDirectory());
    this.binds.push({ source, target, readOnly });
  }

  /** The working directory, made when it is missing, as runc does. */
  directory(path: string): string {
    const target = resolveWithin('/', path, each => this.hostPath(each));
    this.makeMountPoint(target, true);
    return target;
  }

  private makeMountPoint(target: string, directory: boolean): void {
    if (target === '/' || target === '/dev' || target.startsWith('/dev/')) return; // bubblewrap's own /dev
    const actual = this.hostPath(target);
    if (existsSync(actual)) return;
    const above = this.bindOver(dirname(target));
    if (above?.readOnly) throw new CannotStart('CreateContainerConfigError', `mount point ${target} cannot be made in a read-only volume`);
    mkdirSync(directory ? actual : dirname(actual), { recursive: true, mode: 0o755 });
    if (!directory) writeFileSync(actual, '');
  }

  /** Where a path of the container is on this machine; `path` must be free of links. */
  private hostPath(path: string): string {
    const bind = this.bindOver(path);
    return bind ? join(bind.source, path.slice(bind.target.length)) : join(this.root, path);
  }

  private bindOver(path: string): Bind | undefined {
    return this.binds.filter(bind => path === bind.target || path.startsWith(`${bind.target}/`)).at(-1);
  }
}

/**
 * The part of a volume that a `subPath` names (Kubernetes docs: "Volumes", Using subPath): made as a directory when it is missing, and never
 * outside the volume, whatever links are in it.
 */
export function subPath(volume: { path: string; readOnly: boolean }, path: string): string {
  const within = resolveWithin('/', `/${path}`, each => join(volume.path, each));
  const actual = join(volume.path, within);
  if (existsSync(actual)) return actual;
  if (volume.readOnly) throw new CannotStart('CreateContainerConfigError', `failed to create subPath directory ${path}: read-only volume`);
  mkdirSync(actual, { recursive: true });
  chmodSync(actual, statSync(volume.path).mode & 0o7777);
  return actual;
}

/** Follows links as chroot(2) would: an absolute one starts again at the top, `..` stops there. */
function resolveWithin(start: string, path: string, host: (path: string) => string, links = 0): string {
  if (links > 40) throw new Error(`too many links in ${path}`);
  let current = start;
  const parts = normalize(path).split('/').filter(Boolean);
  for (const [index, part] of parts.entries()) {
    const next = normalize(join(current, part));
    const actual = host(next);
    const link = lstatSync(actual, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(actual) : undefined;
    if (link !== undefined) {
      const rest = join(link, ...parts.slice(index + 1));
      return resolveWithin(link.startsWith('/') ? '/' : current, rest, host, links + 1);
    }
    current = next;
  }
  return current;
}
