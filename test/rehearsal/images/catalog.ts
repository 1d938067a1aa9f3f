import { existsSync } from 'node:fs';

/** An image as a container runtime knows it: a root file system, and the parts of its configuration that change how a container runs. */
export interface Image {
  /** `repository:tag` as pods write it, without registry and digest: `postgres:15-bookworm`. */
  readonly name: string;
  /** Host path of the root file system. Containers never write to it. */
  readonly root: string;
  /** PATH of the image's configuration. @default "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" */
  readonly path?: string;
  /** ENV of the image's configuration, without PATH. @default none */
  readonly env?: Record<string, string>;
  /** USER of the image's configuration. @default 0 */
  readonly user?: number;
  /** ENTRYPOINT, used by containers without `command`. @default none: such a container is an error */
  readonly entrypoint?: string[];
  /**
   * STOPSIGNAL, what PID 1 gets when the pod is deleted. It is the image's choice, not Kubernetes':
   * the official postgres image asks for SIGINT, and a script there that traps only TERM is killed without having cleaned up.
   * @default "SIGTERM"
   */
  readonly stopSignal?: NodeJS.Signals;
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The images that can be pulled. One that nobody declared cannot: better an ErrImagePull than a guess at what the image holds. */
export class ImageCatalog {
  private readonly images = new Map<string, Image>();

  add(image: Image): this {
    const name = canonicalName(image.name);
    if (this.images.has(name)) throw new Error(`image ${name} is declared twice`);
    if (!existsSync(image.root)) throw new Error(`image ${name}: root ${image.root} does not exist`);
    this.images.set(name, image);
    return this;
  }

  all(): Image[] {
    return [...this.images.values()];
  }

  /** The image a pod's `image` field means, or undefined when it was never declared. */
  find(reference: string): Image | undefined {
    return this.images.get(canonicalName(reference));
  }
}

/**
 * `docker.io/library/postgres:15@sha256:...` and `postgres:15` are one image.
 *
 * The digest is dropped, so a wrong digest is not found here (a registry has to be asked). A reference by digest alone has no tag and so means
 * `latest`, as a tagless reference does. Any other registry host is dropped too: what counts is what is inside.
 */
export function canonicalName(reference: string): string {
  const [withoutDigest = ''] = reference.split('@');
  const parts = withoutDigest.split('/');
  const [first = ''] = parts;
  if (parts.length > 1 && (first.includes('.') || first.includes(':') || first === 'localhost')) parts.shift();
  if (parts.length === 2 && parts[0] === 'library') parts.shift();
  const name = parts.join('/');
  return name.includes(':') ? name : `${name}:latest`;
}
