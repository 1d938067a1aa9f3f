import { join } from 'node:path';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { IQuiesce, QuiesceBindOptions, QuiesceConfig, QuiesceOptions } from './quiesce';
import { holdingTimes } from './times';

/** Options of a quiesce of a file system. */
export interface FileSystemQuiesceOptions extends QuiesceOptions {
  /** The volume to freeze, by its name in the pod. */
  readonly volume: string;
  /**
   * An image with a shell, GNU or busybox tools, and fsfreeze.
   * @default 'debian:12.11-slim'
   */
  readonly image?: string;
}

/**
 * The file system of a volume, frozen. Use it for servers that cannot be held by their own means, if what snapshots their volume does not
 * know its file system. What is in memory is written out, and then every write to the volume waits; reads go on. Most CSI drivers do not
 * need it: a journaling file system survives their snapshots.
 *
 * - It needs root and SYS_ADMIN, and so a namespace that lets pods be privileged.
 * - Whatever writes to the volume stands still and cannot be killed meanwhile, including probes. A liveness probe that writes must allow
 *   for `limit`.
 * - The volume has to be a block device of its own. A directory of a disk (hostPath, local-path) is refused at run time: freezing it would
 *   freeze the node, or whatever else is on that disk. A hostPath of a whole disk looks like a volume of its own: do not quiesce it if
 *   others use its directories.
 * - It stays frozen when the agent is killed, until its container is started again, or the node.
 *
 * (Linux manual, "fsfreeze(8)".)
 */
export class FileSystemQuiesce implements IQuiesce {
  constructor(private readonly options: FileSystemQuiesceOptions) {
    checkNew('FileSystemQuiesce', options);
  }

  public bind(scope: Construct, { volumes }: QuiesceBindOptions): QuiesceConfig {
    const { volume } = this.options;
    if (!volumes.includes(volume)) {
      throw new InputError(scope, {
        prop: 'quiesce.volume',
        got: volume,
        because: `name one of the volumes that are snapshotted: ${volumes.join(', ')}`,
      });
    }
    return {
      name: 'file-system',
      image: ImageCatalog.of(scope).image(scope, {
        key: 'fsfreeze:1',
        prop: 'quiesce.image',
        image: this.options.image,
        defaultImage: 'debian:12.11-slim',
      }),
      user: 0,
      scripts: ScriptFolder.at('quiesce-file-system', join(__dirname, 'file-system')),
      environment: [{ name: 'VOLUME', value: VOLUME }],
      volumeMounts: [{ name: volume, mountPath: VOLUME, readOnly: true }],
      privilege: {
        because: 'its container quiesce freezes the file system of a volume, which takes SYS_ADMIN',
        capabilities: ['SYS_ADMIN'],
      },
      ...holdingTimes(scope, this.options),
    };
  }
}

const VOLUME = '/volume';
