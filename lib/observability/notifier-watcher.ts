import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Chart, Duration, Lazy, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import type { CaCertificatesConfig } from '../core/ca-certificates';
import { ImageCatalog } from '../core/image-catalog';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { needsSecrets } from '../core/needs';
import type { PodOptions } from '../core/pod-options';
import { Scratch } from '../core/scratch';
import { SECRET_FILE_MODE, type SecretKeyRef } from '../core/secret-ref';
import { APPLIED_ONCE_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { API, apiAccount, type KubernetesJobOptions, kubectlImage, kubectlNetworkPolicy, NOBODY } from '../kubernetes/kubectl/kubectl';
import { asKept, kubernetesObject } from '../kubernetes/kubernetes-object';
import { JOB_LABEL, OPERATION_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { egressTo, type NetworkDestination } from '../kubernetes/network';
import { operationPod, TOOLS } from '../kubernetes/pod';
import { ScriptFolder } from '../kubernetes/script-folder';
import { SHELL } from '../kubernetes/shell-scripts';

const OPERATION = 'notifier';

const SCRIPTS = ScriptFolder.at('notifier', join(__dirname, 'notifier'));

const ROUTES = '/run/notifier';
const CHANNELS = '/run/channels';

/** The Deployment that looks at jobs: one for all notifiers of a namespace that have the same name for it. */
export interface NotifierWatcherOptions extends KubernetesJobOptions {
  /**
   * Its name, and that of what belongs to it.
   * @default 'backup-notifier'
   */
  readonly name?: string;
  /**
   * What the cluster is called, in messages: letters, digits, '.', '-' and '_'.
   * @default - messages name the namespace alone
   */
  readonly cluster?: string;
  /**
   * How often it looks: whole seconds, from 10 to 30. A Job that has ended may be deleted after a minute.
   * @default Duration.seconds(20)
   */
  readonly interval?: Duration;
  /**
   * How long a receiver has for an answer: whole seconds, up to a minute.
   * @default Duration.seconds(20)
   */
  readonly timeout?: Duration;
  /**
   * An image with curl, a shell, and GNU or busybox tools. kubectl is copied into its pod.
   * @default - curlimages/curl, unless an ImageCatalog says otherwise for 'curl:8'
   */
  readonly image?: string;
  /**
   * How the pod is placed and what it may use.
   * @default - those of PodDefaults; 64 MiB of memory are set aside, and 256 are the limit
   */
  readonly pods?: PodOptions;
}

/** @internal */
export interface NotifierChannel {
  readonly kind: 'slack' | 'webhook' | 'ping';
  /** Its address. */
  readonly url: SecretKeyRef;
  /** What messages are signed with. */
  readonly key?: SecretKeyRef;
  readonly proxy?: string;
  readonly destinations: NetworkDestination[];
  readonly authorities: (scope: Construct, volume: string) => CaCertificatesConfig | undefined;
  /** What else has to be the same where the address is. */
  readonly settings: string;
}

/** @internal */
export interface NotifierRoute {
  readonly series: string;
  readonly outcomes: string[];
  /** @default - all */
  readonly operations?: string[];
}

interface BoundChannel extends NotifierChannel {
  readonly id: string;
  readonly by: string;
  readonly ca?: CaCertificatesConfig;
  readonly rules: k8s.NetworkPolicyEgressRule[];
}

/**
 * The Deployment that tells: of jobs of the series that are routed, by the channels that they are routed to. It is whole when all add-ons
 * are bound.
 *
 * @internal
 */
export class NotifierWatcher extends Construct {
  /**
   * The watcher of a namespace; made when the first notifier of it asks.
   *
   * @throws InputError when it was made with other options
   */
  public static of(scope: Construct, options: NotifierWatcherOptions = {}): NotifierWatcher {
    const { name = 'backup-notifier' } = options;
    const known = apps.get(scope.node.root) ?? new Map<string, NotifierWatcher>();
    apps.set(scope.node.root, known);
    const key = `${Chart.of(scope).namespace ?? ''}/${name}`;
    const watcher = known.get(key) ?? NotifierWatcher.made(scope, { ...options, name });
    known.set(key, watcher);
    if (text({ ...options, name }) !== text(watcher.options)) {
      const because = `${name} was made with other settings, by ${watcher.node.scope?.node.path}: say the same, or give this one a name of its own`;
      throw new InputError(scope, { prop: 'watcher', got: options, because });
    }
    return watcher;
  }

  /** What cannot stand leaves nothing: it is tried again by the next synthesis. */
  private static made(scope: Construct, options: NotifierWatcherOptions): NotifierWatcher {
    const id = `Notifier-${options.name}`;
    try {
      return new NotifierWatcher(scope, id, options);
    } catch (error) {
      scope.node.tryRemoveChild(id);
      throw error;
    }
  }

  private readonly channels = new Map<string, BoundChannel>();
  private readonly routes = new Map<string, NotifierRoute & { readonly channel: string }>();
  private readonly metadataName: string;

  private constructor(
    scope: Construct,
    id: string,
    private readonly options: NotifierWatcherOptions,
  ) {
    super(scope, id);
    const name = checkObjectName(this, 'watcher.name', options.name ?? '');
    this.metadataName = name;
    const { cluster } = options;
    if (cluster !== undefined && !/^[\w.-]{1,100}$/.test(cluster)) {
      const because = "write letters, digits, '.', '-' and '_', for example 'production'";
      throw new InputError(this, { prop: 'watcher.cluster', got: cluster, because });
    }
    const state = `${name}-state`;
    const selects = { [JOB_LABEL]: name };
    const labels = { ...STANDARD_LABELS, 'app.kubernetes.io/component': OPERATION, [OPERATION_LABEL]: OPERATION, ...selects };
    apiAccount(
      this,
      name,
      [
        { apiGroups: ['batch'], resources: ['jobs'], verbs: ['list'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
        { apiGroups: [''], resources: ['events'], verbs: ['create'] },
        { apiGroups: [''], resources: ['configmaps'], resourceNames: [state], verbs: ['get', 'patch'] },
      ],
      labels,
    );
    kubectlNetworkPolicy(this, name, labels, selects, options.apiPorts, () => this.egress());
    kubernetesObject(this, 'Routes', k8s.KubeConfigMap.GVK, {
      metadata: { name, labels },
      data: Lazy.any({ produce: () => this.tables() }),
    });
    // Without data, so that no deploy tool heals what the watcher writes there.
    kubernetesObject(this, 'State', k8s.KubeConfigMap.GVK, { metadata: { name: state, labels, annotations: APPLIED_ONCE_ANNOTATIONS } });
    kubernetesObject(this, 'Deployment', k8s.KubeDeployment.GVK, {
      metadata: { name, labels },
      spec: {
        replicas: 1,
        // Two at a time would say everything twice.
        strategy: { type: 'Recreate' },
        selector: { matchLabels: selects },
        template: this.pod(labels, state),
      },
    });
  }

  /**
   * Has jobs of a series told.
   *
   * @returns false where the series has that channel already
   * @throws InputError when the channel is there with other settings
   */
  public route(scope: Construct, channel: NotifierChannel, route: NotifierRoute): boolean {
    const { kind, url, key, settings } = channel;
    // By its address, and not by its place in a list: what was told to a channel is written down by this name.
    const id = `${kind}-${createHash('sha256').update(`${url.secretName}/${url.keyName}`).digest('hex').slice(0, 8)}`;
    const known = this.channels.get(id);
    if (known && (known.settings !== settings || known.key?.secretName !== key?.secretName || known.key?.keyName !== key?.keyName)) {
      const because = `${known.by} tells the same address with another key, proxy, destinations or authorities: say the same`;
      throw new InputError(scope, { prop: 'Notifier', got: `Secret ${url.secretName}, key ${url.keyName}`, because });
    }
    const routed = `${route.series} ${id}`;
    if (this.routes.has(routed)) return false;
    this.routes.set(routed, { ...route, channel: id });
    if (!known) {
      // The first rule is that of DNS, which the policy has.
      const [, ...rules] = egressTo(scope, channel.destinations);
      this.channels.set(id, { ...channel, id, by: scope.node.path, ca: channel.authorities(scope, `ca-${id}`), rules });
      needsSecrets(this, [url.secretName, ...(key ? [key.secretName] : [])], 'leads to receivers of', this.metadataName);
    }
    return true;
  }

  private get bound(): BoundChannel[] {
    return [...this.channels.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private tables(): { [file: string]: string } {
    const table = (rows: string[][]) => rows.map(row => `${row.join('\t')}\n`).join('');
    return {
      channels: table(this.bound.map(({ id, kind, proxy, ca, key }) => [id, kind, proxy ?? '-', ca?.path ?? '-', key ? 'yes' : '-'])),
      routes: table(
        [...this.routes.values()]
          .map(({ series, channel, outcomes, operations }) => [series, channel, outcomes.join(','), operations?.join(',') ?? '*'])
          .sort((a, b) => (a.join() < b.join() ? -1 : 1)),
      ),
    };
  }

  private pod(labels: { [label: string]: string }, state: string): k8s.PodTemplateSpec {
    const { options } = this;
    const { namespace } = Chart.of(this);
    const template = operationPod(this, {
      operation: OPERATION,
      image: ImageCatalog.of(this).image(this, {
        ...{ key: 'curl:8', prop: 'watcher.image', image: options.image, defaultImage: 'curlimages/curl:8.21.0' },
      }),
      user: NOBODY,
      scripts: { shell: SHELL.bind(this), api: API.bind(this), notifier: SCRIPTS.bind(this) },
      environment: [
        { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
        ...(namespace === undefined ? [] : [{ name: 'MADE_FOR_NAMESPACE', value: namespace }]),
        { name: 'KUBECACHEDIR', value: '/scratch/kube' },
        { name: 'TOOLS', value: TOOLS },
        { name: 'NOTIFIER_EVERY', value: String(this.seconds('interval', options.interval ?? Duration.seconds(20), 10, 30)) },
        { name: 'NOTIFIER_TIMEOUT', value: String(this.seconds('timeout', options.timeout ?? Duration.seconds(20), 1, 60)) },
        { name: 'NOTIFIER_STATE', value: state },
        ...(options.cluster === undefined ? [] : [{ name: 'NOTIFIER_CLUSTER', value: options.cluster }]),
        { name: 'NOTIFIER_ROUTES', value: ROUTES },
        { name: 'NOTIFIER_ADDRESSES', value: CHANNELS },
      ],
      initContainers: [
        {
          name: 'kubectl',
          image: kubectlImage(this, options.kubectlImage),
          command: ['sh', '-c', `cp "$(command -v kubectl)" ${TOOLS}/`],
        },
      ],
      steps: [],
      volumes: [],
      volumeMounts: [],
      scratch: Scratch.emptyDir(Size.mebibytes(256)),
      labels,
      lasting: { script: 'notifier.sh', folder: 'notifier', health: 'ready.sh', alive: 'alive.sh' },
      serviceAccount: this.metadataName,
      options: options.pods,
      defaults: { memoryRequest: Size.mebibytes(64), memoryLimit: Size.mebibytes(256) },
    });
    const spec = template.spec as k8s.PodSpec;
    const [main, ...others] = spec.containers as [k8s.Container];
    const volumeMounts = Lazy.any({ produce: () => asKept([...(main.volumeMounts ?? []), ...this.mounts()]) }) as k8s.VolumeMount[];
    const volumes = Lazy.any({ produce: () => asKept([...(spec.volumes ?? []), ...this.volumes()]) }) as k8s.Volume[];
    return { ...template, spec: { ...spec, containers: [{ ...main, volumeMounts }, ...others], volumes } };
  }

  private mounts(): k8s.VolumeMount[] {
    return [
      { name: 'routes', mountPath: ROUTES, readOnly: true },
      ...this.bound.map(({ id }) => ({ name: id, mountPath: `${CHANNELS}/${id}`, readOnly: true })),
      ...this.bound.flatMap(({ ca }) => (ca ? [ca.mount] : [])),
    ];
  }

  /** A Secret that is not there keeps one channel from telling, and not the pod from starting. */
  private volumes(): k8s.Volume[] {
    const file = ({ secretName, keyName }: SecretKeyRef, path: string) => ({
      secret: { name: secretName, optional: true, items: [{ key: keyName, path }] },
    });
    return [
      { name: 'routes', configMap: { name: this.metadataName } },
      ...this.bound.map(({ id, url, key }) => ({
        name: id,
        projected: { defaultMode: SECRET_FILE_MODE, sources: [file(url, 'url'), ...(key ? [file(key, 'key')] : [])] },
      })),
      ...this.bound.flatMap(({ ca }) => {
        if (!ca) return [];
        const { configMap, secret, ...volume } = ca.volume;
        return [
          {
            ...volume,
            ...(configMap && { configMap: { ...configMap, optional: true } }),
            ...(secret && { secret: { ...secret, optional: true } }),
          },
        ];
      }),
    ];
  }

  private egress(): k8s.NetworkPolicyEgressRule[] {
    const rules = this.bound.flatMap(({ rules }) => rules);
    return [...new Map(rules.map(rule => [JSON.stringify(rule), rule])).values()];
  }

  private seconds(prop: string, duration: Duration, least: number, most: number): number {
    const seconds = duration.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < least || seconds > most) {
      const because = `write whole seconds, from ${least} to ${most}, for example Duration.seconds(20)`;
      throw new InputError(this, { prop: `watcher.${prop}`, got: `${seconds} s`, because });
    }
    return seconds;
  }
}

/** The watchers of an app, by namespace and name. */
const apps = new WeakMap<object, Map<string, NotifierWatcher>>();

/** Options as they compare. */
function text(options: NotifierWatcherOptions): string {
  const ordered = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value)
          .filter(([, each]) => each !== undefined)
          .map(([name, each]) => [name, ordered(each)])
          .sort()
      : value;
  return JSON.stringify(ordered(options));
}
