import { Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct, IConstruct } from 'constructs';
import { DATA, type DataVolume, type DataVolumeBinding, WAL } from '../core/data-volume';
import type { Destination } from '../core/destination';
import { ImageReference } from '../core/image-catalog';
import { InputError } from '../core/input-error';
import { needsRole, needsSecrets } from '../core/needs';
import { podDefaultsOf } from '../core/pod-defaults';
import { mergedPodOptions, type PodOptions } from '../core/pod-options';
import { Schedule, type ScheduleConfig } from '../core/schedule';
import { Scratch } from '../core/scratch';
import { SECRET_FILE_MODE, type SecretKeyRef, SecretRef } from '../core/secret-ref';
import { type BoundEngine, bindEngine, type ServerOptions } from '../engines/bound-engine';
import type { EngineMember } from '../engines/engine';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { ENGINE_LABEL, JOB_LABEL, OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { egressTo, type NetworkDestination } from '../kubernetes/network';
import { operationPod, type ToolContainer } from '../kubernetes/pod';
import type { Request } from '../kubernetes/request';
import type { ScriptFolder } from '../kubernetes/script-folder';
import { SHELL } from '../kubernetes/shell-scripts';
import { type IRepository, RepositoryAccess, type RepositoryConfig } from '../repositories/repository';
import type { DatabaseBackupProps } from './options';
import { originOf } from './origin';

/** @internal */
export interface OperationPodProps {
  readonly operation: string;
  /** What it may do in the repository. */
  readonly access: RepositoryAccess;
  /** The name of the job, and of the NetworkPolicy that selects its pods. */
  readonly job: string;
  readonly environment?: k8s.EnvVar[];
  /** What somebody may ask of the job when starting it. */
  readonly request?: Request;
  /** The engine, bound to the server that the job talks to. A job that does not talk to the server gets none. */
  readonly server?: BoundEngine;
  /** Of a cluster of servers, the one that is restored. */
  readonly member?: EngineMember;
  /** The folder with the operation's script, where it is not one of this library's. */
  readonly scripts?: ScriptFolder;
  readonly assertions?: string;
  readonly scratch?: Scratch;
  readonly pods?: PodOptions;
  /** The claim that a log archive receives into, at /spool. */
  readonly spoolClaim?: string;
  /** The pod runs nothing by itself: `hook.sh <operation>` is run in it. */
  readonly waits?: boolean;
  /**
   * The engine's script runs in a container of its own, which has the scratch volume and the data volume. It has nothing of the repository,
   * and no way to the server, since it runs code that the data's owner has put into a recovery point.
   */
  readonly onWorkbench?: boolean;
  /** The data volume that this operation works on, where it is not the backup's own. */
  readonly dataVolume?: DataVolume;
  /** The repository that this operation works on, where it is not the backup's own, or with other credentials. */
  readonly repository?: IRepository;
  /** Keys of Secrets that only this job has. Each is the file <name>/<name> in SECRET_FILES, and is missing if the Secret is missing. */
  readonly secretFiles?: { [file: string]: SecretKeyRef };
  /** The operation copies into that repository from the backup's own. */
  readonly copies?: boolean;
  /** The longest that a run may take, where it is not the backup's deadline. */
  readonly longestRun?: Duration;
  /** Further labels of the pod. */
  readonly labels?: { [label: string]: string };
  readonly memory?: { readonly memoryRequest: Size; readonly memoryLimit: Size };
}

/** Where each secret file of a job is, in a directory of its name. */
export const SECRET_FILES = '/run/secrets/job';

/**
 * Where an engine and a repository meet: what all operations on one backup share.
 *
 * @internal
 */
export class Operation {
  public readonly engine: BoundEngine;
  public readonly repository: RepositoryConfig;
  public readonly schedule: Schedule;
  public readonly boundSchedule: ScheduleConfig;
  public readonly deadline: Duration;

  constructor(
    private readonly backup: Construct,
    private readonly series: string,
    private readonly props: DatabaseBackupProps,
  ) {
    this.engine = bindEngine(backup, props.engine, serverOptions(backup, series, props));
    this.schedule = props.schedule ?? this.engine.defaults?.schedule ?? Schedule.daily({ at: '02:00', spread: Duration.hours(1) });
    this.boundSchedule = this.schedule.bind(backup, 'schedule');
    this.deadline = props.deadline ?? this.boundSchedule.deadlineUpTo(Duration.hours(12));
    this.repository = this.bindRepository(backup, RepositoryAccess.APPEND);
    if (this.engine.connection.node && this.repository.volumes.some(volume => volume.persistentVolumeClaim)) {
      throw new InputError(backup, {
        prop: 'repository',
        got: this.repository.identity,
        because:
          'the claim belongs to the cluster that this backup has to bring back: keep recovery points of its control plane outside it, for example with Repository.restic',
      });
    }
  }

  /** Binds a repository, by default the backup's own, for pods with that access. */
  public bindRepository(
    scope: Construct,
    access: RepositoryAccess,
    repository: IRepository = this.props.repository,
    { isSource = false, longestRun = this.deadline }: { isSource?: boolean; longestRun?: Duration } = {},
  ): RepositoryConfig {
    const { programs, incremental } = this.engine;
    const config = repository.bind(scope, {
      access,
      series: this.series,
      ...(isSource && { isSource }),
      longestRun,
      programs,
      incremental,
    });
    const { identity, rekeyMethod, scripts } = config;
    scripts._require(scope, 'repository.scripts', `the repository ${identity}`, [
      'repository.sh',
      ...(rekeyMethod === undefined ? [] : [`${rekeyMethod}.sh`]),
    ]);
    return config;
  }

  /** The user of the pods that write into the repository; undefined where the cluster chooses it. */
  public get user(): number | undefined {
    const { image, connection } = this.engine;
    if (!connection.node && mergedPodOptions(podDefaultsOf(this.backup), this.props.pods).assignedUser) return undefined;
    return connection.node?.user ?? image.user;
  }

  public labels(operation: string): { [label: string]: string } {
    return {
      ...STANDARD_LABELS,
      'app.kubernetes.io/component': operation,
      [ENGINE_LABEL]: this.engine.name,
      [SERIES_LABEL]: this.series,
      [OPERATION_LABEL]: operation,
    };
  }

  public waitFor(readyTimeout: Duration): k8s.EnvVar[] {
    return [{ name: 'READY_TIMEOUT', value: String(readyTimeout.toSeconds()) }];
  }

  public pod(scope: Construct, pod: OperationPodProps): k8s.PodTemplateSpec {
    const { image } = this.engine;
    const data = this.dataVolume(scope, pod);
    const repository = this.bindRepository(scope, pod.access, pod.repository, { longestRun: pod.longestRun });
    const source = pod.copies ? this.bindRepository(scope, RepositoryAccess.READ, undefined, { isSource: true }) : undefined;
    const wal = data && pod.member?.walVolume?._bind(scope, 'wal', WAL);
    const dataMounts = data ? [data.mount, ...(wal ? [{ name: 'wal', mountPath: WAL }] : [])] : [];
    const secretFiles = Object.entries(pod.secretFiles ?? {});
    const connection = pod.server?.connection;
    const connectionMounts = connection?.volumeMounts ?? [];
    const node = pod.member?.node ?? connection?.node;
    const origin = originOf(scope, this.props);
    const all = [...((pod.server ?? this.engine).steps ?? []), ...(pod.member?.steps ?? [])];
    const steps = all.filter(({ operations }) => operations.some(operation => operation === pod.operation));
    const ofEngine = [
      { name: 'SERIES', value: this.series },
      { name: 'ENGINE', value: this.engine.name },
      { name: 'REPOSITORY_WAIT', value: String((this.props.repositoryWait ?? Duration.minutes(15)).toSeconds()) },
      ...(this.engine.log ? [{ name: 'HAS_LOG', value: 'yes' }] : []),
      ...(this.engine.environment ?? []),
    ];
    const scratch = pod.scratch ?? this.props.scratch ?? this.engine.defaults?.scratch ?? Scratch.emptyDir(Size.gibibytes(2));
    // What its steps bring up has a container of its own already.
    const onWorkbench = pod.onWorkbench && steps.length === 0;
    const directories: k8s.EnvVar[] = [
      ...(data ? [{ name: 'DATA_DIRECTORY', value: data.directory }] : []),
      ...(wal ? [{ name: 'WAL_DIRECTORY', value: wal.directory }] : []),
    ];
    const repositories = [repository, ...(source ? [source] : [])];
    const identityLabels = repositories.flatMap(each => (each.identityLabels ? [each.identityLabels] : []));
    this.sayWhatFor(scope, pod, repositories);
    const environment = lastWins([
      ...ofEngine,
      ...origin.environment,
      ...(connection?.environment ?? []),
      ...directories,
      ...(pod.spoolClaim !== undefined ? [{ name: 'SPOOL', value: '/spool/received' }] : []),
      ...repository.environment,
      ...(source ? sourceVariables(source, repository) : []),
      ...(pod.scripts ? [{ name: 'OPERATION_FOLDER', value: 'job' }] : []),
      ...(pod.environment ?? []),
      // Last, so that a request for another series is the one that counts.
      ...(pod.request?.environment ?? []),
    ]);
    return operationPod(scope, {
      operation: pod.operation,
      // An engine of somebody's own may not have asked for it by the catalog.
      image: ImageReference.of(image.reference).bind(scope, 'engine.image'),
      user: node?.user ?? image.user,
      scripts: {
        shell: SHELL.bind(scope),
        engine: this.engine.scripts.bind(scope),
        repository: repository.scripts.bind(scope),
        ...(source && { source: source.scripts.bind(scope) }),
        ...(pod.assertions && { assertions: pod.assertions }),
        ...(pod.scripts && { job: pod.scripts.bind(scope) }),
      },
      environment,
      request: pod.request,
      initContainers: oneOfEach(scope, [...(image.tools ?? []), ...repository.tools, ...(source?.tools ?? [])]),
      volumes: [
        ...repository.volumes,
        ...secretFiles.map(([file, ref]) => ({
          name: file,
          secret: { secretName: ref.secretName, defaultMode: SECRET_FILE_MODE, optional: true, items: [{ key: ref.keyName, path: file }] },
        })),
        ...(source?.volumes ?? []),
        ...origin.volumes,
        ...(connection?.volumes ?? []),
        ...(data ? [data.volume] : []),
        ...(wal ? [wal.volume] : []),
        ...(pod.spoolClaim !== undefined ? [{ name: 'spool', persistentVolumeClaim: { claimName: pod.spoolClaim } }] : []),
      ],
      volumeMounts: [
        ...repository.volumeMounts,
        ...secretFiles.map(([file]) => ({ name: file, mountPath: `${SECRET_FILES}/${file}`, readOnly: true })),
        ...(source?.volumeMounts ?? []),
        ...origin.volumeMounts,
        ...connectionMounts,
        ...dataMounts,
        ...(pod.spoolClaim !== undefined ? [{ name: 'spool', mountPath: '/spool' }] : []),
      ],
      steps: steps.map(step => ({
        name: step.name,
        image: ImageReference.of(step.image).bind(scope, `engine.steps['${step.name}'].image`),
        command: step.command,
        environment: [...(step.environment ?? []), ...environment.filter(({ name }) => step.variables?.includes(name))],
        volumeMounts: [...(step.connects ? connectionMounts : []), ...(step.needsDataVolume ? dataMounts : [])],
        runsBeside: step.runsBeside ?? false,
      })),
      ...(node && { node }),
      // A volume that one node at a time can mount is where the server is. A restore finds no server to be beside.
      ...(data && pod.operation === 'backup' && this.props.podLabels && { beside: this.props.podLabels }),
      scratch: onWorkbench ? (this.props.scratch ?? Scratch.emptyDir(Size.gibibytes(2))) : scratch,
      ...(onWorkbench && {
        workbench: {
          environment: lastWins([...ofEngine, ...directories, ...(pod.environment ?? []), ...(pod.request?.environment ?? [])]),
          volumeMounts: dataMounts,
          scratch,
        },
      }),
      ...(identityLabels.length > 0 && { identityLabels: Object.assign({}, ...identityLabels) }),
      notLabels: this.props.podLabels,
      labels: { ...this.labels(pod.operation), [JOB_LABEL]: pod.job, ...pod.labels },
      ...(pod.spoolClaim !== undefined && { lasting: { script: 'archive-log.sh', health: 'log-healthy.sh' } }),
      ...(pod.waits && { lasting: { script: 'wait.sh' } }),
      // A backup's own pods are what its `pods` is said of; other jobs inherit it.
      ...(pod.operation === 'backup'
        ? { options: mergedPodOptions(this.props.pods, pod.pods) }
        : { options: pod.pods, inherited: this.props.pods }),
      defaults: pod.memory ?? { memoryRequest: Size.mebibytes(128), memoryLimit: Size.mebibytes(512) },
    });
  }

  /** For the people who create the Secrets, and the roles in the database. */
  private sayWhatFor(scope: Construct, pod: OperationPodProps, repositories: RepositoryConfig[]): void {
    const { environment: connection = [], volumes: connectionVolumes, grants = {} } = pod.server?.connection ?? {};
    const [role = '', ...others] = secretsOf(connection);
    needsSecrets(scope, [role, ...others].filter(Boolean), 'signs in at the server of', this.series);
    needsSecrets(scope, secretsOf([], connectionVolumes), 'proves who is who to the server of', this.series);
    for (const { environment, volumes } of repositories) {
      needsSecrets(scope, secretsOf(environment, volumes), 'opens a repository of', this.series);
    }
    const does = ROLES[pod.operation];
    if (!does || !pod.server) return;
    const of = `${this.series} (${pod.server.name} at ${pod.server.destination.host})`;
    needsRole(scope, { does, of, secret: role, grants: grants[pod.operation] ?? [] });
  }

  private dataVolume(scope: Construct, pod: OperationPodProps): DataOfPod | undefined {
    const { backupDirectory: directory, restored = false } = this.engine.serverFiles ?? {};
    const needed = { backup: directory !== undefined, restore: restored }[pod.operation] ?? false;
    if (!needed) return undefined;
    const volume = pod.dataVolume ?? pod.member?.dataVolume ?? this.props.dataVolume;
    if (!volume) {
      throw new InputError(scope, {
        prop: 'dataVolume',
        got: undefined,
        because: `a ${pod.operation} of ${this.engine.name} works on the server's files: name their volume, for example DataVolume.claim('data-${this.props.host}-0')`,
      });
    }
    const bound = volume._bind(scope);
    if (pod.operation !== 'backup' || directory === undefined) {
      return { ...bound, mount: { name: 'data', mountPath: DATA, readOnly: false } };
    }
    const { path } = bound;
    // To read only as a volume, too: else the kubelet gives the files of a running server to the pod's group.
    const { persistentVolumeClaim: claim } = bound.volume;
    const data = claim ? { ...bound.volume, persistentVolumeClaim: { ...claim, readOnly: true } } : bound.volume;
    const mount = { name: 'data', mountPath: directory, readOnly: true, ...(path !== undefined && { subPath: path }) };
    return { volume: data, directory, mount };
  }

  /** What jobs that talk to a server have to reach. */
  public destinations(
    server: BoundEngine,
    { repository = this.repository, through }: { repository?: RepositoryConfig; through?: Destination[] } = {
      through: this.props.destinations,
    },
  ): NetworkDestination[] {
    const servers = through ? [{ ...server.destination, through }] : [server.destination, ...(server.connection.alsoReaches ?? [])];
    return [...servers, ...repository.destinations];
  }

  /** Nothing may reach the pods of this job, and they may reach nothing but the destinations. */
  public networkPolicy(scope: Construct, job: string, destinations: NetworkDestination[]): void {
    kubernetesObject(scope, 'NetworkPolicy', k8s.KubeNetworkPolicy.GVK, {
      metadata: { name: job, labels: { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'network-policy', [SERIES_LABEL]: this.series } },
      spec: {
        podSelector: { matchLabels: { [JOB_LABEL]: job } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
        egress: egressTo(scope, destinations),
      },
    });
  }
}

/**
 * What an engine is told of a backup's server. Credentials that were left out are an error when the engine asks for them.
 *
 * @internal
 */
export function serverOptions(
  backup: IConstruct,
  series: string,
  props: Pick<DatabaseBackupProps, 'host' | 'port' | 'credentials' | 'podLabels'>,
): ServerOptions {
  const { host, port, podLabels } = props;
  const complaint = () =>
    new InputError(backup, { prop: 'credentials', got: undefined, because: "name a Secret, for example SecretRef.named('orders-backup')" });
  return { host, port, podLabels, series, credentials: props.credentials ?? SecretRef._leftOut(complaint) };
}

/** The data volume as one pod has it. */
interface DataOfPod extends DataVolumeBinding {
  readonly mount: k8s.VolumeMount;
}

/** What is done with the role of an operation's credentials. */
const ROLES: { readonly [operation: string]: string } = { backup: 'backs up', restore: 'restores', log: 'archives the log of' };

/**
 * The Secrets that are named in variables and volumes.
 *
 * @internal
 */
export function secretsOf(variables: k8s.EnvVar[], volumes: k8s.Volume[] = []): string[] {
  return [
    ...variables.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
    ...volumes.flatMap(({ secret, projected }) => [secret?.secretName, ...(projected?.sources ?? []).map(source => source.secret?.name)]),
  ].filter(name => name !== undefined);
}

/** Some ways of applying a manifest refuse a variable that is given twice. So the later one replaces the earlier one. */
function lastWins(variables: k8s.EnvVar[]): k8s.EnvVar[] {
  return [...new Map(variables.map(variable => [variable.name, variable])).values()];
}

/** The variables of the repository that is copied from, renamed; `shell/source.sh` gives them back their own names. */
function sourceVariables(source: RepositoryConfig, destination: RepositoryConfig): k8s.EnvVar[] {
  const names = ({ environment }: RepositoryConfig) => environment.map(({ name }) => name).join(' ');
  return [
    { name: 'DESTINATION_VARIABLES', value: names(destination) },
    { name: 'SOURCE_VARIABLES', value: names(source) },
    ...source.environment.map(variable => ({ ...variable, name: `SOURCE_${variable.name}` })),
  ];
}

/** Two repositories may need the same tool, and there is one /tools. */
function oneOfEach(scope: Construct, tools: ToolContainer[]): ToolContainer[] {
  const known = new Map<string, ToolContainer>();
  for (const tool of tools) {
    const { image } = known.get(tool.name) ?? tool;
    if (image !== tool.image) {
      throw new InputError(scope, {
        prop: 'repository.image',
        got: tool.image,
        because: `the pod already takes ${tool.name} from ${image}, for the other repository: name the same image for both`,
      });
    }
    known.set(tool.name, tool);
  }
  return [...known.values()];
}
