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
