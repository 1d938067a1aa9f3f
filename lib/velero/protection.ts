import { Duration } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { ImageReference } from '../core/image-catalog';
import { InputError } from '../core/input-error';
import { warn } from '../core/warning';
import { Workload } from '../kubernetes/workload';
import { type QuiesceAgent, quiesceAgent } from '../volumes/quiesce/agent';
import type { IQuiesce } from '../volumes/quiesce/quiesce';
import type { IVeleroBackup } from './backup-template';
import { checkCommand, hookFolder, type VeleroHook, type VeleroHookConfig, VeleroOnError } from './hook';
import { checkLabelValue } from './labels';
import { liveData } from './live-data';
import { hookTimeout, veleroDuration } from './timeout';
import { type VeleroVolume, VeleroVolumeMethod } from './volume';

/** An init container that Velero adds to a pod when it restores it, before all other containers. */
export interface VeleroInitHook {
  /** The image, with a tag or a digest. */
  readonly image: string;
  /** The program and its arguments. It has no volume mounted, since Velero has no annotation for that. */
  readonly command: string[];
  /**
   * The container's name.
   * @default 'velero-init'
   */
  readonly name?: string;
}

/** Options of a protection. */
export interface VeleroProtectionOptions {
  /**
   * How the volumes of its pods get into the backup. Volumes that are not named follow the backup's own settings.
   * @default - none
   */
  readonly volumes?: VeleroVolume[];
  /**
   * Runs before a pod is backed up. If it fails, Velero does not run the pod's post hook: so it must leave nothing behind.
   * @default - none
   */
  readonly preHook?: VeleroHook;
  /**
   * Runs after a pod is backed up, and its volumes are snapshotted or copied.
   * @default - none
   */
  readonly postHook?: VeleroHook;
  /**
   * Holds the server still while its volumes are snapshotted. Both hooks are then its agent's. The post hook fails the backup when the
   * server was not held to the end.
   * @default - the server is not held
   */
  readonly quiesce?: IQuiesce;
  /**
   * Runs in a restored pod when its container runs.
   * @default - none
   */
  readonly restoreHook?: VeleroHook;
  /**
   * How long a restore waits for that container.
   * @default Duration.minutes(30); Velero's own is forever
   */
  readonly restoreWait?: Duration;
  /**
   * Whether it waits until the container is ready, and not only running.
   * @default true
   */
  readonly restoreWaitForReady?: boolean;
  /**
   * Runs in a restored pod before its own containers.
   * @default - none
   */
  readonly restoreInit?: VeleroInitHook;
  /**
   * Puts the claims of a StatefulSet into one volume group of this name. The hooks of all its pods then run before the first volume is
   * snapshotted. The volumes are snapshotted at once, and only then the post hooks run. Without it Velero backs up pod by pod.
   *
   * It labels the claim templates, which cannot be changed in an existing StatefulSet; label existing claims by hand. All volumes have to
   * be of one CSI driver, which has to take group snapshots. (Velero documentation, "Volume Group Snapshots"; since Velero 1.17.)
   * @default - none
   */
  readonly volumeGroup?: string;
  /**
   * The backup that contains the pods. The hooks' limits are compared with its limits. If it is a schedule with a VeleroCheck, the check
   * expects the hooks, and the volumes that are named.
   * @default - Velero's own limits: ten minutes for a snapshot, four hours for what continues after it; no check expects hooks or volumes
   */
  readonly backup?: IVeleroBackup;
}

/** Props of a protection. */
export interface VeleroProtectionProps extends VeleroProtectionOptions {
  /** A StatefulSet, Deployment or DaemonSet of cdk8s-plus, its ApiObject, or a construct around one. Its pods have to be complete. */
  readonly workload: Construct;
}

const protections = new WeakMap<IVeleroBackup, VeleroProtection[]>();

