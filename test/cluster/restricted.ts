/** What Pod Security "restricted" wants of a container. */
export const CONTAINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** What it wants of a pod, whose volumes are its user's: with modes that are kept, as PostgreSQL does not start on files that a group may write. */
export function unprivileged(user = 999) {
  return {
    ...{ runAsNonRoot: true, runAsUser: user, runAsGroup: user, seccompProfile: { type: 'RuntimeDefault' } },
    ...{ fsGroup: user, fsGroupChangePolicy: 'OnRootMismatch' },
  };
}
