import { join } from 'node:path';
import { ApiObject, Chart, Duration, Lazy, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { ServiceMonitor, type ServiceMonitorSpec, toJson_ServiceMonitorSpec } from '../../imports/monitoring.coreos.com';
import { secretsOf } from '../backup/operation';
import { checkedConstruct } from '../core/given';
import { ImageCatalog } from '../core/image-catalog';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { needsSecrets } from '../core/needs';
import { podDefaultsOf } from '../core/pod-defaults';
import { mergedPodOptions, type PodOptions } from '../core/pod-options';
import { Scratch } from '../core/scratch';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { JOB_LABEL, OPERATION_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { egressTo } from '../kubernetes/network';
import { operationPod, SERVED } from '../kubernetes/pod';
import { ScriptFolder } from '../kubernetes/script-folder';
import { SHELL } from '../kubernetes/shell-scripts';
import { writersOf } from '../repositories/place';
import { type IRepository, RepositoryAccess, type RepositoryConfig } from '../repositories/repository';

/** The port on which a witness serves its metrics. */
const PORT = 9801;

/** httpd answers /metrics with a redirection to it. */
const PATH = '/metrics/';

/** nobody: what lists a store needs no user of its own. */
const NOBODY = 65534;

const OPERATION = 'witness';

const SCRIPTS = ScriptFolder.at('witness', join(__dirname, 'witness'));

/** Who may ask a witness for its metrics. */
export interface ScrapedByOptions {
  /**
   * The namespace of the pods that scrape: `monitoring`.
   * @default - every namespace
   */
  readonly namespace?: string;
  /**
   * Labels of those pods: `{ 'app.kubernetes.io/name': 'prometheus' }`.
   * @default - every pod
   */
  readonly labels?: { [label: string]: string };
}

/** How a ServiceMonitor is found. */
export interface ServiceMonitorOptions {
  /**
   * Labels of the ServiceMonitor, by which a Prometheus finds it: what its `serviceMonitorSelector` wants, for example
   * `{ release: 'kube-prometheus-stack' }`. (Prometheus Operator's API reference, "PrometheusSpec", `serviceMonitorSelector`.)
   * @default - none but those of all objects
   */
  readonly labels?: { [label: string]: string };
}

/** Props of a witness. */
export interface BackupWitnessProps {
  /**
   * The repository that it looks at, with all series in it. Give it credentials that can only list and read, where the store has such: it
   * is the same repository if only the credentials differ. What is encrypted in a repository of files needs no key here; a restic
   * repository cannot be listed without its password.
   */
  readonly repository: IRepository;
  /**
   * How often it lists the repository: whole seconds, from a minute to a day.
   * @default Duration.minutes(5)
   */
  readonly interval?: Duration;
  /**
   * The longest that a listing may take, no less than a minute. The first one of a large or distant repository takes long; what it has read
   * of restic's snapshots is kept when it is given up.
   * @default Duration.minutes(15)
   */
  readonly timeout?: Duration;
  /**
   * The name of the Deployment, and of what belongs to it. Each witness of a namespace has one of its own.
   * @default 'backup-witness'
   */
  readonly name?: string;
  /**
   * A ServiceMonitor for the Prometheus Operator, whose CRD has to be there.
   * @default - none
   */
  readonly serviceMonitor?: ServiceMonitorOptions;
  /**
   * Whether the Service has the annotations `prometheus.io/scrape`, `prometheus.io/port` and `prometheus.io/path`, by which Prometheus
   * finds it where it is configured so, as by its community's Helm chart. With a `serviceMonitor` as well it would be scraped twice.
   * @default false
   */
  readonly scrapeAnnotations?: boolean;
  /**
   * Which pods may ask for the metrics; no others reach the witness.
   * @default - every pod of the cluster: metrics say how old and how large backups are, and nothing of what is in them
   */
  readonly scrapedBy?: ScrapedByOptions;
  /**
   * The user, and group, that reads a volume: the one who wrote the repository, since nobody else can read it.
   * @default - the one of this app's backups that write into the volume; 65534 where the repository is on no volume
   */
  readonly user?: number;
  /**
   * An image with a shell, GNU or busybox tools, and busybox's httpd. The official image of busybox has one; Alpine's busybox has none.
   * @default - busybox, unless an ImageCatalog says otherwise for 'busybox:1'
   */
  readonly image?: string;
  /**
   * Where it remembers which manifests it has read, and restic its copies of index and snapshots.
   * @default Scratch.emptyDir(Size.gibibytes(1))
   */
  readonly scratch?: Scratch;
  /**
   * How the pod is placed and what it may use. A store that knows pods by their service account needs its `serviceAccount`.
   * @default - as in PodDefaults; 64 MiB of memory are set aside, and 256 are the limit
   */
  readonly pods?: PodOptions;
}

/**
 * Does not believe the jobs: a Deployment that lists the repository itself, every few minutes, and serves what it finds as metrics on port
 * 9801, path `/metrics/`. They come from manifests and notes of verifications that the repository holds, and not from what a job has said.
 *
 * ```ts
 * new BackupWitness(chart, 'witness', { repository, serviceMonitor: { labels: { release: 'kube-prometheus-stack' } } });
 * ```
 *
 * It writes nothing, takes no lock and removes none. One listing serves all series and all requests. While the store does not answer, the
 * last good values stay, `cdk8s_backup_repository_up` is 0, and `cdk8s_backup_repository_listed_timestamp_seconds` says how old they are.
 * Before its first listing it serves no values. docs/alerts.md lists the metrics.
 *
 * It mounts a volume for as long as it runs. A claim that is ReadWriteOnce then belongs to its node, and no job can run on another one.
 */
export class BackupWitness extends Construct {
  /** The Deployment. */
  public readonly deployment: ApiObject;
  /** The Service, with one port, `metrics`. */
  public readonly service: ApiObject;

  /**
   * @throws InputError when a prop is invalid, the repository's kind cannot be listed as a whole, or another witness looks at it
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: BackupWitnessProps,
  ) {
    super(...checkedConstruct('BackupWitness', scope, id, props));
    const interval = this.seconds('interval', props.interval ?? Duration.minutes(5));
    const timeout = this.seconds('timeout', props.timeout ?? Duration.minutes(15));
    const name = checkObjectName(this, 'name', props.name ?? 'backup-witness');
    const repository = props.repository.bind(this, {
      access: RepositoryAccess.WITNESS,
      longestRun: Duration.seconds(timeout),
      programs: ['gzip', 'flock'],
    });
    const { identity, listing } = repository;
    if (!listing) {
      const because = 'its kind has no scripts that list the whole repository: see RepositoryConfig.listing';
      throw new InputError(this, { prop: 'repository', got: identity, because });
    }
    listing._require(this, 'repository.listing', `a witness of ${identity}`, ['witness.sh']);
    this.register(name, identity);
    needsSecrets(this, secretsOf(repository.environment, repository.volumes), 'lists', identity);

    const labels = { ...STANDARD_LABELS, 'app.kubernetes.io/component': OPERATION, [OPERATION_LABEL]: OPERATION, [JOB_LABEL]: name };
    const selects = { [JOB_LABEL]: name };
    this.networkPolicy(name, selects, repository);
    this.deployment = kubernetesObject(this, 'Deployment', k8s.KubeDeployment.GVK, {
      metadata: { name, labels },
      spec: {
        replicas: 1,
        // Where the volume can be mounted by one node alone, a new pod would wait for the old one, which would wait for it.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: selects },
        template: this.pod(repository, listing, labels, interval, timeout),
      },
    });
    this.service = kubernetesObject(this, 'Service', k8s.KubeService.GVK, {
      metadata: {
        name,
        labels,
        ...(props.scrapeAnnotations && {
          annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(PORT), 'prometheus.io/path': PATH },
        }),
      },
      spec: {
        selector: selects,
        ports: [{ name: SERVED, port: PORT, targetPort: k8s.IntOrString.fromString(SERVED), protocol: 'TCP' }],
      },
    });
    if (props.serviceMonitor) this.monitor(name, labels, selects, interval, props.serviceMonitor);
    this.node.addValidation({ validate: () => this.userProblems(repository) });
  }

  private pod(
    repository: RepositoryConfig,
    listing: ScriptFolder,
    labels: { [label: string]: string },
    interval: number,
    timeout: number,
  ): k8s.PodTemplateSpec {
    const { props } = this;
    const template = operationPod(this, {
      operation: OPERATION,
      image: ImageCatalog.of(this).image(this, {
        key: 'busybox:1',
        prop: 'image',
        image: props.image,
        defaultImage: 'busybox:1.37.0-musl',
      }),
      user: NOBODY,
      scripts: {
        shell: SHELL.bind(this),
        repository: repository.scripts.bind(this),
        listing: listing.bind(this),
        witness: SCRIPTS.bind(this),
      },
      environment: [
        { name: 'WITNESS_REPOSITORY', value: repository.identity },
        { name: 'WITNESS_EVERY', value: String(interval) },
        { name: 'WITNESS_TIMEOUT', value: String(timeout) },
        { name: 'WITNESS_READ_SECONDS', value: String(Math.ceil(interval / 10)) },
        { name: 'WITNESS_PORT', value: String(PORT) },
        { name: 'REPOSITORY_WAIT', value: String(timeout) },
        ...repository.environment,
      ],
      initContainers: repository.tools,
      steps: [],
      // To read only as a volume, too: else the kubelet would give the files to this pod's group.
      volumes: repository.volumes.map(({ persistentVolumeClaim: claim, ...volume }) => ({
        ...volume,
        ...(claim && { persistentVolumeClaim: { ...claim, readOnly: true } }),
      })),
      volumeMounts: repository.volumeMounts,
      scratch: props.scratch ?? Scratch.emptyDir(Size.gibibytes(1)),
      labels,
      lasting: { script: 'witness.sh', folder: 'witness', serves: { port: PORT, path: PATH, alive: 'alive.sh' } },
      ...(repository.identityLabels && { identityLabels: repository.identityLabels }),
      options: props.pods,
      defaults: { memoryRequest: Size.mebibytes(64), memoryLimit: Size.mebibytes(256) },
    });
    const { securityContext = {} } = template.spec ?? {};
    // Backups may be made after their witness.
    const user = Lazy.any({ produce: () => this.user(repository) ?? NOBODY }) as unknown as number;
    const users = securityContext.runAsUser === undefined ? {} : { runAsUser: user, runAsGroup: user, fsGroup: user };
    return { ...template, spec: { ...(template.spec as k8s.PodSpec), securityContext: { ...securityContext, ...users } } };
  }

  /** Who can read the repository; undefined where that is not known. */
  private user(repository: RepositoryConfig): number | undefined {
    if (this.props.user !== undefined) return this.props.user;
    if (!repository.volumes.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) return NOBODY;
    const [user, ...others] = writersOf(this, repository);
    return others.length === 0 ? user : undefined;
  }

  private userProblems(repository: RepositoryConfig): string[] {
    const { user, pods } = this.props;
    if (user !== undefined && (!Number.isInteger(user) || user < 1)) {
      return [`user is ${user}: write the number of the user that the backups' pods run as, which is never root`];
    }
    if (mergedPodOptions(podDefaultsOf(this), pods).assignedUser || this.user(repository) !== undefined) return [];
    const writers = writersOf(this, repository);
    const who = writers.length === 0 ? 'no backup of this app writes into it' : `users ${writers.join(' and ')} write into it`;
    return [
      `user is not set: the files of ${repository.identity} can be read only by the user who wrote them, and ${who}: write the number of the user that the backups' pods run as`,
    ];
  }

  private networkPolicy(name: string, selects: { [label: string]: string }, repository: RepositoryConfig): void {
    const { namespace, labels = {} } = this.props.scrapedBy ?? {};
    if (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
      throw new InputError(this, {
        prop: 'scrapedBy.namespace',
        got: namespace,
        because: "write a namespace's name, such as 'monitoring'",
      });
    }
    kubernetesObject(this, 'NetworkPolicy', k8s.KubeNetworkPolicy.GVK, {
      metadata: { name, labels: { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'network-policy' } },
      spec: {
        podSelector: { matchLabels: selects },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            ports: [{ port: k8s.IntOrString.fromNumber(PORT), protocol: 'TCP' }],
            from: [
              {
                namespaceSelector: namespace === undefined ? {} : { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
                ...(Object.keys(labels).length > 0 && { podSelector: { matchLabels: labels } }),
              },
            ],
          },
        ],
        egress: egressTo(this, repository.destinations),
      },
    });
  }

  private monitor(
    name: string,
    labels: { [label: string]: string },
    selects: { [label: string]: string },
    interval: number,
    options: ServiceMonitorOptions,
  ): void {
    const spec: ServiceMonitorSpec = {
      selector: { matchLabels: selects },
      // What changes every five minutes need not be asked for more often than that it is known at once.
      endpoints: [{ port: SERVED, path: PATH, interval: `${Math.min(60, interval)}s` }],
    };
    new ApiObject(this, 'ServiceMonitor', {
      ...ServiceMonitor.GVK,
      metadata: { name, labels: { ...options.labels, ...labels } },
      spec: toJson_ServiceMonitorSpec(spec),
    });
  }

  private seconds(prop: string, duration: Duration): number {
    const seconds = duration.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 60 || seconds > Duration.days(1).toSeconds()) {
      const because = 'write whole seconds, from a minute to a day, for example Duration.minutes(5)';
      throw new InputError(this, { prop, got: `${seconds} s`, because });
    }
    return seconds;
  }

  /** Two that look at one repository from one namespace would say everything twice. */
  private register(name: string, identity: string): void {
    const known = apps.get(this.node.root) ?? new Map<string, Construct>();
    apps.set(this.node.root, known);
    const namespace = Chart.of(this).namespace ?? '';
    for (const [prop, got, because] of [
      ['name', name, 'already has that name in this namespace: give each its own name'],
      ['repository', identity, 'already reads it from this namespace, and one is enough for all of its series: leave one out'],
    ] as const) {
      const key = `${prop} ${namespace} ${got}`;
      const other = known.get(key);
      if (other) throw new InputError(this, { prop, got, because: `the witness ${other.node.path} ${because}` });
      known.set(key, this);
    }
  }
}

/** The witnesses of an app, by their names and by what they look at. */
const apps = new WeakMap<object, Map<string, Construct>>();