const PRE = 'pre.hook.backup.velero.io';
const POST = 'post.hook.backup.velero.io';
const RESTORE = 'post.hook.restore.velero.io';
const INIT = 'init.hook.restore.velero.io';
const VOLUMES = 'backup.velero.io/backup-volumes';
const EXCLUDES = 'backup.velero.io/backup-volumes-excludes';
const OURS = /^(?:(?:(?:pre|post)\.)?hook\.backup|(?:post|init)\.hook\.restore|backup)\.velero\.io\//;

/** The time for `kubectl exec` and for the answer, beyond the command itself. */
const MARGIN = Duration.seconds(15);

/** Velero's defaults, where a backup does not say. */
const DEFAULT_LIMITS = { csiSnapshotTimeout: Duration.minutes(10), itemOperationTimeout: Duration.hours(4) };

/**
 * Tells Velero how to back up and restore the pods of a workload, by annotations of its **pod template**. On the workload itself they do
 * nothing.
 *
 * A pod has one pre hook and one post hook. A pod with hooks by annotation gets none of the Backup's own hooks. (Velero documentation,
 * "Backup Hooks" and "Restore Hooks".)
 *
 * It needs Velero 1.15.1 or later: older ones ran post hooks before volumes were copied (vmware-tanzu/velero#8159).
 */
export class VeleroProtection extends Construct {
  /**
   * Protects a workload, in its own scope.
   *
   * @throws InputError when an option is invalid, or the workload is protected already
   */
  public static of(workload: Construct, options: VeleroProtectionOptions = {}): VeleroProtection {
    return new VeleroProtection(workload, 'Velero', { ...options, workload });
  }

  /** Protections that name a backup as theirs. @internal */
  public static _of(backup: IVeleroBackup): VeleroProtection[] {
    const there = protections.get(backup) ?? [];
    protections.set(backup, there);
    return there;
  }

  /** Whether a volume is copied file by file, which the node agent does. @internal */
  public readonly _copiesFiles: boolean;
  private readonly volumes: VeleroVolume[];
  private readonly workload: Workload;

  /**
   * Most call `VeleroProtection.of()`.
   *
   * @throws InputError when a prop is invalid, or the workload is protected already
   */
  constructor(scope: Construct, id: string, props: VeleroProtectionProps) {
    super(...checkedConstruct('VeleroProtection', scope, id, props));
    this.workload = Workload.of(this, 'workload', props.workload);
    this.volumes = props.volumes ?? [];
    this._copiesFiles = this.volumes.some(({ method }) => method !== VeleroVolumeMethod.SNAPSHOT);
    this.refuseSecond();
    this.checkVolumes(props);
    // The agent's container is one of those that hooks may name.
    const quiesce = props.quiesce && this.quiesce(props.quiesce, props);
    this.workload.annotatePods({
      ...volumeAnnotations(props.volumes ?? []),
      ...(quiesce ?? { ...this.hook('preHook', PRE, 'pre', props), ...this.hook('postHook', POST, 'post', props) }),
      ...this.restoreHook(props),
      ...(props.restoreInit && this.initHook(props.restoreInit)),
    });
    if (props.volumeGroup !== undefined) this.group(props.volumeGroup, props.backup);
    if (props.backup) VeleroProtection._of(props.backup).push(this);
  }

  /**
   * How many hooks Velero runs in a backup of the pods, as far as that is known before it is applied. It counts the hooks of all replicas,
   * or of one pod if the cluster decides their number.
   *
   * @internal
   */
  public get _hooks(): number {
    const annotations = this.workload.template.metadata?.annotations ?? {};
    const hooks = [PRE, POST].filter(prefix => `${prefix}/command` in annotations).length;
    return hooks * this.current.replicas;
  }

