import { join } from 'node:path';
import { customResourceDefinitions } from '../../rehearsal/images/crds';
import { installKinds } from '../kubectl';
import { CONTAINED, unprivileged } from '../restricted';

// Velero as its objects show it, where it is not there itself.

/** Velero's kinds. */
export async function installDefinitions(): Promise<void> {
  await installKinds(join(await customResourceDefinitions(), 'velero.yaml'));
}

export type Fields = { [field: string]: unknown };

/** As Velero writes a moment. */
export const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+/, '');

/** What a backup says of its hooks. */
export const hooks = (hooksAttempted: number, hooksFailed = 0) => ({ hookStatus: { hooksAttempted, hooksFailed } });

/** A program of Velero's: a pod that is ready, or never. */
export function workload(kind: 'Deployment' | 'DaemonSet', name: string, spec: Fields = {}, ready = true): object {
  const labels = { app: name };
  const container = {
    ...{ name: 'velero', image: 'velero/velero:v1.18.1', command: ['sleep', '3600'] },
    readinessProbe: { exec: { command: [String(ready)] }, periodSeconds: 1 },
    securityContext: CONTAINED,
  };
  const pod = {
    ...{ automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers: [container] },
    securityContext: unprivileged(),
  };
  return {
    ...{ apiVersion: 'apps/v1', kind, metadata: { name } },
    spec: { ...spec, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
}

/** Kinds of Velero's have no status of its own: whoever may write an object, may say what becomes of it. */
const object = (kind: string, name: string, { labels = {}, ...fields }: Fields) => ({
  ...{ apiVersion: 'velero.io/v1', kind, metadata: { name, labels }, ...fields },
});

/** A store, as Velero last found it. */
export const location = (name: string, status: Fields, isDefault = false) =>
  object('BackupStorageLocation', name, { spec: { provider: 'aws', default: isDefault, objectStorage: { bucket: 'acme' } }, status });

/** A backup of a day of January that began four hours ago, and is whole. */
export const backup = (schedule: string, day: number, { location = 'offsite', ...status }: Fields) =>
  object('Backup', `${schedule}-2026010${day}020000`, {
    labels: { 'velero.io/schedule-name': schedule },
    spec: { includedNamespaces: ['shop'], storageLocation: location },
    status: { phase: 'Completed', startTimestamp: hoursAgo(4), progress: { itemsBackedUp: 40 }, ...hooks(2), ...status },
  });
