import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_PATH, type Image } from '../../rehearsal/images/catalog';

/** What containerd knows by the digest of its content. */
interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes images as one OCI layout, and a list for import-images.sh.
 *
 * Nothing is packed: an image has one layer that holds a line. The directory that containerd would unpack that layer to is made a link to the
 * image's root file system, which containers never write to.
 */
export class ImageLayout {
  private readonly manifests: object[] = [];
  private readonly roots = new Map<string, string>();

  private constructor(private readonly directory: string) {}

  static write(directory: string, images: Image[]): void {
    mkdirSync(join(directory, 'layout/blobs/sha256'), { recursive: true });
    const layout = new ImageLayout(directory);
    for (const image of images) layout.add(image);
    writeFileSync(join(directory, 'layout/oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    writeFileSync(join(directory, 'layout/index.json'), JSON.stringify({ schemaVersion: 2, manifests: layout.manifests }));
    writeFileSync(join(directory, 'roots'), [...layout.roots].map(([layer, root]) => `${layer} ${root}\n`).join(''));
  }

  private add({ name, root, path, env, user, entrypoint, stopSignal }: Image): void {
    const layer = this.blob('application/vnd.oci.image.layer.v1.tar', layerThatNames(root));
    this.roots.set(layer.digest, root);
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: {
        Env: [`PATH=${path ?? DEFAULT_PATH}`, ...Object.entries(env ?? {}).map(([variable, value]) => `${variable}=${value}`)],
        ...(user === undefined ? {} : { User: String(user) }),
        ...(entrypoint ? { Entrypoint: entrypoint } : {}),
        ...(stopSignal ? { StopSignal: stopSignal } : {}),
      },
      // Of a single layer, the chain that a snapshot is called by is the layer itself.
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: this.blob('application/vnd.oci.image.config.v1+json', JSON.stringify(config)),
      layers: [layer],
    };
    this.manifests.push({
      ...this.blob(manifest.mediaType, JSON.stringify(manifest)),
      platform: { architecture: 'amd64', os: 'linux' },
      annotations: { 'io.containerd.image.name': fullName(name) },
    });
  }

  private blob(mediaType: string, content: string | Buffer): Blob {
    const hash = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(this.directory, 'layout/blobs/sha256', hash), content);
    return { mediaType, digest: `sha256:${hash}`, size: Buffer.byteLength(content) };
  }
}

/** `postgres:15` is `docker.io/library/postgres:15` to a container runtime. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')) return name;
  return rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`;
}

/** An archive with a file that says which root file system is meant: another one for every root. */
function layerThatNames(root: string): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-layer-'));
  try {
    writeFileSync(join(directory, 'root-file-system'), `${root}\n`, { mode: 0o644 });
    const { status, stdout, stderr } = spawnSync('tar', ['--create', '--mtime=@0', '--owner=0', '--group=0', 'root-file-system'], {
      cwd: directory,
    });
    if (status !== 0) throw new Error(`tar: ${stderr}`);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