  /**
   * The named volumes that a backup of the pods has to hold: a name for each claim, or each pod without a claim. A claim that several pods
   * mount has one name, since Velero takes it once.
   *
   * @internal
   */
  public get _volumes(): string[] {
    const { current } = this;
    if (current.replicas === 0) return [];
    const { namespace = '', kind } = current;
    return this.volumes.flatMap(({ name }) => {
      const claims = current.claimsOf(name).map(claim => `${namespace}/${claim}`);
      const ofPods = Array.from({ length: current.replicas }, (_, pod) => `${namespace}/${kind}/${current.name}/${pod}/${name}`);
      return claims.length > 0 ? claims : ofPods;
    });
  }

  /** The workload as it is now: it may have been scaled since. */
  private get current(): Workload {
    return Workload.of(this, 'workload', this.workload.object);
  }

  private refuseSecond(): void {
    const there = Object.keys(this.workload.template.metadata?.annotations ?? {}).filter(annotation => OURS.test(annotation));
    if (there.length > 0) {
      throw new InputError(this, {
        prop: 'workload',
        got: `${this.workload.kind} ${this.workload.name}`,
        because: `its pods have annotations for Velero already (${there.join(', ')}), and a pod can have only one hook of each kind: put everything into one protection`,
      });
    }
  }

  private checkVolumes({ volumes = [], preHook, quiesce, backup }: VeleroProtectionProps): void {
    const known = [
      ...new Set(
        [...this.workload.volumes, ...this.workload.claimTemplates.map(({ metadata }) => ({ name: metadata?.name ?? '' }))].map(
          ({ name }) => name,
        ),
      ),
    ];
    const live = liveData(this.workload);
    volumes.forEach((volume, index) => {
      const refuse = (because: string) => new InputError(this, { prop: `volumes[${index}]`, got: volume.name, because });
      if (!known.includes(volume.name)) {
        throw refuse(
          `the pods have no such volume: name one of ${known.join(', ') || 'none'}; it is the volume's name in the pod, not the claim's`,
        );
      }
      if (volumes.findIndex(({ name }) => name === volume.name) !== index) {
        throw refuse('it is named twice: name it once');
      }
      const never = this.neverTaken(volume);
      if (never !== undefined) throw refuse(never);
      const server = live.find(one => one.volume === volume.name);
      if (volume.method !== VeleroVolumeMethod.SNAPSHOT && server) {
        throw refuse(tornCopy(server.path, server.container, volume.name));
      }
      if (volume.method === VeleroVolumeMethod.DUMP && !preHook) {
        const because = quiesce ? 'the pre hook is the quiesce, which writes no dump' : 'nothing writes the dump';
        throw refuse(`${because}: write a preHook that writes it, or use VeleroVolume.snapshot('${volume.name}')`);
      }
    });
    const loose = live.find(one => !volumes.some(({ name }) => name === one.volume));
    if (backup?.defaultVolumesToFsBackup && loose) {
      throw new InputError(this, {
        prop: 'volumes',
        got: volumes.map(({ name }) => name),
        because: `the backup copies every volume that is not excluded, file by file; ${tornCopy(loose.path, loose.container, loose.volume)}`,
      });
    }
  }

  /**
   * Why Velero would leave a volume out, without an error. (Its documentation, "CSI Snapshot Support", and "File System Backup",
   * Limitations.)
   */
  private neverTaken({ name, method }: VeleroVolume): string | undefined {
    const volume = this.workload.volumes.find(each => each.name === name);
    // A claim template goes before a volume of its name.
    const isTemplate = this.workload.claimTemplates.some(({ metadata }) => metadata?.name === name);
    if (method === VeleroVolumeMethod.SNAPSHOT) {
      if (isTemplate || volume?.persistentVolumeClaim || volume?.ephemeral) return undefined;
      return 'it is not a claim, and only claims can be snapshotted: no backup would hold its files';
    }
    if (!isTemplate && volume?.hostPath)
      return 'it is a directory of the node (hostPath), which Velero leaves out: no backup would hold its files';
    if (this.workload.containers.some(({ volumeMounts = [] }) => volumeMounts.some(mount => mount.name === name))) return undefined;
    return 'no container mounts it, and Velero copies only mounted volumes: no backup would hold its files';
  }

