/**
 * Metrics are asked for as they were within this time: a kube-state-metrics that starts anew, or misses some scrapes, neither ends an
 * alert nor begins one. What these rules ask for grows, or is judged by its newest value.
 */
export const WINDOW = '15m';

/**
 * What samples are told apart by. A Prometheus with several clusters has a label for them, by custom this one; where there is none it
 * says nothing. What scrapes add, such as `instance` and `pod`, is dropped, as kube-state-metrics may run twice, and is another pod after
 * each restart.
 */
const BY = 'cluster, namespace';

const ON = `on (${BY})`;
const ON_JOB = `on (${BY}, job_name)`;

/** A string of PromQL; its escapes are those of Go, which JSON's are among. (Prometheus documentation, "Querying basics".) */
const quoted = (text: string) => JSON.stringify(text);

/** What kube-state-metrics says of one namespace, in PromQL. */
export class Metrics {
  /**
   * @param matchers labels of the kube-state-metrics that is asked
   */
  constructor(
    private readonly namespace: string,
    private readonly matchers: { readonly [label: string]: string },
  ) {}

  /** All series of a metric that are of this namespace and have these labels. @param others further matchers */
  public series(metric: string, labels: { readonly [label: string]: string } = {}, others: string[] = []): string {
    const equal = (each: object) => Object.entries(each).map(([label, value]) => `${label}=${quoted(value)}`);
    return `${metric}{${[...equal({ namespace: this.namespace, ...labels }), ...others, ...equal(this.matchers)].join(',')}}`;
  }

  /**
   * What is said of other namespaces, and has been given this one by a Prometheus that does not honor the labels of what it scrapes.
   * Where somebody puts `namespace` right and keeps the other label, both are the same.
   */
  public misplaced(metric: string): string {
    const others = ['', this.namespace].map(namespace => `exported_namespace!=${quoted(namespace)}`);
    return `max by (${BY}) (last_over_time(${this.series(metric, {}, others)}[${WINDOW}]))`;
  }

  /** Something that was true within the window. */
  public recent(metric: string, labels: { readonly [label: string]: string } = {}): string {
    return `max_over_time(${this.series(metric, labels)}[${WINDOW}])`;
  }

  /** The latest of times that a metric says: no time that was true becomes untrue. */
  public latest(metric: string, labels: { readonly [label: string]: string }): string {
    return `max by (${BY}) (${this.recent(metric, labels)})`;
  }

  /** What a metric says now, or said last. */
  public now(metric: string, labels: { readonly [label: string]: string }): string {
    return `max by (${BY}) (last_over_time(${this.series(metric, labels)}[${WINDOW}]))`;
  }

  /** Nothing was said within the window. It has the labels of the selector. */
  public absent(metric: string, labels: { readonly [label: string]: string } = {}): string {
    return `absent_over_time(${this.series(metric, labels)}[${WINDOW}])`;
  }

  /**
   * The jobs of a CronJob, those started by hand among them: `kubectl create job --from` makes them its own. Labels of objects are no
   * way to find them, as kube-state-metrics shows none unless it is told to.
   */
  public jobsOf(cronJob: string): string {
    return this.recent('kube_job_owner', { owner_kind: 'CronJob', owner_name: cronJob });
  }

  /** When jobs of this namespace began, or ended, by job. */
  public byJob(metric: string): string {
    return `max by (${BY}, job_name) (${this.recent(metric)})`;
  }
}

/** The lines of an operand, within parentheses. */
export const grouped = (...lines: string[]) => `(\n${lines.map(indented).join('\n')}\n)`;

const indented = (text: string) => text.replace(/^/gm, '  ');

/** Both operands are of one CronJob or Deployment. */
export const compared = (left: string, comparison: string, right: string) => `${left} ${comparison} ${ON} ${right}`;

export const unless = (condition: string) => `unless ${ON} ${condition}`;
export const and = (condition: string) => `and ${ON} ${condition}`;
export const andOfJob = (condition: string) => `and ${ON_JOB} ${condition}`;
export const unlessOfJob = (condition: string) => `unless ${ON_JOB} ${condition}`;

/** Each job's value, where it is the same as that of its CronJob. */
export const asOfCronJob = (jobs: string, cronJob: string) => `${jobs} == ${ON} group_left () ${cronJob}`;

export const latestOf = (...lines: string[]) => `max by (${BY}) ${grouped(...lines)}`;
export const earliestOf = (...lines: string[]) => `min by (${BY}) ${grouped(...lines)}`;
