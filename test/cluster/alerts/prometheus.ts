import { mkdirSync, writeFileSync } from 'node:fs';
import { read } from '../api';
import { node, until } from '../kubectl';
import { NODE_ADDRESS } from '../node/kubernetes';
import { alertPrograms } from './programs';

/** An alert, as Prometheus' API has it. */
export interface ActiveAlert {
  readonly labels: {
    readonly alertname: string;
    readonly series?: string;
    readonly cronjob?: string;
    readonly [label: string]: string | undefined;
  };
  readonly annotations: { readonly summary: string; readonly description: string };
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
}

/** Labels and value of what a query finds. */
export interface Found {
  readonly metric: { readonly [label: string]: string };
  readonly value: number;
}

const EXPORTER = 'kube-state-metrics';
const PORTS = { prometheus: 9090, metrics: 8080, telemetry: 8081 };
const SETTINGS = '/etc/prometheus';
/** The API server asks the node for whoever asks it. */
const API = `/api/v1/nodes/http:node:${PORTS.prometheus}/proxy/api/v1`;

/** kube-state-metrics and a Prometheus that asks it every second, as daemons of the node. Its own settings are those of its documentation. */
export class Prometheus {
  private asked = 0;
  private alerts: Promise<ActiveAlert[]> = Promise.resolve([]);

  private constructor(
    private readonly exporter: string,
    private readonly program: string,
  ) {}

  /** @param rules files of rules */
  static async start(rules: object[]): Promise<Prometheus> {
    const { kubeStateMetrics, prometheus } = await alertPrograms();
    const made = new Prometheus(kubeStateMetrics, prometheus);
    const folder = node().path(SETTINGS);
    mkdirSync(folder, { recursive: true });
    // JSON is YAML.
    const write = (name: string, content: object) => writeFileSync(`${folder}/${name}`, JSON.stringify(content));
    for (const [index, rule] of rules.entries()) write(`rules-${index}.yaml`, rule);
    write('prometheus.yaml', {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [`${SETTINGS}/rules-*.yaml`],
      scrape_configs: [{ job_name: EXPORTER, honor_labels: true, static_configs: [{ targets: [`${NODE_ADDRESS}:${PORTS.metrics}`] }] }],
    });
    await made.startExporter();
    await node().launch({
      name: 'prometheus',
      argv: [
        made.program,
        `--config.file=${SETTINGS}/prometheus.yaml`,
        `--storage.tsdb.path=/var/lib/prometheus-${Date.now()}`,
        `--web.listen-address=${NODE_ADDRESS}:${PORTS.prometheus}`,
      ],
    });
    await until('kube-state-metrics is scraped', async () => (await made.query('up == 1').catch(() => [])).length === 1);
    return made;
  }

  async stop(): Promise<void> {
    for (const name of ['prometheus', EXPORTER])
      await node()
        .kill(name)
        .catch(() => {});
  }

  startExporter(): Promise<void> {
    return node().launch({
      name: EXPORTER,
      argv: [
        this.exporter,
        '--kubeconfig=/etc/kubernetes/admin.kubeconfig',
        // What docs/alerts.md says is enough.
        '--resources=cronjobs,jobs,deployments,namespaces',
        ...[`--host=${NODE_ADDRESS}`, `--port=${PORTS.metrics}`, `--telemetry-host=${NODE_ADDRESS}`, `--telemetry-port=${PORTS.telemetry}`],
      ],
    });
  }

  killExporter(): Promise<void> {
    return node().kill(EXPORTER);
  }

  /** What is pending, and what fires. Whoever asks within a second has one answer. */
  active(): Promise<ActiveAlert[]> {
    if (Date.now() - this.asked > 1000) {
      this.asked = Date.now();
      this.alerts = ask('/alerts').then(data => data.alerts);
    }
    return this.alerts;
  }

  /** Waits until an alert fires. @param alert its name, and the CronJob, if it has one */
  async fires(alert: string, seconds = 300): Promise<ActiveAlert> {
    let found: ActiveAlert | undefined;
    const fires = async () => {
      found = (await this.active()).find(each => each.state === 'firing' && nameOf(each.labels) === alert);
      return found !== undefined;
    };
    await until(`${alert} fires`, fires, seconds);
    return found as ActiveAlert;
  }

  /** Waits until an alert neither fires nor is about to. */
  resolves(alert: string): Promise<void> {
    return until(`${alert} is resolved`, async () => (await this.active()).every(({ labels }) => nameOf(labels) !== alert));
  }

  /** Whatever has fired at any time. */
  async fired(): Promise<string[]> {
    const found = await this.query('group by (alertname, cronjob, deployment) (max_over_time(ALERTS{alertstate="firing"}[1h]))');
    return found.map(({ metric }) => nameOf(metric)).sort();
  }

  async query(expression: string): Promise<Found[]> {
    const { result } = await ask(`/query?query=${encodeURIComponent(expression)}`);
    return result.map(({ metric, value }: { metric: Found['metric']; value: [number, string] }) => ({ metric, value: Number(value[1]) }));
  }
}

const nameOf = ({ alertname = '', cronjob, deployment }: { readonly [label: string]: string | undefined }) =>
  [alertname, cronjob ?? deployment].filter(Boolean).join(' ');

// biome-ignore lint/suspicious/noExplicitAny: as its documentation says, for each path
async function ask(path: string): Promise<any> {
  const answer = (await read(`${API}${path}`)) as { data?: object } | undefined;
  if (!answer?.data) throw new Error(`Prometheus says nothing of ${path}`);
  return answer.data;
}
