/** What whoever judges custom resources has to find wrong with the specimen: what is wrong, where, with what, and what is said of it. */
export const CUSTOM_FAULTS: [string, string, unknown, RegExp][] = [
  ['an unknown field', 'Schedule.spec.shedule', '0 2 * * *', /\/spec must NOT have additional properties: shedule/],
  ['an unknown field deep down', 'Schedule.spec.template.hooks.resources.0.pre.0.exec.timeOut', '30s', /additional properties: timeOut/],
  ['an unknown field at the top', 'VolumeSnapshotClass.spec', {}, /additional properties: spec/],
  ['no schedule', 'Schedule.spec.schedule', undefined, /must have required property 'schedule'/],
  ['a number for text', 'Schedule.spec.template.ttl', 720, /\/spec\/template\/ttl must be string/],
  ['text for a boolean', 'Schedule.spec.template.snapshotMoveData', 'yes', /\/snapshotMoveData must be boolean/],
  ['a name for a list of them', 'Schedule.spec.template.includedNamespaces', 'shop', /\/includedNamespaces must be array/],
  [
    'an unknown word of an enum',
    'Schedule.spec.template.hooks.resources.0.pre.0.exec.onError',
    'Abort',
    /\/onError must be equal to one of the allowed values: Continue, Fail/,
  ],
  ['an unknown deletionPolicy', 'VolumeSnapshotClass.deletionPolicy', 'Keep', /allowed values: Delete, Retain/],
  ['a number in the labels', 'Schedule.metadata.labels', { tier: 1 }, /\/metadata\/labels\/tier must be string/],
  ['two sources of a snapshot', 'VolumeSnapshot.spec.source.volumeSnapshotContentName', 'content', /\/spec\/source /],
  ['no source of a snapshot', 'VolumeSnapshot.spec.source', {}, /\/spec\/source /],
  ['two sources of a group', 'VolumeGroupSnapshot.spec.source.volumeGroupSnapshotContentName', 'content', /\/spec\/source /],
  ['a class in a namespace', 'VolumeSnapshotClass.metadata.namespace', 'shop', /a VolumeSnapshotClass belongs to the whole cluster/],
  ['a snapshot in none', 'VolumeSnapshot.metadata.namespace', undefined, /a VolumeSnapshot belongs to one/],
  ['a version that is gone', 'VolumeSnapshot.apiVersion', 'snapshot.storage.k8s.io/v1beta1', /is not a kind that is known, or served/],
];
