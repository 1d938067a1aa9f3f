import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import type { RepositoryConfig } from './repository';

/**
 * A claim as a store: it is of its namespace.
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
 * @throws InputError when the repository lies inside another one, or another one inside it: either takes the other's files for its own
 *   (a check, a prune, a lifecycle rule of a prefix)
 * @internal
 */
export function registerPlace(construct: Construct, { identity, place }: RepositoryConfig): void {
  if (!place) return;
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
      because: `it and the repository of ${other.construct.node.path}, ${other.identity}, lie one inside the other: either would take the other's files for its own; give each a path beside the other's`,
    });
  }
  known.push({ construct, identity, path: place.path });
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || outer === '' || inner.startsWith(`${outer}/`);
}
