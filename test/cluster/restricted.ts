/** What Pod Security "restricted" wants of a container. */
export const CONTAINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** What it wants of a pod, whose volumes are its user's. */
export function unprivileged(user = 999) {
  return { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user, seccompProfile: { type: 'RuntimeDefault' } };
}
