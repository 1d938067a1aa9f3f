export * from './backup';
export type { IVeleroBackup, VeleroBackupTemplate } from './backup-template';
export * from './check';
export * from './dump';
export { type VeleroCommandOptions, VeleroHook, type VeleroHookOptions, VeleroOnError, type VeleroScriptOptions } from './hook';
export type { VeleroJobOptions } from './job';
export * from './locations';
export type { VeleroObjectOptions } from './object';
export * from './ordered-resources';
export * from './protected-stateful-set';
export * from './protection';
export * from './recovery-order';
export * from './resource-modifiers';
export * from './resource-policies';
export {
  VeleroExistingResourcePolicy,
  VeleroRestore,
  type VeleroRestoreProps,
  type VeleroRestoreTemplate,
} from './restore';
export * from './restore-job';
export * from './schedule';
export { type VeleroFilter, VeleroLabelOperator, type VeleroLabelRequirement, type VeleroLabelSelector } from './selector';
export * from './volume';
