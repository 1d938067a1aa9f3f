/**
 * The rehearsal: runs the pods of synthesized Jobs and CronJobs on a plain Linux machine, as a cluster would.
 *
 * It reads YAML and nothing else. What would fail in a cluster must fail here, so whatever it does not understand is an error. Where it is
 * stricter than a cluster (no_new_privs always, a read-only /dev, no /sys, no volumes of the image's own) a pod may fail here only.
 *
 * Where it is weaker, and a success here proves less:
 * - NetworkPolicies are all or nothing: cut off when only DNS is allowed, free as soon as any other port is (network.ts).
 * - CPU and memory limits, seccomp and AppArmor profiles are not enforced: no OOM kill (sandbox.ts).
 * - There is no API, and no admission: no Pod Security standards, quotas, or webhooks. test/cluster has them.
 * - fsGroup is honoured on every claim, where a network file system may ignore it; volumes are never slow and never late (volumes.ts).
 * - There is no registry: digests are not compared, and an image has what its recipe here gives it (images/).
 * - A pod that cannot start ends at once; in a cluster it would wait (pod.ts). One node, no evictions but those a test makes.
 */
export {
  type ClaimOptions,
  Cluster,
  type ClusterOptions,
  type Deployed,
  type JobReference,
  missingForSandboxes,
  type RunOptions,
} from './cluster';
export { CannotStart, NotUnderstood } from './errors';
export { type Image, ImageCatalog, prepareImages } from './images';
export type { JobRun } from './job';
export type { ContainerRun, PodRun, RunningPod } from './pod';
export { busyboxRoot, debianRoot } from './rootfs';
export type { Executed, Execution } from './sandbox';
