import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../support/synth';
import { type Cluster, seriesOf } from './kube-state-metrics';

/** Prometheus' own judge of rules; on a laptop it may be missing. */
export const isMissing = spawnSync('promtool', ['--version']).status !== 0;

/** Minutes between two scrapes, and between two evaluations: a sample is known for five minutes. */
export const STEP = 5;

export interface Outcome {
  readonly status: number | null;
  readonly said: string;
}

/** What `promtool check rules` says of PrometheusRules. */
export function checked(rules: Manifest[]): Outcome {
  return within(folder => promtool(['check', 'rules', ...rules.map((rule, index) => file(folder, `rules-${index}.yaml`, rule.spec))]));
}

export interface Expected {
  /** The moment, in minutes. */
  readonly at: number;
  /** Whatever fires, if only for a moment, in so many minutes before it. */
  readonly within?: number;
  /** What fires then: the alert's name, and the CronJob or Deployment. All others do not. */
  readonly firing: string[];
  /** Whole alerts, as `alert_rule_test` of promtool has them. */
  readonly alerts?: object[];
}

/** For all that was true before to be said: the longest wait is an hour. */
const BEFORE = 75;

/** Runs rules on what kube-state-metrics says, by `promtool test rules`: each moment with what was before it. */
export function tested(rules: Manifest[], clusters: Cluster[], expected: Expected[]): Outcome {
  const tests = expected.map(({ at, within, firing, alerts = [] }) => {
    const from = at - (within ?? BEFORE);
    const eval_time = `${at - from}m`;
    return {
      interval: `${STEP}m`,
      input_series: clusters.flatMap(cluster => seriesOf(cluster, [from, at], STEP)),
      promql_expr_test: [{ expr: firingAlerts(within), eval_time, exp_samples: firing.map(sample) }],
      alert_rule_test: alerts.map(alert => ({ eval_time, ...alert })),
    };
  });
  return within(folder => {
    const rule_files = rules.map((rule, index) => file(folder, `rules-${index}.yaml`, rule.spec));
    return promtool(['test', 'rules', file(folder, 'test.yaml', { rule_files, evaluation_interval: `${STEP}m`, tests })]);
  });
}

/** Alerts by name and object, and how many of each there are. */
function firingAlerts(within: number | undefined): string {
  const alerts = 'ALERTS{alertstate="firing"}';
  const all = within === undefined ? alerts : `max_over_time(${alerts}[${within}m])`;
  return `count by (alertname, object) (label_join(${all}, "object", "", "cronjob", "deployment"))`;
}

function sample(alert: string) {
  const [alertname, object] = alert.split(' ');
  return { labels: `{alertname="${alertname}"${object === undefined ? '' : `,object="${object}"`}}`, value: 1 };
}

function promtool(args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { status, said: stdout + stderr };
}

/** JSON is YAML. */
function file(folder: string, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function within(work: (folder: string) => Outcome): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
