export * from './app/backup-app';
export type { IBackupAddon } from './backup/addon';
export { Assertion, type AssertionOptions } from './backup/assertion';
export * from './backup/backup-job';
export * from './backup/backup-plan';
export { type BackupOptions, DatabaseBackup, type DatabaseBackupProps, type DatabaseOptions } from './backup/database-backup';
export * from './backup/database-mirror';
export * from './backup/database-prune';
export * from './backup/database-restore';
export {
  DatabaseVerification,
  type DatabaseVerificationOptions,
  type DatabaseVerificationProps,
  Verification,
} from './backup/database-verification';
export { KeyDrill, type KeyDrillOptions } from './backup/drill';
export * from './backup/key-rotation';
export { DatabaseLogArchive, type DatabaseLogArchiveProps, LogArchive, type LogArchiveOptions } from './backup/log-archive';
export type { OnDemandOptions } from './backup/on-demand';
export * from './backup/recovery-point';
export * from './backup/reencryption';
export * from './backup/repository-check';
export { CaCertificates } from './core/ca-certificates';
export { DataVolume } from './core/data-volume';
export * from './core/destination';
export { ImageCatalog, ImageReference, type ImageRequest } from './core/image-catalog';
export type { KubernetesJobOptions } from './core/kubectl/kubectl';
export type { NetworkDestination } from './core/network';
export { Platform } from './core/platform';
export type { ToolContainer } from './core/pod';
export { PodDefaults } from './core/pod-defaults';
export type { PodOptions } from './core/pod-options';
export type { RequestKey } from './core/request';
export * from './core/retention';
export * from './core/schedule';
export { Scratch } from './core/scratch';
export * from './core/script-folder';
export { SecretKeyRef, SecretRef } from './core/secret-ref';
export * from './engines';
export * from './repositories';
export * from './velero';
export * from './volumes';
