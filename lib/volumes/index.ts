export * from './csi-driver';
export * from './group/snapshot-member';
export * from './group/snapshot-mode';
export * from './group/volume-snapshot-group';
export * from './quiesce';
export * from './volume-from-snapshot';
export * from './volume-snapshot';
export * from './volume-snapshot-class';
