export * from './app/backup-app';
export * from './app/prerequisite';
export { Prerequisites } from './app/prerequisites';
export * from './backup/addons';
export { Assertion, type AssertionOptions } from './backup/assertion';
export type { IDatabaseBackup } from './backup/backup';
export * from './backup/backup-job';
export * from './backup/backup-plan';
export { DatabaseBackup, type IBackupAddon } from './backup/database-backup';
export * from './backup/database-mirror';
export { DatabasePrune, type DatabasePruneOptions, type DatabasePruneProps } from './backup/database-prune';
export * from './backup/database-restore';
export {
  DatabaseVerification,
  type DatabaseVerificationOptions,
  type DatabaseVerificationProps,
} from './backup/database-verification';
export type { KeyDrillOptions } from './backup/drill';
export * from './backup/key-rotation';
export { DatabaseLogArchive, type DatabaseLogArchiveProps, type LogArchiveOptions } from './backup/log-archive';
export type { OnDemandOptions } from './backup/on-demand';
export type { BackupOptions, DatabaseBackupProps, DatabaseOptions } from './backup/options';
export * from './backup/recovery-point';
export * from './backup/reencryption';
export * from './backup/repository-check';
export { CaCertificates } from './core/ca-certificates';
export { DataVolume } from './core/data-volume';
export * from './core/destination';
export { ImageCatalog, ImageReference, type ImageRequest } from './core/image-catalog';
export { JobDefaults, type JobOptions } from './core/job-defaults';
export { PodDefaults } from './core/pod-defaults';
export type { PodOptions } from './core/pod-options';
export { PodServiceAccount } from './core/pod-service-account';
export * from './core/retention';
export * from './core/schedule';
export { Scratch } from './core/scratch';
export { SecretKeyRef, SecretRef } from './core/secret-ref';
export * from './engines';
export type { KubernetesJobOptions } from './kubernetes/kubectl/kubectl';
export type { NetworkDestination } from './kubernetes/network';
export { Platform } from './kubernetes/platform';
export type { ToolContainer } from './kubernetes/pod';
export type { RequestKey } from './kubernetes/request';
export * from './kubernetes/script-folder';
export * from './observability';
export * from './repositories';
