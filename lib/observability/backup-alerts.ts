import { ApiObject, Lazy } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';
import {
  PrometheusRule,
  type PrometheusRuleSpec,
  PrometheusRuleSpecGroupsRulesExpr,
  toJson_PrometheusRuleSpec,
} from '../../imports/monitoring.coreos.com';
import { DatabaseBackup } from '../backup/database-backup';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { SERIES_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { unkept } from './kept';
import type { Objectives } from './objectives';
import { ALERT_LABELS, type Alert, alertsOf, METRIC_LABELS } from './rules';
import { type Watched, watchedBelow } from './watched';
import type { WitnessAlertsOptions } from './witness-options';
import { witnessAlertsOf } from './witness-rules';

/** Options of alerts. */
export interface AlertsOptions {
  /**
   * A `BackupWitness` looks at the backup's repository, and one at that of each mirror, and their metrics are scraped: alerts also say what
   * is in the repositories, whatever jobs say. `witness: {}` is enough.
   * @default - none looks, and alerts are about jobs alone
   */
  readonly witness?: WitnessAlertsOptions;
  /**
   * Labels of the PrometheusRule, by which a Prometheus finds it: what its `ruleSelector` wants, for example
   * `{ release: 'kube-prometheus-stack' }`. (Prometheus Operator's API reference, "PrometheusSpec", `ruleSelector`.)
   * @default - none but those of all objects
   */
  readonly labels?: { [label: string]: string };
  /**
   * Labels of every alert, beside `severity`, `namespace`, `series`, `cronjob` and the like: what an Alertmanager routes by, for example
   * `{ team: 'payments' }`.
   * @default - none
   */
  readonly alertLabels?: { [label: string]: string };
  /**
   * Labels of the kube-state-metrics that is asked, where a Prometheus has the metrics of several clusters: `{ cluster: 'production' }`.
   * Without them, what is gone in one cluster is taken to be there when another has it.
   * @default - none
   */
  readonly kubeStateMetrics?: { [label: string]: string };
  /**
   * A page with a heading for each alert: `runbook_url` of an alert is this address, `#`, and the alert's name in lower case.
   * @default - alerts have no link: what they say themselves tells what to do
   */
  readonly runbookUrl?: string;
}

/** Props of the alerts of one series. */
export interface BackupAlertsProps extends AlertsOptions {
  /**
   * What is watched: all CronJobs that this library makes of it, and the archive of its log. A DatabaseBackup, a VolumeSnapshotGroup, a
   * VeleroCheck or a VeleroRestoreJob.
   */
  readonly of: IConstruct;
  /**
   * What is promised of it.
   * @default - nothing: alerts say when a run that was due has not succeeded within its time
   */
  readonly objectives?: Objectives;
}

/**
 * The alerts of one series, as a PrometheusRule `<series>-backup-alerts` in its namespace. It is read by the Prometheus Operator, or by
 * whoever else knows that kind, and goes away with what it is about.
 *
 * Most add `Alerts` to a plan or a backup. This one is for what has no add-ons:
 *
 * ```ts
 * new BackupAlerts(group, 'alerts', { of: group, objectives: Objectives.of({ recoveryPoint: Duration.hours(26) }) });
 * ```
 *
 * Rules are written for what is there when the app is synthesized: what add-ons make, too.
 */
export class BackupAlerts extends Construct {
  /**
   * @throws InputError when a prop cannot stand
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: BackupAlertsProps,
  ) {
    super(...checkedConstruct('BackupAlerts', scope, id, props));
    this.checkLabels('alertLabels', ALERT_LABELS, props.alertLabels);
    this.checkLabels('kubeStateMetrics', METRIC_LABELS, props.kubeStateMetrics);
    this.checkLabels('witness.labels', WITNESS_LABELS, props.witness?.labels);
    this.checkRunbook(props.runbookUrl);
    if (props.witness && !(props.of instanceof DatabaseBackup)) {
      const because = 'a witness reads a repository, and only a DatabaseBackup has one: leave it out';
      throw new InputError(this, { prop: 'witness', got: props.witness, because });
    }
    const [watched] = this.watched();
    if (!watched) {
      const because =
        'it contains no CronJob of this library: pass a DatabaseBackup, a VolumeSnapshotGroup, a VeleroCheck or a VeleroRestoreJob';
      throw new InputError(this, { prop: 'of', got: props.of.node.path, because });
    }
    const { series, namespace } = watched;
    if (namespace === undefined) {
      const because =
        "rules match objects by namespace and name: give the chart a namespace, as in new Chart(app, 'shop', { namespace: 'shop' })";
      throw new InputError(this, { prop: 'namespace', got: undefined, because });
    }
    new ApiObject(this, 'Rule', {
      ...PrometheusRule.GVK,
      metadata: {
        name: checkObjectName(this, 'series', `${series}-backup-alerts`),
        namespace,
        labels: { ...props.labels, ...STANDARD_LABELS, 'app.kubernetes.io/component': 'alerts', [SERIES_LABEL]: series },
      },
      spec: Lazy.any({ produce: () => toJson_PrometheusRuleSpec(this.spec(series, namespace)) }),
    });
    this.node.addValidation({ validate: () => unkept(watchedBelow(props.of), props.objectives ?? {}) });
  }

  private spec(series: string, namespace: string): PrometheusRuleSpec {
    const { objectives = {}, kubeStateMetrics = {}, alertLabels = {}, runbookUrl, witness, of } = this.props;
    const watched = watchedBelow(of);
    const alerts = [
      ...alertsOf(namespace, watched, objectives, kubeStateMetrics),
      ...(witness && of instanceof DatabaseBackup ? witnessAlertsOf(namespace, of, watched, objectives, witness, kubeStateMetrics) : []),
    ];
    const rule = ({ alert, severity, wait, expr, labels, summary, description }: Alert) => ({
      alert,
      expr: PrometheusRuleSpecGroupsRulesExpr.fromString(expr),
      for: wait,
      labels: { ...alertLabels, ...labels, severity },
      annotations: { summary, description, ...(runbookUrl !== undefined && { runbook_url: `${runbookUrl}#${alert.toLowerCase()}` }) },
    });
    return { groups: [{ name: `cdk8s-backup/${namespace}/${series}`, rules: alerts.map(rule) }] };
  }

  private watched(): Watched[] {
    const { jobs, archives } = watchedBelow(this.props.of);
    const all = [...jobs, ...archives];
    const other = all.find(({ series, namespace }) => series !== all[0]?.series || namespace !== all[0]?.namespace);
    if (other) {
      const because = `it holds ${all[0]?.series} and ${other.series}, and alerts are for one series: pass one backup, or add Alerts to a plan`;
      throw new InputError(this, { prop: 'of', got: this.props.of.node.path, because });
    }
    return all;
  }

  private checkLabels(prop: string, taken: string[], labels: { readonly [label: string]: string } = {}): void {
    for (const label of Object.keys(labels)) {
      if (taken.includes(label)) {
        throw new InputError(this, {
          prop,
          got: label,
          because: `the rules set ${taken.join(', ')} themselves: choose another label`,
        });
      }
      // (Prometheus documentation, "Data model".)
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) {
        const because = 'write letters, digits and underscores, with no digit first: Prometheus allows no other label names';
        throw new InputError(this, { prop, got: label, because });
      }
    }
  }

  private checkRunbook(url: string | undefined): void {
    if (url === undefined || /^https?:\/\/[^\s#]+$/.test(url)) return;
    const because = "write the address of a page, without '#': each alert links to the heading with its own name";
    throw new InputError(this, { prop: 'runbookUrl', got: url, because });
  }
}

/** The labels by which rules choose what a witness says. */
const WITNESS_LABELS = ['repository', 'series'];
