import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { memoized } from '../core/memoized';

/**
 * The order in which charts and objects are written: each after those that it depends on.
 *
 * The DependencyGraph of cdk8s does not remember what it has seen, so it takes time exponential in the depth of the dependencies. It is
 * also built anew for each chart. This gives the same order in time linear in constructs and dependencies.
 */
export interface Topology {
  /** All charts. */
  readonly charts: Chart[];
  /** Whether a chart depends on another. File names then carry their position. */
  readonly ordered: boolean;
  /** The objects of a chart, without those of charts in it. */
  objectsOf(chart: Chart): ApiObject[];
}

/** What each construct depends on, in the order of the calls. */
type Edges = Map<IConstruct, Set<IConstruct>>;

/**
 * The topology of an app.
 *
 * @param constructs all of them, as `app.node.findAll()` gives them
 * @throws Error when dependencies go round in a circle, naming it
 */
export function topologyOf(constructs: IConstruct[]): Topology {
  const chartOf = closestCharts(constructs);
  const edges: Edges = new Map(constructs.map(construct => [construct, new Set(construct.node.dependencies)]));
  const add = (source: IConstruct, target: IConstruct) => edges.get(source)?.add(target);
  const all = () => [...edges].flatMap(([source, targets]) => [...targets].map(target => ({ source, target })));
  let ordered = false;

  // The three steps, and their order, are those of cdk8s: another order of edges would be another order of files.
  for (const parent of constructs.filter(Chart.isChart)) {
    for (const child of parent.node.children.filter(Chart.isChart)) {
      add(parent, child);
      ordered = true;
    }
  }
  for (const { source, target } of all()) {
    if (chartOf(source) !== chartOf(target)) {
      add(chartOf(source), chartOf(target));
      ordered = true;
    }
  }
  const objectsIn = memoized((construct: IConstruct) =>
    construct.node.findAll().filter(inner => ApiObject.isApiObject(inner) && chartOf(inner) === chartOf(construct)),
  );
  for (const { source, target } of all()) {
    for (const last of objectsIn(target)) {
      for (const first of objectsIn(source)) {
        if (first !== last) {
          add(first, last);
        }
      }
    }
  }

  return {
    charts: sorted(constructs, edges).filter(Chart.isChart) as Chart[],
    ordered,
    objectsOf: memoized(chart =>
      sorted(chart.node.findAll(), edges)
        .filter((construct): construct is ApiObject => ApiObject.isApiObject(construct))
        .filter(object => chartOf(object) === chart),
    ),
  };
}

/** `Chart.of` without climbing the tree each time. */
function closestCharts(constructs: IConstruct[]): (construct: IConstruct) => Chart {
  const known = new Map<IConstruct, Chart>();
  for (const construct of constructs) {
    const chart = Chart.isChart(construct) ? (construct as Chart) : construct.node.scope && known.get(construct.node.scope);
    if (chart) {
      known.set(construct, chart);
    }
  }
  return construct => known.get(construct) ?? Chart.of(construct);
}

/** Constructs, each after those that it depends on: depth first, from those that nothing depends on. */
function sorted(constructs: IConstruct[], edges: Edges): IConstruct[] {
  const inside = new Set(constructs);
  const dependencies = (construct: IConstruct) => [...(edges.get(construct) ?? [])].filter(target => inside.has(target));
  const wanted = new Set(constructs.flatMap(dependencies));
  const done = new Set<IConstruct>();
  const trail = new Set<IConstruct>();

  const visit = (construct: IConstruct) => {
    if (done.has(construct)) {
      return;
    }
    if (trail.has(construct)) {
      const steps = [...trail, construct];
      const circle = steps.slice(steps.indexOf(construct)).map(step => step.node.path);
      throw new Error(`Dependency cycle detected: ${circle.join(' => ')}`);
    }
    trail.add(construct);
    dependencies(construct).forEach(visit);
    trail.delete(construct);
    done.add(construct);
  };

  inCdk8sOrder(constructs)
    .filter(construct => !wanted.has(construct))
    .forEach(visit);
  // What is left hangs on nothing but itself: visiting it finds the circle.
  constructs.forEach(visit);
  return [...done];
}

/** cdk8s keeps constructs as properties of an object by path. JavaScript puts properties that look like an array index first. */
function inCdk8sOrder(constructs: IConstruct[]): IConstruct[] {
  const looksLikeIndex = ({ node: { path } }: IConstruct) => /^(0|[1-9]\d*)$/.test(path) && Number(path) < 2 ** 32 - 1;
  const first = constructs.filter(looksLikeIndex).sort((a, b) => Number(a.node.path) - Number(b.node.path));
  return first.length > 0 ? [...first, ...constructs.filter(construct => !looksLikeIndex(construct))] : constructs;
}
