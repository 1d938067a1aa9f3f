import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { memoized } from '../core/memoized';
import { OUTLIVE_ANNOTATIONS } from './deploy-tools';
import { kubernetesObject } from './kubernetes-object';
import { STANDARD_LABELS } from './labels';

/** The files of a folder that go into the pod: scripts for a shell, for awk, for a database, and for programs of its image. */
const SCRIPT = /\.(sh|awk|sql|js|escript)$/;

/** In the package, the compiler's JavaScript is beside the scripts. Its types are beside it. */
function isCompiled(file: string, all: string[]): boolean {
  return file.endsWith('.js') && all.includes(file.replace(/js$/, 'd.ts'));
}

/**
 * A folder of scripts as pods see it: an immutable ConfigMap whose name carries a hash of its content.
 *
 * Every job that uses the folder shares one ConfigMap per namespace. A changed script is a new ConfigMap under a new name. So a running pod
 * keeps what it started with, and a diff of dist/ shows which jobs change. The old one stays in the cluster, if the deploy tool can be told
 * so. (Kubernetes documentation, "Immutable ConfigMaps".)
 */
export class ScriptFolder {
  /**
   * @param name the folder's part of the ConfigMap's name, e.g. `postgres`
   * @param paths the folder on disk; pods see all files of several folders in one
   */
  public static at(name: string, ...paths: string[]): ScriptFolder {
    return new ScriptFolder(name, filesAt(JSON.stringify(paths)));
  }

  /**
   * @param name the files' part of the ConfigMap's name
   * @param files content by file name
   */
  public static of(name: string, files: { [file: string]: string }): ScriptFolder {
    return new ScriptFolder(name, files);
  }

  private constructor(
    private readonly name: string,
    private readonly files: { [file: string]: string },
  ) {}

  /**
   * @param who what calls the scripts
   * @throws InputError when one of them is not in the folder
   * @internal
   */
  public _require(scope: Construct, prop: string, who: string, scripts: string[]): void {
    const missing = scripts.filter(script => !(script in this.files));
    if (missing.length === 0) return;
    const because = `${who} needs ${missing.join(', ')}, which this folder lacks: write ${missing.length > 1 ? 'them' : 'it'}, as docs/extending.md says`;
    throw new InputError(scope, { prop, got: this.name, because });
  }

  /**
   * The ConfigMap of this folder in the namespace of the construct; created when the first job asks for it.
   *
   * @returns the ConfigMap's name
   */
  public bind(scope: Construct): string {
    const chart = Chart.of(scope);
    const name = `backup-scripts-${this.name}-${hashOf(this.files)}`;
    const made = namespaces(scope.node.root as Construct);
    const key = `${chart.namespace ?? ''}/${name}`;
    if (!made.has(key)) {
      made.add(key);
      // Below the construct that asks, and not below the chart: so it is written, and applied, before that construct's own objects.
      kubernetesObject(scope, name, k8s.KubeConfigMap.GVK, {
        metadata: {
          name,
          labels: { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'scripts' },
          // A job that runs goes on with the scripts that it began with, in its next attempt too.
          annotations: OUTLIVE_ANNOTATIONS,
        },
        immutable: true,
        data: this.files,
      });
    }
    return name;
  }
}

/** A thousand databases ask for the same few folders. Each is read, and its hash computed, once. */
const filesAt = memoized((paths: string): { [file: string]: string } => {
  const files = (JSON.parse(paths) as string[]).flatMap(path => {
    const all = readdirSync(path);
    return all
      .filter(file => SCRIPT.test(file) && !isCompiled(file, all))
      .map(file => [file, readFileSync(join(path, file), 'utf8')] as const);
  });
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)));
});
const hashOf = memoized((files: { [file: string]: string }) =>
  createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 10),
);

/** The ConfigMaps of an app, by namespace: charts that share a namespace share them. */
const apps = new WeakMap<Construct, Set<string>>();

function namespaces(app: Construct): Set<string> {
  const known = apps.get(app) ?? new Set<string>();
  apps.set(app, known);
  return known;
}
