import { type ApiObject, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { needsRole, needsSecrets } from '../../core/needs';
import { podDefaultsOf } from '../../core/pod-defaults';
import type { PodOptions } from '../../core/pod-options';
import { quantity } from '../../core/quantity';
import { NOT_RESTRICTED_ANNOTATION } from '../../kubernetes/labels';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { Workload } from '../../kubernetes/workload';
import type { IQuiesce, QuiesceConfig } from './quiesce';
import { optionalReferences } from './references';

/**
 * The commands that quiesce and release a workload's pods, in a container that runs beside the server.
 *
 * @internal
 */
export interface QuiesceAgent {
  /** The container in which the commands are run. */
  readonly container: string;
  /**
   * Ends with 0 when the server is held; otherwise with a reason on stderr, and nothing is held.
   *
   * Its last argument says who asks, and only a caller with the same argument can release it. One more argument for both commands, such as
   * the id of a run, tells runs apart.
   */
  readonly hold: string[];
  /**
   * Ends with 0 when the server is held. A caller that holds with QUIESCE_HEARD seconds in the environment has to call this more often than
   * that.
   */
  readonly renew: string[];
  /** Ends with 0 when the server was held until now, and releases it; otherwise with a reason on stderr. Missing when nothing is held. */
  readonly release?: string[];
  /** Only one of the workload's pods is held: the first that lets itself be held. */
  readonly holdsOne: boolean;
  /** The longest that `hold` takes. */
  readonly wait: Duration;
  /** The longest that the server is held after that. */
  readonly limit: Duration;
}

/** The container's name, and that of its volumes. */
const NAME = 'quiesce';
const HOME = '/opt/quiesce';
const STATE = '/quiesce';

/** How long hold.sh waits for an answer, beyond the time that the lock may take. */
const ANSWER = 5;

/** The workloads that have an agent. */
const agents = new WeakMap<ApiObject, IQuiesce>();

/**
 * Puts the agent into the pods of a workload. A workload has one: a second call with the same quiesce gets the same agent.
 *
 * @param scope the construct that asks, which errors name; it can release only what it has held itself
 * @param workload the server's
 * @param quiesce how it is held
 * @param volumes the volumes that are snapshotted, by their names in the pod
 * @throws InputError when the workload has another agent, or a container or volume of its name
 * @internal
 */
export function quiesceAgent(scope: Construct, workload: Workload, quiesce: IQuiesce, volumes: string[]): QuiesceAgent {
  const config = quiesce.bind(scope, { volumes });
  const known = agents.get(workload.object);
  if (known && known !== quiesce) {
    throw new InputError(scope, {
      prop: 'quiesce',
      got: config.name,
      because: `${workload.kind} ${workload.name} is already quiesced: create the quiesce once, and pass the same object everywhere`,
    });
  }
  if (!known) {
    agents.set(workload.object, quiesce);
    addAgent(scope, workload, config);
  }
  const command = (script: string) => ['sh', `${HOME}/agent/${script}.sh`, scope.node.path];
  return {
    container: NAME,
    hold: command('hold'),
    renew: command('renew'),
    ...(config.holds && { release: command('release') }),
    holdsOne: config.holdsOne ?? false,
    wait: Duration.seconds(config.wait.toSeconds() + ANSWER),
    limit: config.limit,
  };
}

function addAgent(scope: Construct, workload: Workload, config: QuiesceConfig): void {
  const secrets = config.environment.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []);
  const of = `${workload.kind} ${workload.name}`;
  needsSecrets(scope, secrets, 'holds still', of);
  needsRole(scope, { does: 'holds still', of: `${of} (${config.name})`, secret: secrets[0] ?? '', grants: config.grants ?? [] });
  const folders = { agent: ScriptFolder.at(NAME, __dirname), lock: config.scripts };
  const { environment, volumes, references } = optionalReferences(config);
  const added: k8s.Volume[] = [
    // In memory: it holds the client's credentials, and is on no disk that could be frozen.
    { name: NAME, emptyDir: { medium: 'Memory', sizeLimit: k8s.Quantity.fromString('4Mi') } },
    ...Object.entries(folders).map(([folder, scripts]) => ({
      name: `${NAME}-${folder}`,
      configMap: { name: scripts.bind(scope), defaultMode: 0o555, optional: true },
    })),
    ...volumes,
  ];
  const taken = [
    ...workload.containers.filter(({ name }) => name === NAME).map(() => `a container ${NAME}`),
    ...workload.volumes.filter(({ name }) => added.some(volume => volume.name === name)).map(({ name }) => `a volume ${name}`),
  ];
  if (taken.length > 0) {
    throw new InputError(scope, {
      prop: 'quiesce',
      got: config.name,
      because: `${workload.kind} ${workload.name} has ${taken.join(' and ')}, which the agent beside the server uses: give yours another name`,
    });
  }
  const defaults = podDefaultsOf(workload.object);
  for (const volume of added) workload.addVolume(volume);
  // Its image may be mirrored where the quiesce is said, and the pod where the server is.
  workload.addPullSecrets([...new Set([defaults, podDefaultsOf(scope)].flatMap(({ imagePullSecrets = [] }) => imagePullSecrets))]);
  workload.addContainer({
    name: NAME,
    image: ImageReference.of(config.image).bind(scope, 'quiesce.image'),
    ...(defaults.imagePullPolicy && { imagePullPolicy: defaults.imagePullPolicy }),
    command: ['sh', `${HOME}/agent/agent.sh`],
    env: [
      { name: 'QUIESCE_NAME', value: config.name },
      { name: 'QUIESCE_HOLDS', value: config.holds ? 'yes' : 'no' },
      { name: 'QUIESCE_WAIT', value: String(config.wait.toSeconds()) },
      { name: 'QUIESCE_LIMIT', value: String(config.limit.toSeconds()) },
      { name: 'QUIESCE_HOME', value: HOME },
      { name: 'QUIESCE_STATE', value: STATE },
      // Programs that keep files of their own find no other place to write to.
      { name: 'HOME', value: STATE },
      ...(references ? [{ name: 'QUIESCE_REFERENCES', value: references }] : []),
      ...environment,
    ],
    securityContext: securityOf(config, defaults),
    resources: resourcesOf(workload, config, defaults),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: NAME, mountPath: STATE },
      ...Object.keys(folders).map(folder => ({ name: `${NAME}-${folder}`, mountPath: `${HOME}/${folder}`, readOnly: true })),
      ...(config.volumeMounts ?? []),
    ],
  });
  if (config.privilege) workload.annotatePods({ [NOT_RESTRICTED_ANNOTATION]: config.privilege.because });
}

