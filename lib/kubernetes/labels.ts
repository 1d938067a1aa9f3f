/**
 * Labels of everything this library emits. `app.kubernetes.io/instance` is left out on purpose: GitOps tools track by it, and would prune
 * Jobs that have such a label and are not in Git.
 */
export const STANDARD_LABELS: { [label: string]: string } = {
  // Never the database's: a Service, a NetworkPolicy or a PodDisruptionBudget of its own that selects by it would take jobs in.
  'app.kubernetes.io/name': 'cdk8s-backup',
  'app.kubernetes.io/managed-by': 'cdk8s-backup',
  'app.kubernetes.io/part-of': 'backup',
};

/** The label that tells the pods of one series apart. */
export const SERIES_LABEL = 'cdk8s-backup/series';

/** The label that tells the pods of one job apart. Exactly one NetworkPolicy selects them by it, since policies add up. */
export const JOB_LABEL = 'cdk8s-backup/job';

/** The label that tells which engine a pod works for. */
export const ENGINE_LABEL = 'cdk8s-backup/engine';

/** The label that tells the mirrors of one series apart. */
export const MIRROR_LABEL = 'cdk8s-backup/mirror';

/** The label with the recovery point's id, on everything that belongs to one recovery point in the cluster. */
export const RECOVERY_POINT_LABEL = 'cdk8s-backup/recovery-point';

/** The label that tells what a pod does: backup, verify, restore, mirror, snapshot ... */
export const OPERATION_LABEL = 'cdk8s-backup/operation';

/** The annotation of pods that cannot pass the Pod Security Standard "restricted". It says why they cannot. */
export const NOT_RESTRICTED_ANNOTATION = 'cdk8s-backup/not-restricted';
