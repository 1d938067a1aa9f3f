import { join } from 'node:path';
import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { checkObjectName, SAFETY_SUFFIX } from '../../core/names';
import type { SecretKeyRef } from '../../core/secret-ref';
import { TOOLS } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import { claimStore } from '../place';
import {
  type IKeyedRepository,
  type IRepository,
  RekeyMethod,
  RepositoryAccess,
  type RepositoryBindOptions,
  type RepositoryConfig,
  SOURCE_PREFIX,
} from '../repository';
import { Encryption, type EncryptionBinding } from './encryption';

const BY_HAND = `Where the volume of the repository is mounted, with nothing but a shell:

    ls "$VOLUME/$SERIES"
    cd "$VOLUME/$SERIES/$POINT" && sha256sum -c SHA256SUMS
    zstd -dc "$MEMBER.zst" >"$HOME/$MEMBER"    # gzip -dc for .gz, cp for neither

A recovery point with verified.json, or $POINT.verified.json in "$VOLUME/.state-$SERIES", was restored by a verification.
`;

const ENCRYPTED_BY_HAND = `Where the volume of the repository is mounted, with age or gpg and the key:

    ls "$VOLUME/$SERIES"
    cd "$VOLUME/$SERIES/$POINT" && sha256sum -c SHA256SUMS
    cat recipients.txt                                     # how it is encrypted, and to whom
    age --decrypt --identity identity.txt facts.age        # or: gpg --decrypt facts.gpg
    age --decrypt --identity identity.txt 001.zst.age | zstd -dc >"$HOME/$MEMBER"

Files are numbered; the manifest that the third command prints says which member has which number. Of a recovery point that was
encrypted anew, SHA256SUMS names the files that count. One with verified.json, or $POINT.verified.json in "$VOLUME/.state-$SERIES",
was restored by a verification.
`;

/** Operations that open recovery points. */
const READERS = [RepositoryAccess.READ, RepositoryAccess.VERIFY, RepositoryAccess.RESTORE, RepositoryAccess.REKEY];

/** Operations that write nothing at all. */
const READS_ALL = [RepositoryAccess.READ, RepositoryAccess.WITNESS];

/** Where a verification notes what it has verified. It has everything else read-only. */
const MARKS = '/marks';

/** Where a restore puts a safety backup of the target. It has everything else read-only. */
const SAFETY = '/safety';

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

/** Programs that compress, the best first. */
const COMPRESSORS = [Compression.ZSTD, Compression.GZIP];

/** Options of a repository of plain files. */
export interface FilesRepositoryOptions {
  /**
   * The PersistentVolumeClaim that holds the repository, in the backup's namespace. Keep its data when the claim is deleted
   * (`reclaimPolicy: Retain`), and do not let a deploy tool prune it. Backups mount it to write. Verifications and restores mount it to
   * read, except one directory each: the notes of a verification, and the series of safety backups. With ReadWriteOnce they can only run on
   * one node, one after the other when they meet.
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
  /**
   * How members are encrypted. What was stored before, unencrypted or to other recipients, stays as it is; `backup.addReencryption()`
   * encrypts encrypted recovery points again.
   * @default - not at all
   */
  readonly encryption?: Encryption;
  /**
   * How older recovery points were encrypted, as long as there are any. Jobs that read get these keys as well. Changed recipients need
   * nothing here if the Secret holds the old identity beside the new one.
   * @default - as new ones
   */
  readonly previousEncryptions?: Encryption[];
}

/**
 * Recovery points as plain directories on a volume: `<series>/<recovery point>/` with the dump, manifest.json and SHA256SUMS.
 *
 * Runs of one series keep out of each other's way by flock. For an image without flock, such as MySQL's, an init container brings
 * busybox's. Mirror its image by `ImageCatalog.override(app, { 'busybox:1': ... })`.
 *
 * Nothing but a shell is needed to read it, and the key if it is encrypted (`encryption`). On a volume of the same cluster it is lost with
 * the cluster: it is a first copy, not the only one.
 */
export class FilesRepository implements IKeyedRepository {
  constructor(private readonly options: FilesRepositoryOptions) {
    checkNew('FilesRepository', options);
  }

  /**
   * The same repository, opened with this key of a Secret and no other: age's identity, gpg's private key, or the passphrase.
   *
   * @throws Error when it is not encrypted, or a passphrase is given for a key that has none
   */
  public withKey(key: SecretKeyRef, passphrase?: SecretKeyRef): IRepository {
    const { encryption } = this.options;
    if (!encryption) throw new Error('this repository is not encrypted, so no key opens it: give it an encryption first');
    return new FilesRepository({ ...this.options, encryption: encryption._withKey(key, passphrase), previousEncryptions: [] });
  }