/** Set on the container alone, and completely: the pod is somebody else's. */
function securityOf({ user, privilege }: QuiesceConfig, { assignedUser }: PodOptions): k8s.SecurityContext {
  // Who is root on its node is no user of a namespace's range.
  const isAssigned = assignedUser && user !== 0;
  return {
    // The API server refuses it where SYS_ADMIN is added.
    ...(!privilege && { allowPrivilegeEscalation: false }),
    readOnlyRootFilesystem: true,
    runAsNonRoot: user !== 0,
    ...(!isAssigned && { runAsUser: user, runAsGroup: user }),
    capabilities: { drop: ['ALL'], ...(privilege && { add: privilege.capabilities }) },
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/**
 * A pod whose every container has limits equal to its requests is the last to be evicted, and stays so: "Pod Quality of Service Classes".
 */
function resourcesOf(workload: Workload, config: QuiesceConfig, { cpuLimit }: PodOptions): k8s.ResourceRequirements {
  const quantities = (cpu: string, memory: Size) => ({ cpu: k8s.Quantity.fromString(cpu), memory: quantity(memory) });
  const memory = config.memoryLimit ?? Size.mebibytes(64);
  if (workload.containers.every(isGuaranteed)) return { requests: quantities('200m', memory), limits: quantities('200m', memory) };
  const limits = { memory: quantity(memory), ...(cpuLimit !== undefined && { cpu: k8s.Quantity.fromString(cpuLimit) }) };
  return { requests: quantities('10m', memory), limits };
}

function isGuaranteed({ resources }: k8s.Container): boolean {
  const { requests = {}, limits = {} } = resources ?? {};
  return ['cpu', 'memory'].every(each => limits[each] !== undefined && String(requests[each] ?? limits[each]) === String(limits[each]));
}
