/**
 * Annotations of objects that hold data. A deploy tool leaves the objects where they are when they are no longer in Git, or when it removes
 * the whole application. (Argo CD's documentation, "Sync Options", "No Prune Resources" and "Resource Deletion"; Flux's documentation,
 * "Kustomization", "Prune".)
 *
 * @internal
 */
export const KEEP_ANNOTATIONS: { [annotation: string]: string } = {
  'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
  'kustomize.toolkit.fluxcd.io/prune': 'disabled',
};

/**
 * Annotations of an object that acts when it is created, and is never changed. Flux creates it if it is missing, and then leaves it alone.
 * Otherwise a change in Git would stop the whole Kustomization from being applied; with `force`, Flux would create the object again.
 * (Flux's documentation, "Kustomization", "Controlling the apply behavior of resources".)
 *
 * @internal
 */
export const APPLIED_ONCE_ANNOTATIONS: { [annotation: string]: string } = { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' };

/**
 * Annotations of an object that holds data, and in whose fields a controller notes something. Argo CD keeps the note, as a client-side
 * apply does, and Flux creates the object once. A server-side apply would be a conflict, or remove the note again and again. (Argo CD's
 * documentation, "Sync Options", "Server-Side Apply"; Flux's documentation, "Kustomization", "Controlling the apply behavior of
 * resources".)
 *
 * @internal
 */
export const KEEP_NOTED_ANNOTATIONS: { [annotation: string]: string } = {
  ...KEEP_ANNOTATIONS,
  ...APPLIED_ONCE_ANNOTATIONS,
  'argocd.argoproj.io/sync-options': `${KEEP_ANNOTATIONS['argocd.argoproj.io/sync-options']},ServerSideApply=false`,
};

/**
 * Annotations of objects that a running job may still need when they are no longer in Git. They are removed with the whole application;
 * left-over ones do not make it out of sync. (Argo CD's documentation, "Compare Options", "Ignoring Resources That Are Extraneous".)
 *
 * @internal
 */
export const OUTLIVE_ANNOTATIONS: { [annotation: string]: string } = {
  'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
  'argocd.argoproj.io/sync-options': 'Prune=false',
  'kustomize.toolkit.fluxcd.io/prune': 'disabled',
};

/**
 * Annotations of a CronJob that is always suspended, since somebody starts it. Without them, Argo CD shows the whole application as
 * suspended. (Argo CD's documentation, "Resource Health", "Ignoring child resource health check in applications".)
 *
 * @internal
 */
export const SUSPENDED_ANNOTATIONS: { [annotation: string]: string } = { 'argocd.argoproj.io/ignore-healthcheck': 'true' };