  private hook(prop: 'preHook' | 'postHook', prefix: string, kind: string, props: VeleroProtectionProps): { [annotation: string]: string } {
    const hook = props[prop];
    if (!hook) return {};
    const config = this.bind(hook, prop, kind);
    this.checkLimit(`${prop}.timeout`, config.timeout, props.backup);
    return hookAnnotations(prefix, config);
  }

  /** The hook in its final form, with its script mounted into the container. */
  private bind(hook: VeleroHook, prop: string, kind: string): VeleroHookConfig {
    const config = hook._bind(this, prop, kind, this.containerNames);
    if (config.script) {
      const name = `velero-hook-${kind}`;
      const volume: k8s.Volume = { name, configMap: { name: config.script.bind(this), defaultMode: 0o555, optional: true } };
      this.workload.addVolume(volume);
      this.workload.mount(config.container, { name, mountPath: hookFolder(kind), readOnly: true });
    }
    return config;
  }

  private checkLimit(prop: string, timeout: Duration, { itemOperationTimeout } = DEFAULT_LIMITS as Limits): void {
    if (timeout.toSeconds() > itemOperationTimeout.toSeconds()) {
      throw new InputError(this, {
        prop,
        got: timeout.toHumanString(),
        because: `the backup gives up an operation after ${itemOperationTimeout.toHumanString()} (itemOperationTimeout): write a shorter time here, or a longer one there`,
      });
    }
  }

  private quiesce(quiesce: IQuiesce, props: VeleroProtectionProps): { [annotation: string]: string } {
    const { preHook, postHook, volumes = [], backup, volumeGroup } = props;
    if (preHook || postHook) {
      throw new InputError(this, {
        prop: preHook ? 'preHook' : 'postHook',
        got: 'a hook of your own',
        because: 'Velero runs one pre hook and one post hook per pod, and the quiesce needs both: leave one of them out',
      });
    }
    const snapshotted = volumes.filter(({ method }) => method === VeleroVolumeMethod.SNAPSHOT).map(({ name }) => name);
    if (snapshotted.length === 0) {
      throw new InputError(this, {
        prop: 'quiesce',
        got: 'without a volume that is snapshotted',
        because: "nothing is backed up while the server is held: name its volumes, for example volumes: [VeleroVolume.snapshot('data')]",
      });
    }
    const agent = quiesceAgent(this, this.workload, quiesce, snapshotted);
    this.checkHeld(agent, backup);
    if (this.workload.replicas > 1 && volumeGroup === undefined) {
      warn(
        this,
        `${this.workload.name} has ${this.workload.replicas} pods, which Velero holds and snapshots one after the other; to do all of them at once, set volumeGroup`,
      );
    }
    const hook = (command: string[], timeout: Duration) => ({ container: agent.container, command, onError: VeleroOnError.FAIL, timeout });
    const wait = Duration.seconds(Math.ceil(agent.wait.toSeconds({ integral: false })) + MARGIN.toSeconds());
    hookTimeout(this, 'quiesce.wait', wait);
    return {
      ...hookAnnotations(PRE, hook(agent.hold, wait)),
      ...(agent.release && hookAnnotations(POST, hook(agent.release, Duration.minutes(1)))),
    };
  }

  private checkHeld({ limit, release }: QuiesceAgent, { csiSnapshotTimeout } = DEFAULT_LIMITS as Limits): void {
    if (release && limit.toSeconds() > csiSnapshotTimeout.toSeconds()) {
      throw new InputError(this, {
        prop: 'quiesce.limit',
        got: limit.toHumanString(),
        because: `the backup gives up a snapshot after ${csiSnapshotTimeout.toHumanString()} (csiSnapshotTimeout), and the server would be held in vain: write a shorter time here, or a longer one there`,
      });
    }
  }

