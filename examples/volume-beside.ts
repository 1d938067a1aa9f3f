import type { Chart } from 'cdk8s';
import { type FilesRepositoryOptions, type IRepository, Repository } from 'cdk8s-backup';
import { k8s } from 'cdk8s-plus-27';

/** A volume of the namespace for recovery points: a first copy beside the database, readable with nothing but a shell. */
export function volumeBeside(chart: Chart, size: string, options: Omit<FilesRepositoryOptions, 'claimName'> = {}): IRepository {
  new k8s.KubePersistentVolumeClaim(chart, 'backups', {
    metadata: {
      name: 'backups',
      // Recovery points must outlive whatever a deploy tool thinks of this claim.
      annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false', 'kustomize.toolkit.fluxcd.io/prune': 'disabled' },
    },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: k8s.Quantity.fromString(size) } } },
  });
  return Repository.files({ claimName: 'backups', ...options });
}
