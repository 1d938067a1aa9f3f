import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import { isUnfinished, type Need, needsOf } from '../core/needs';
import type { Prerequisite, PrerequisiteRole } from './prerequisite';
import { pageOf } from './prerequisites-page';
import { definitionOf, isClusterWide, type Manifest, type Reference, referencesOf } from './references';

/**
 * What has to exist before the manifests work: Secrets with their keys, claims, classes, CustomResourceDefinitions, namespaces, and roles
 * in databases.
 *
 * It is read from the manifests as they are written, without what the app makes itself. So it covers your own constructs, too. Engines add
 * what only a database knows. `BackupApp` writes it beside the manifests, as PREREQUISITES.md; in any other app:
 *
 * ```ts
 * app.synth();
 * writeFileSync(join(app.outdir, 'PREREQUISITES.md'), Prerequisites.of(app).toMarkdown());
 * ```
 */
export class Prerequisites {
  /**
   * The prerequisites of a construct and all in it: an app, a chart, a plan, a backup.
   *
   * Call it after the app was synthesized: what add-ons make does not exist before.
   *
   * @throws InputError when a backup has add-ons that are not bound yet, since something would be missing here
   */
  public static of(scope: IConstruct): Prerequisites {
    const early = scope.node.findAll().find(isUnfinished);
    if (early) {
      const because = 'the objects of its add-ons do not exist yet: call app.synth() first';
      throw new InputError(early, { prop: 'Prerequisites.of', got: 'called before synthesis', because });
    }
    const gathered = new Gathered();
    for (const construct of scope.node.root.node.findAll()) gathered.makes(manifestsOf(construct));
    const within = scope.node.findAll();
    for (const construct of within) gathered.refers(manifestsOf(construct));
    return gathered.prerequisites(within);
  }

  /** @internal */
  constructor(
    /** What has to exist, by namespace, kind and name. */
    public readonly objects: Prerequisite[],
    /** The roles that databases need. */
    public readonly roles: PrerequisiteRole[],
  ) {}

  /** A page of Markdown for people, with a command for each Secret, in which you put the values. Empty if nothing is needed. */
  public toMarkdown(): string {
    return pageOf(this.objects, this.roles);
  }
}

/** The manifests of one construct. A chart that renders itself has its contents in its own manifests. */
function manifestsOf(construct: IConstruct): Manifest[] {
  if (Chart.isChart(construct)) {
    const chart = construct as Chart;
    return rendersItself(chart) ? chart.toJson() : [];
  }
  return ApiObject.isApiObject(construct) && !rendersItself(Chart.of(construct)) ? [construct.toJson()] : [];
}

const rendersItself = (chart: Chart) => chart.toJson !== Chart.prototype.toJson;

/**
 * Gathers what manifests refer to, and what they are.
 *
 * @internal
 */
export class Gathered {
  private readonly made = new Set<string>();
  /** The beginnings of names of claims that a StatefulSet makes for its pods. */
  private readonly claims = new Set<string>();
  private readonly references: Reference[] = [];

  /** Notes all objects of a chart. */
  public chart(manifests: Manifest[]): void {
    this.makes(manifests);
    this.refers(manifests);
  }

  /** Notes what objects are. */
  public makes(manifests: Manifest[]): void {
    for (const manifest of manifests) {
      const { kind = '', metadata, spec } = manifest as Manifest & { readonly spec?: ClaimTemplates & Definition };
      this.made.add(idOf({ kind, name: metadata?.name ?? '', namespace: metadata?.namespace }));
      if (kind === 'StatefulSet') {
        for (const template of spec?.volumeClaimTemplates ?? []) {
          this.claims.add(`${metadata?.namespace ?? ''}/${template.metadata?.name}-${metadata?.name}-`);
        }
      }
      if (kind === 'CustomResourceDefinition' && spec?.group && spec.names?.kind) {
        this.made.add(idOf({ kind, name: definitionOf(spec.names.kind, spec.group) }));
      }
    }
  }

  /** Notes what objects refer to. Most of it, such as scripts, is beside them and noted already, so it need not be remembered. */
  public refers(manifests: Manifest[]): void {
    this.references.push(...manifests.flatMap(referencesOf).filter(reference => !this.isMade(reference)));
  }

