import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { warn } from '../core/warning';
import type { RepositoryConfig } from './repository';

/**
 * A claim as a store: it belongs to its namespace.
 *
 * @internal
 */
export function claimStore(scope: Construct, claimName: string): string {
  return `claim ${Chart.of(scope).namespace ?? ''}/${claimName}`;
}

interface Placed {
  readonly construct: Construct;
  readonly identity: string;
  readonly path: string;
}

/** The repositories of an app, by store. */
const apps = new WeakMap<object, Map<string, Placed[]>>();

/**
 * Notes where a construct keeps its recovery points, and compares it with all others of the app.
 *
 * @throws InputError when the repository lies inside another one, or another one inside it. Each would take the other's files for its own
 *   (a check, a prune, a lifecycle rule of a prefix)
 * @param user the user of the pods that write there. @default - the one that the cluster assigns to all of a namespace
 * @internal
 */
export function registerPlace(construct: Construct, { identity, place, volumes }: RepositoryConfig, user?: number): void {
  if (!place) return;
  // Those whom a cluster assigns are one in a namespace.
  if (user !== undefined && volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim))
    warnOfOtherUsers(construct, place.store, user);
  const stores = apps.get(construct.node.root) ?? new Map<string, Placed[]>();
  apps.set(construct.node.root, stores);
  const known = stores.get(place.store) ?? [];
  stores.set(place.store, known);
  if (known.some(other => other.identity === identity)) return;
  const other = known.find(({ path }) => isWithin(path, place.path) || isWithin(place.path, path));
  if (other) {
    throw new InputError(construct, {
      prop: 'repository',
      got: identity,
      because: `it and the repository of ${other.construct.node.path}, ${other.identity}, are one inside the other, and each would take the other's files for its own: give each a path outside the other's`,
    });
  }
  known.push({ construct, identity, path: place.path });
}

/** The first construct of each user, by claim. */
const users = new WeakMap<object, Map<string, Map<number, Construct>>>();

/**
 * The users that write into the claims of a repository, as far as the constructs that are there say so: none where the cluster assigns
 * them, or where it is no claim.
 *
 * @internal
 */
export function writersOf(scope: Construct, { place }: RepositoryConfig): number[] {
  return place
    ? [
        ...(users
          .get(scope.node.root as Construct)
          ?.get(place.store)
          ?.keys() ?? []),
      ]
    : [];
}

/**
 * A claim's files have one group: that of the pod that mounted it last (Kubernetes documentation, "Configure a Security Context for a Pod",
 * `fsGroup`). Pods of another user that run meanwhile can neither read what is new nor write beside it.
 */
function warnOfOtherUsers(construct: Construct, store: string, user: number): void {
  const claims = users.get(construct.node.root) ?? new Map<string, Map<number, Construct>>();
  users.set(construct.node.root, claims);
  const known = claims.get(store) ?? new Map<number, Construct>();
  claims.set(store, known);
  if (known.has(user)) return;
  const [other] = known;
  known.set(user, construct);
  if (!other) return;
  warn(
    construct,
    `jobs write into ${store} as user ${user}, and those of ${other[1].node.path} as user ${other[0]}: each pod that mounts it may lock the other user out: give each user its own claim, or both images the same user (imageUser)`,
  );
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || outer === '' || inner.startsWith(`${outer}/`);
}
