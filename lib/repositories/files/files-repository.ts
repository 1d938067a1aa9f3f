import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';
import { TOOLS } from '../../core/pod';
import { ScriptFolder } from '../../core/script-folder';
import { claimStore } from '../place';
import type { IRepository, RepositoryBindOptions, RepositoryConfig } from '../repository';

const MOUNT = '/repository';

const BY_HAND = `Where the volume of the repository is mounted, with nothing but a shell:

    ls "$VOLUME/$SERIES"
    cd "$VOLUME/$SERIES/$POINT" && sha256sum -c SHA256SUMS
    zstd -dc "$MEMBER.zst" >"$HOME/$MEMBER"    # gzip -dc for .gz, cp for neither

A recovery point with verified.json was restored by a verification.
`;

/** A static busybox: its flock runs in any image. */
const flockImage = (scope: Construct) =>
  ImageCatalog.of(scope).image(scope, { key: 'busybox:1', prop: 'repository.flockImage', defaultImage: 'busybox:1.37.0-musl' });

/** How the members of a recovery point are stored. */
export enum Compression {
  /** zstd at its fastest level: as fast as a database can be read, and smaller than gzip. */
  ZSTD = 'zstd',
  /** gzip at its fastest level, for images without zstd. */
  GZIP = 'gzip',
  /** As dumped. */
  NONE = 'none',
}

/** Options of a repository of plain files. */
export interface FilesRepositoryOptions {
  /**
   * The PersistentVolumeClaim that holds the repository, in the backup's namespace. Keep its data when the claim goes
   * (`reclaimPolicy: Retain`), and keep it out of the reach of a pruning deploy tool. Backups, verifications and restores mount
   * it to write: with ReadWriteOnce they can only run on one node, one after the other where they meet.
   */
  readonly claimName: string;
  /**
   * A directory of the volume, so that several repositories can share it.
   * @default - the volume's root
   */
  readonly path?: string;
  /**
   * How members are stored.
   * @default - the best that the engine's image ships: Compression.ZSTD for most, Compression.GZIP otherwise
   */
  readonly compression?: Compression;
}

/**
 * Recovery points as plain directories on a volume: `<series>/<recovery point>/` with the dump, manifest.json and SHA256SUMS.
 *
 * Runs of one series keep out of each other's way by flock. An image that lacks it, such as MySQL's, gets busybox's by an init
 * container; mirror its image by `ImageCatalog.override(app, { 'busybox:1': ... })`.
 *
 * Nothing but a shell is needed to read it. It is not encrypted and, on a volume of the same cluster, lost with the cluster:
 * it is a first copy, not the only one.
 */
export class FilesRepository implements IRepository {
  constructor(private readonly options: FilesRepositoryOptions) {}

  public bind(scope: Construct, options: RepositoryBindOptions): RepositoryConfig {
    const { path } = this.options;
    const { compressors } = options;
    const compression = this.options.compression ?? compressors[0] ?? Compression.NONE;
    if (compression !== Compression.NONE && !compressors.includes(compression)) {
      const ships = compressors.length > 0 ? `ships ${compressors.join(' and ')}` : 'ships no compression program';
      throw new InputError(scope, {
        prop: 'repository.compression',
        got: compression,
        because: `the engine's image ${ships}: choose that, or leave the choice out`,
      });
    }
    const claimName = checkObjectName(scope, 'repository.claimName', this.options.claimName);
    if (path !== undefined && (!/^[\w.-]+(\/[\w.-]+)*$/.test(path) || path.split('/').includes('..'))) {
      throw new InputError(scope, {
        prop: 'repository.path',
        got: path,
        because: "write a path below the volume's root, for example 'backups/shop'",
      });
    }
    const bringsFlock = options.missingPrograms.includes('flock');
    return {
      kind: 'files',
      // A claim is of its namespace.
      identity: `files:${Chart.of(scope).namespace ?? ''}/${claimName}/${path ?? ''}`,
      place: { store: claimStore(scope, claimName), path: path ?? '' },
      scripts: ScriptFolder.at('files', __dirname),
      environment: [
        { name: 'REPOSITORY_PATH', value: MOUNT },
        { name: 'COMPRESSION', value: compression },
        ...(bringsFlock ? [{ name: 'TOOLS', value: TOOLS }] : []),
      ],
      volumes: [{ name: 'repository', persistentVolumeClaim: { claimName } }],
      volumeMounts: [{ name: 'repository', mountPath: MOUNT, ...(path !== undefined && { subPath: path }) }],
      tools: bringsFlock ? [{ name: 'flock', image: flockImage(scope), command: ['cp', '/bin/flock', `${TOOLS}/`] }] : [],
      destinations: [],
      byHand: BY_HAND.split('$VOLUME').join(path ?? '.'),
    };
  }
}
