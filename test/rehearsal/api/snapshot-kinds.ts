import { anything, exactlyOne, flag, kept, list, oneOf, record, type Schema, text, unchangeable, where, words } from './schema';

// The kinds of kubernetes-csi/external-snapshotter (v8.6.0, client/config/crd), their fields and rules.

const policy = oneOf('Delete', 'Retain');
const time: Schema = { type: 'string' };
const bytes: Schema = { type: 'integer' };
const error = record({ message: text, time });
const reference = record({ apiVersion: text, fieldPath: text, kind: text, name: text, namespace: text, resourceVersion: text, uid: text });
const notEmpty = where(text, 'size(self) > 0');
const selector = record({
  matchLabels: words,
  matchExpressions: list(record({ key: text, operator: text, values: list(text) }, 'key', 'operator')),
});

/** A source that is one of two things, and stays what it is. */
const source = (a: [string, Schema], b: [string, Schema]): Schema =>
  where(record({ [a[0]]: unchangeable(a[1]), [b[0]]: unchangeable(b[1]) }), kept(a[0]), kept(b[0]), exactlyOne(a[0], b[0]));

export const volumeSnapshotClass = record({ driver: text, deletionPolicy: policy, parameters: words }, 'driver', 'deletionPolicy');

export const volumeSnapshot = record(
  {
    spec: record(
      {
        source: source(['persistentVolumeClaimName', text], ['volumeSnapshotContentName', text]),
        volumeSnapshotClassName: notEmpty,
      },
      'source',
    ),
    status: record({
      boundVolumeSnapshotContentName: text,
      creationTime: time,
      error,
      readyToUse: flag,
      restoreSize: { 'x-kubernetes-int-or-string': true },
      volumeGroupSnapshotName: text,
    }),
  },
  'spec',
);

export const volumeSnapshotContent = record(
  {
    spec: record(
      {
        deletionPolicy: policy,
        driver: text,
        source: source(['volumeHandle', text], ['snapshotHandle', text]),
        sourceVolumeMode: unchangeable(text),
        volumeSnapshotClassName: text,
        volumeSnapshotRef: reference,
      },
      'deletionPolicy',
      'driver',
      'source',
      'volumeSnapshotRef',
    ),
    status: record({
      creationTime: bytes,
      error,
      readyToUse: flag,
      restoreSize: bytes,
      snapshotHandle: text,
      volumeGroupSnapshotHandle: text,
    }),
  },
  'spec',
);

export const volumeGroupSnapshotClass = record(
  { driver: unchangeable(text), deletionPolicy: unchangeable(policy), parameters: unchangeable(words) },
  'driver',
  'deletionPolicy',
);

export const volumeGroupSnapshot = record(
  {
    spec: record(
      { source: source(['selector', selector], ['volumeGroupSnapshotContentName', text]), volumeGroupSnapshotClassName: notEmpty },
      'source',
    ),
    status: record({ boundVolumeGroupSnapshotContentName: text, creationTime: time, error, readyToUse: flag }),
  },
  'spec',
);

const handles = record(
  { volumeGroupSnapshotHandle: text, volumeSnapshotHandles: list(text) },
  'volumeGroupSnapshotHandle',
  'volumeSnapshotHandles',
);

export const volumeGroupSnapshotContent = record(
  {
    spec: record(
      {
        deletionPolicy: policy,
        driver: unchangeable(text),
        source: source(['volumeHandles', list(text)], ['groupSnapshotHandles', handles]),
        volumeGroupSnapshotClassName: unchangeable(text),
        volumeGroupSnapshotRef: reference,
      },
      'deletionPolicy',
      'driver',
      'source',
      'volumeGroupSnapshotRef',
    ),
    status: record({
      creationTime: time,
      error,
      readyToUse: flag,
      volumeGroupSnapshotHandle: text,
      volumeSnapshotInfoList: list(anything),
      volumeSnapshotHandlePairList: list(anything),
    }),
  },
  'spec',
);
