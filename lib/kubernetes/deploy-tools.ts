/**
 * Annotations of objects that hold data: a deploy tool that finds them no longer in Git, or is told to remove the whole application,
 * leaves them where they are. (Argo CD's documentation, "Sync Options", "No Prune Resources" and "Resource Deletion"; Flux's
 * documentation, "Kustomization", "Prune".)
 *
 * @internal
 */
export const KEEP_ANNOTATIONS: { [annotation: string]: string } = {
  'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
  'kustomize.toolkit.fluxcd.io/prune': 'disabled',
};

/**
 * Annotations of an object that acts when it is made, and is never changed: Flux makes it where it is not there, and then leaves it alone.
 * Otherwise a Kustomization would not be applied any more when the object is another one in Git, or, told to `force`, make it anew. (Flux's
 * documentation, "Kustomization", "Controlling the apply behavior of resources".)
 *
 * @internal
 */
export const APPLIED_ONCE_ANNOTATIONS: { [annotation: string]: string } = { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' };

/**
 * Annotations of an object that holds data, and in whose fields a controller notes something: Argo CD keeps what the controller has
 * noted, as a client-side apply does, and Flux makes the object once. A server-side apply would be a conflict, or take it away again and
 * again. (Argo CD's documentation, "Sync Options", "Server-Side Apply"; Flux's documentation, "Kustomization", "Controlling the apply
 * behavior of resources".)
 *
 * @internal
 */
export const KEEP_NOTED_ANNOTATIONS: { [annotation: string]: string } = {
  ...KEEP_ANNOTATIONS,
  ...APPLIED_ONCE_ANNOTATIONS,
  'argocd.argoproj.io/sync-options': `${KEEP_ANNOTATIONS['argocd.argoproj.io/sync-options']},ServerSideApply=false`,
};

/**
 * Annotations of objects that a job which runs may still need when they are no longer in Git. They go with the whole application; that
 * they are left over makes it not out of sync. (Argo CD's documentation, "Compare Options", "Ignoring Resources That Are Extraneous".)
 *
 * @internal
 */
export const OUTLIVE_ANNOTATIONS: { [annotation: string]: string } = {
  'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
  'argocd.argoproj.io/sync-options': 'Prune=false',
  'kustomize.toolkit.fluxcd.io/prune': 'disabled',
};

/**
 * Annotations of a CronJob that is suspended for good, as somebody starts it: Argo CD would call the whole application suspended.
 * (Argo CD's documentation, "Resource Health", "Ignoring child resource health check in applications".)
 *
 * @internal
 */
export const SUSPENDED_ANNOTATIONS: { [annotation: string]: string } = { 'argocd.argoproj.io/ignore-healthcheck': 'true' };