  /** @internal */
  public _isOpenedBy(key: SecretKeyRef): boolean {
    return this.options.encryption?._isOpenedBy(key) ?? false;
  }

  public bind(scope: Construct, options: RepositoryBindOptions): RepositoryConfig {
    const { path } = this.options;
    const compressors = COMPRESSORS.filter(compressor => options.programs.includes(compressor));
    const witnesses = options.access === RepositoryAccess.WITNESS;
    // A witness reads manifests, which are never compressed.
    const compression = (witnesses ? undefined : this.options.compression) ?? compressors[0] ?? Compression.NONE;
    if (compression !== Compression.NONE && !compressors.includes(compression)) {
      const ships = compressors.length > 0 ? `ships ${compressors.join(' and ')}` : 'ships no compression program';
      throw new InputError(scope, {
        prop: 'repository.compression',
        got: compression,
        because: `the engine's image ${ships}: choose one that it ships, or leave compression out`,
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
    const encryption = this.encryption(scope, options);
    const prefix = options.isSource ? SOURCE_PREFIX : '';
    const mountPath = `/${prefix}repository`;
    const subPath = path === undefined ? {} : { subPath: path };
    const ownDirectory = options.isSource || options.series === undefined ? undefined : directoryOf(options.access, options.series);
    const bringsFlock = !options.programs.includes('flock');
    const tools = [
      ...(bringsFlock ? [{ name: 'flock', image: flockImage(scope), command: ['cp', '/bin/flock', `${TOOLS}/`] }] : []),
      ...(encryption?.tools ?? []),
    ];
    return {
      // A claim is of its namespace.
      identity: `files:${Chart.of(scope).namespace ?? ''}/${claimName}/${path ?? ''}`,
      place: { store: claimStore(scope, claimName), path: path ?? '' },
      scripts: ScriptFolder.at('files', __dirname),
      listing: ScriptFolder.at('files-listing', join(__dirname, 'witness')),
      environment: [
        { name: 'REPOSITORY_PATH', value: mountPath },
        { name: 'COMPRESSION', value: compression },
        ...(ownDirectory?.environment ?? []),
        ...(tools.length > 0 ? [{ name: 'TOOLS', value: TOOLS }] : []),
        ...(encryption?.environment ?? []),
      ],
      volumes: [{ name: `${prefix}repository`, persistentVolumeClaim: { claimName } }, ...(encryption?.volumes ?? [])],
      volumeMounts: [
        // What a mirror copies from, and what a verification or a restore reads, is nothing that they may change.
        {
          name: `${prefix}repository`,
          mountPath,
          ...subPath,
          ...((options.isSource || ownDirectory || READS_ALL.includes(options.access)) && { readOnly: true }),
        },
        ...(ownDirectory
          ? [
              {
                name: 'repository',
                mountPath: ownDirectory.mountPath,
                subPath: [...(path === undefined ? [] : [path]), ownDirectory.name].join('/'),
              },
            ]
          : []),
        ...(encryption?.volumeMounts ?? []),
      ],
      tools,
      destinations: [],
      ...(this.options.encryption && { rekeyMethod: RekeyMethod.REENCRYPTION }),
      byHand: (encryption ? ENCRYPTED_BY_HAND : BY_HAND).split('$VOLUME').join(path ?? '.'),
    };
  }

  private encryption(scope: Construct, options: RepositoryBindOptions): EncryptionBinding | undefined {
    const { encryption, previousEncryptions: previous = [] } = this.options;
    if (!encryption && previous.length === 0) return undefined;
    // What a witness needs of a manifest is not encrypted.
    if (options.access === RepositoryAccess.WITNESS) return undefined;
    return (encryption ?? Encryption._none())._bind(scope, {
      prefix: options.isSource ? SOURCE_PREFIX : '',
      reads: READERS.includes(options.access) || options.isSource === true,
      incremental: options.incremental ?? false,
      programs: options.programs,
      previous,
    });
  }
}

/** The one directory of the repository that a reading job may write. */
function directoryOf(access: RepositoryAccess, series: string) {
  switch (access) {
    case RepositoryAccess.VERIFY:
      return { mountPath: MARKS, name: `.state-${series}`, environment: [{ name: 'MARKS_PATH', value: MARKS }] };
    case RepositoryAccess.RESTORE:
      return {
        mountPath: SAFETY,
        name: `${series}${SAFETY_SUFFIX}`,
        environment: ['MARKS_PATH', 'SAFETY_PATH'].map(name => ({ name, value: SAFETY })),
      };
    default:
      return undefined;
  }
}
