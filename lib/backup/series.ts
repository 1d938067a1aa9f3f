import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';

/** The suffix of the series of an archived log. */
export const LOG_SUFFIX = '-log';

/** The series of an app's repositories. Two backups that share one would prune each other's recovery points. */
const apps = new WeakMap<object, Map<string, Construct>>();

/** @internal */
export function registerSeries(backup: Construct, repository: string, series: string): void {
  const known = apps.get(backup.node.root) ?? new Map<string, Construct>();
  apps.set(backup.node.root, known);
  const key = `${repository}\n${series}`;
  const other = known.get(key);
  if (other) {
    throw new InputError(backup, {
      prop: 'series',
      got: series,
      because: `${other.node.path} keeps its recovery points under that name in the same repository, and each would prune the other's: give one of them another series`,
    });
  }
  known.set(key, backup);
}

/**
 * Recovery points of two kinds cannot share a series in one namespace: it names their objects, and finds them.
 *
 * @internal
 */
export function registerName(of: Construct, kind: 'backup' | 'snapshot', series: string): void {
  const namespace = Chart.of(of).namespace ?? '';
  const other = namesOf(of).get(`${kind === 'backup' ? 'snapshot' : 'backup'} ${namespace}/${series}`);
  if (other) {
    const because = `${other.node.path} already uses that series in this namespace, and objects are named and found by it: give one of them another series`;
    throw new InputError(of, { prop: 'series', got: series, because });
  }
  namesOf(of).set(`${kind} ${namespace}/${series}`, of);
}

const names = new WeakMap<object, Map<string, Construct>>();

function namesOf({ node: { root } }: Construct): Map<string, Construct> {
  const known = names.get(root) ?? new Map<string, Construct>();
  names.set(root, known);
  return known;
}
