import { FilesRepository, type FilesRepositoryOptions } from './files/files-repository';
import { ResticRepository, type ResticRepositoryOptions } from './restic/restic-repository';

export { type AgeEncryptionOptions, Encryption, type GpgEncryptionOptions, type GpgSymmetricEncryptionOptions } from './files/encryption';
export * from './files/files-repository';
export {
  type IKeyedRepository,
  type IRepository,
  type LockRenewal,
  RekeyMethod,
  RepositoryAccess,
  type RepositoryBindOptions,
  type RepositoryConfig,
  type RepositoryPlace,
} from './repository';
export { ObjectLock, type ObjectLockOptions } from './restic/object-lock';
export { ResticCache } from './restic/restic-cache';
export {
  type ProxyOptions,
  type ResticAzureOptions,
  type ResticB2Options,
  type ResticGcsOptions,
  type ResticLocalOptions,
  ResticLocation,
  type ResticRestOptions,
  type ResticS3Options,
  type ResticSftpOptions,
  S3BucketLookup,
  S3StorageClass,
} from './restic/restic-location';
export * from './restic/restic-repository';

/** The repositories of this library. Another repository is an `IRepository` of your own. */
export class Repository {
  /** Plain directories on a volume, readable with a shell alone. */
  public static files(options: FilesRepositoryOptions): FilesRepository {
    return new FilesRepository(options);
  }

  /** A restic repository: encrypted, deduplicated, on a volume, a REST server or an object store. */
  public static restic(options: ResticRepositoryOptions): ResticRepository {
    return new ResticRepository(options);
  }

  /** A restic repository that exists already. If there is none, jobs fail instead of creating one. */
  public static fromExistingRestic(options: ResticRepositoryOptions): ResticRepository {
    return ResticRepository.fromExisting(options);
  }
}