  private restoreHook({ restoreHook, restoreWait, restoreWaitForReady }: VeleroProtectionProps): { [annotation: string]: string } {
    if (!restoreHook) {
      if (restoreWait === undefined && restoreWaitForReady === undefined) return {};
      const [prop, got] = restoreWait ? ['restoreWait', restoreWait.toHumanString()] : ['restoreWaitForReady', restoreWaitForReady];
      throw new InputError(this, { prop, got, because: 'there is no restoreHook that could wait: add one, or leave this out' });
    }
    const { container, command, onError, timeout } = this.bind(restoreHook, 'restoreHook', 'restore');
    return {
      [`${RESTORE}/container`]: container,
      [`${RESTORE}/command`]: JSON.stringify(command),
      [`${RESTORE}/on-error`]: onError,
      // Not `timeout`, which does not exist there (vmware-tanzu/velero#6764).
      [`${RESTORE}/exec-timeout`]: `${timeout.toSeconds()}s`,
      [`${RESTORE}/wait-timeout`]: veleroDuration(this, 'restoreWait', restoreWait ?? Duration.minutes(30)),
      [`${RESTORE}/wait-for-ready`]: String(restoreWaitForReady ?? true),
    };
  }

  private initHook({ image, command, name = 'velero-init' }: VeleroInitHook): { [annotation: string]: string } {
    checkCommand(this, command);
    if (this.containerNames.includes(name) || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
      const because = 'write a name of lower-case letters, digits and dashes that no container of the pod uses';
      throw new InputError(this, { prop: 'restoreInit.name', got: name, because });
    }
    const reference = ImageReference.of(image).bind(this, 'restoreInit.image');
    return { [`${INIT}/container-image`]: reference, [`${INIT}/container-name`]: name, [`${INIT}/command`]: JSON.stringify(command) };
  }

  private group(volumeGroup: string, backup: IVeleroBackup | undefined): void {
    const { kind, name, claimTemplates } = this.workload;
    if (claimTemplates.length === 0) {
      const because = `${kind} ${name} has no claim templates to label: put the label on the claims themselves`;
      throw new InputError(this, { prop: 'volumeGroup', got: volumeGroup, because });
    }
    checkLabelValue(this, 'volumeGroup', volumeGroup);
    this.workload.labelClaims({ [backup?.volumeGroupSnapshotLabelKey ?? VOLUME_GROUP_LABEL]: volumeGroup });
  }

  private get containerNames(): string[] {
    return this.workload.containers.map(({ name }) => name);
  }
}

/** The label by which Velero groups claims, unless the backup names another. */
const VOLUME_GROUP_LABEL = 'velero.io/volume-group';

type Limits = Pick<IVeleroBackup, 'csiSnapshotTimeout' | 'itemOperationTimeout'>;

function tornCopy(path: string, container: string, volume: string): string {
  return `${container} uses it at ${path}, and a file-by-file copy of a running server is torn, and a server may not start on it: use VeleroVolume.snapshot('${volume}'), or have a pre hook dump into another volume and use VeleroVolume.dump() of that one`;
}

/** A volume that is snapshotted must not be copied file by file as well, whatever the backup's default is. */
function volumeAnnotations(volumes: VeleroVolume[]): { [annotation: string]: string } {
  const names = (snapshotted: boolean) =>
    volumes.filter(({ method }) => (method === VeleroVolumeMethod.SNAPSHOT) === snapshotted).map(({ name }) => name);
  return {
    ...(names(false).length > 0 && { [VOLUMES]: names(false).join(',') }),
    ...(names(true).length > 0 && { [EXCLUDES]: names(true).join(',') }),
  };
}

/** The command as a JSON array. Velero runs anything that it cannot read as an array as one program of that name. */
function hookAnnotations(prefix: string, { container, command, onError, timeout }: VeleroHookConfig): { [annotation: string]: string } {
  return {
    [`${prefix}/container`]: container,
    [`${prefix}/command`]: JSON.stringify(command),
    [`${prefix}/on-error`]: onError,
    [`${prefix}/timeout`]: `${timeout.toSeconds()}s`,
  };
}