  /** @param constructs those of which something may have been said */
  public prerequisites(constructs: IConstruct[]): Prerequisites {
    const purposes = new Grouped();
    const doings = new Grouped();
    const roles = new Map<string, { readonly namespace?: string; readonly secret: string; readonly grants: string[] }>();
    const references = [...this.references];
    for (const { namespace, need } of constructs.flatMap(notesOf)) {
      if (need.type === 'made') this.made.add(idOf({ ...need, namespace }));
      if (need.type === 'purpose') purposes.add(idOf({ kind: 'Secret', name: need.secret, namespace }), need.does, need.of);
      if (need.type === 'object') {
        const { kind, name, by } = need;
        references.push({ kind, name, by, isOptional: false, ...(!isClusterWide(kind) && { namespace }) });
      }
      if (need.type === 'role') {
        const { secret, grants, does, of } = need;
        const id = [namespace ?? '', secret, ...grants].join('\n');
        roles.set(id, { ...(namespace !== undefined && { namespace }), secret, grants });
        doings.add(id, does, of);
      }
    }
    const missing = new Map<string, Reference[]>();
    for (const reference of references.filter(each => !this.isMade(each))) {
      const id = idOf(reference);
      const others = missing.get(id);
      if (others) others.push(reference);
      else missing.set(id, [reference]);
    }
    const objects = [...missing].map(([id, uses]) => prerequisiteOf(uses, purposes.of(id)));
    return new Prerequisites(
      objects.sort(byKey(({ namespace, kind, name }) => [namespace ?? '', kind, name])),
      [...roles]
        .map(([id, role]) => ({ ...role, does: doings.of(id) }))
        .sort(byKey(({ namespace, secret, does }) => [namespace ?? '', secret, ...does])),
    );
  }

  private isMade(reference: Reference): boolean {
    if (this.made.has(idOf(reference))) return true;
    if (reference.kind !== 'PersistentVolumeClaim' || !/-\d+$/.test(reference.name)) return false;
    return this.claims.has(`${reference.namespace ?? ''}/${reference.name.replace(/\d+$/, '')}`);
  }
}

function notesOf(construct: IConstruct): { readonly namespace: string | undefined; readonly need: Need }[] {
  const needs = needsOf(construct);
  if (needs.length === 0) return [];
  const { namespace } = Chart.of(construct);
  return needs.map(need => ({ namespace, need }));
}

interface ClaimTemplates {
  readonly volumeClaimTemplates?: { readonly metadata?: { readonly name?: string } }[];
}

interface Definition {
  readonly group?: string;
  readonly names?: { readonly kind?: string };
}

function idOf({ kind, name, namespace }: { kind: string; name: string; namespace?: string }): string {
  return `${kind} ${isClusterWide(kind) ? '' : (namespace ?? '')}/${name}`;
}

/** What is true of every claim that several mount, such as a repository of files, or a data directory and its jobs. */
const SHARED = 'several mount it: it is ReadWriteMany, or all of them run on one node';

function prerequisiteOf(uses: Reference[], purposes: string[]): Prerequisite {
  const [{ kind, name, namespace }] = uses as [Reference];
  const read = uses.filter(({ as }) => as !== undefined).map(use => ({ ...use, key: use.key ?? '*' }));
  const keys = [...new Set(read.map(({ key }) => key))].sort();
  return {
    ...{ kind, name, ...(namespace !== undefined && { namespace }) },
    keys: keys.map(key => {
      const ofKey = read.filter(use => use.key === key);
      return { key, isFile: ofKey.every(({ as }) => as === 'file'), usedAs: usedAs(ofKey) };
    }),
    purposes: new Set(uses.filter(({ isMounted }) => isMounted).map(({ by }) => by)).size > 1 ? [...purposes, SHARED] : purposes,
    usedBy: [...new Set(uses.map(({ by }) => by))].sort(),
    isOptional: uses.every(({ isOptional }) => isOptional),
    pullsImages: uses.some(({ pullsImages }) => pullsImages === true),
  };
}

/** Its names in the pods: `PGPASSWORD of CronJob orders-backup, orders-restore`. */
function usedAs(uses: Reference[]): string[] {
  const grouped = new Grouped();
  for (const { as, called = '', by } of uses) {
    const [kind = '', name = ''] = by.split(' ');
    const what = as === 'file' ? `the file ${called}`.trimEnd() : called || 'variables';
    grouped.add('', `${what} of ${kind}`, name);
  }
  return grouped.of('');
}

/** Sentences that begin the same, as one: `backs up orders, users`. */
class Grouped {
  private readonly byId = new Map<string, Map<string, Set<string>>>();

  public add(id: string, beginning: string, end: string): void {
    const sentences = this.byId.get(id) ?? new Map<string, Set<string>>();
    this.byId.set(id, sentences.set(beginning, (sentences.get(beginning) ?? new Set()).add(end)));
  }

  public of(id: string): string[] {
    return [...(this.byId.get(id) ?? [])].map(([beginning, ends]) => `${beginning} ${[...ends].sort().join(', ')}`).sort();
  }
}

/** By code unit, so that the order is the same whatever the locale. */
function byKey<T>(keysOf: (of: T) => string[]): (a: T, b: T) => number {
  return (a, b) => {
    const [one, other] = [keysOf(a).join('\n'), keysOf(b).join('\n')];
    return one < other ? -1 : Number(one > other);
  };
}
