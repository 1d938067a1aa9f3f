import { Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { type Assertion, assertionScripts } from '../../backup/assertion';
import { DataVolume } from '../../core/data-volume';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { PodOptions } from '../../core/pod-options';
import { Scratch } from '../../core/scratch';
import { SecretRef } from '../../core/secret-ref';
import { CHECK_VOLUME } from '../../engines/bound-engine';
import type { IEngine } from '../../engines/engine';
import { kubectlImage, NOBODY } from '../../kubernetes/kubectl/kubectl';
import { operationPod } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import { SHELL } from '../../kubernetes/shell-scripts';

/** Options of a check of a volume. */
export interface VolumeCheckOptions {
  /**
   * The claims whose volumes get this check, such as 'data-orders-db-0'.
   * @default - every claim that no other check names
   */
  readonly claims?: string[];
  /**
   * Where in the volume the data directory is, as the server's container has it in `subPath` or below its mount.
   * @default - the volume's root
   */
  readonly path?: string;
}

/** Options of a check that starts a server. */
export interface EngineVolumeCheckOptions extends VolumeCheckOptions {
  /**
   * What must be true of the data.
   * @default - nothing beyond the server's own consistency
   */
  readonly assertions?: Assertion[];
  /**
   * Where the server writes besides its data directory: its log, sorts, temporary tables.
   * @default Scratch.emptyDir(Size.gibibytes(2))
   */
  readonly scratch?: Scratch;
}

/** How the volumes of a snapshot are checked. */
export class VolumeCheck {
  /**
   * Starts the server on the volume, lets it recover as after a crash, and checks it:
   *
   * - PostgreSQL: pg_amcheck reads tables and B-tree indexes. If the server has checksums, pg_checksums reads all pages.
   * - MariaDB and MySQL: CHECK TABLE reads tables and indexes.
   * - MongoDB: validate reads collections.
   * - Redis and Valkey: the server loads its append-only files, or its dump.
   *
   * The engine has to work on files: `Engine.postgresPhysical`, `Engine.mariadbPhysical`, `Engine.mysqlPhysical`, `Engine.redis`,
   * `Engine.valkey` or `Engine.mongodb`. Of its options, those on the server and its image count. For etcd, use `VolumeCheck.files()`,
   * since its images have no shell for a check, and back it up with `Engine.etcd`.
   *
   * Some damage shows only where an assertion looks at it, since nothing in the files tells. Examples are a row that changed on the disk of
   * a PostgreSQL without data checksums, and a value in an append-only file of Redis.
   *
   * The server loads what its files say: extensions, and commands in its configuration. Its pod has no key, no token, no other volume, and
   * reaches nothing. But whoever may write the server's configuration can forge the result.
   *
   * @param engine the server's
   */
  public static engine(engine: IEngine, options: EngineVolumeCheckOptions = {}): VolumeCheck {
    return new VolumeCheck(options, engine, options);
  }

  /** Checks that the volume's file system can be mounted and read, and that there are files in it. It does not check what is in them. */
  public static files(options: VolumeCheckOptions = {}): VolumeCheck {
    return new VolumeCheck(options);
  }

  /** The check if none was chosen. @internal */
  public static _unchosen(): VolumeCheck {
    return new VolumeCheck({}, undefined, {}, false);
  }

  private constructor(
    private readonly options: VolumeCheckOptions,
    private readonly ofEngine?: IEngine,
    private readonly engineOptions: EngineVolumeCheckOptions = {},
    private readonly chosen = true,
  ) {}

  /** The claims that it names. @internal */
  public get _claims(): string[] | undefined {
    return this.options.claims;
  }

  /**
   * The pod that checks one volume.
   *
   * @throws InputError when the engine cannot be started on a volume, or a prop is invalid
   * @internal
   */
  public _pod(scope: Construct, pod: VolumeCheckPod): k8s.PodTemplateSpec {
    const { series, claimName, prop } = pod;
    const engine = this.bindEngine(scope, series, prop);
    const data = DataVolume.claim(claimName, this.options.path)._bind(scope);
    const { assertions = [], scratch = Scratch.emptyDir(Size.gibibytes(2)) } = this.engineOptions;
    const asked = assertionScripts(scope, series, assertions, engine?.defaultDatabase);
    return operationPod(scope, {
      operation: 'check',
      image: engine ? ImageReference.of(engine.image.reference).bind(scope, `${pod.prop}.image`) : kubectlImage(scope, pod.kubectlImage),
      user: engine?.image.user ?? NOBODY,
      scripts: { shell: SHELL.bind(scope), engine: (engine?.scripts ?? FILES).bind(scope), ...(asked && { assertions: asked }) },
      environment: [
        { name: 'SERIES', value: series },
        { name: 'ENGINE', value: engine?.name ?? 'files' },
        { name: 'REPOSITORY_FOLDER', value: 'none' },
        ...(engine ? (engine.environment ?? []) : [{ name: 'CHOSEN', value: this.chosen ? 'yes' : 'no' }]),
        { name: 'DATA_DIRECTORY', value: data.directory },
      ],
      initContainers: [],
      steps: [],
      volumes: [data.volume],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
      scratch,
      labels: pod.labels,
      options: pod.options,
      inherited: pod.inherited,
      defaults: engine
        ? { memoryRequest: Size.mebibytes(512), memoryLimit: Size.gibibytes(2) }
        : { memoryRequest: Size.mebibytes(64), memoryLimit: Size.mebibytes(256) },
    });
  }

  private bindEngine(scope: Construct, series: string, prop: string) {
    // It is about files: the server that they were of is asked nothing.
    const engine = this.ofEngine?.bind(scope, { host: 'localhost', credentials: SecretRef.named('none'), series });
    if (engine && !engine.serverFiles?.checked) {
      throw new InputError(scope, {
        prop,
        got: engine.name,
        because:
          'this engine cannot start a server on a volume: use one that works on files, for example Engine.postgresPhysical, or VolumeCheck.files()',
      });
    }
    engine?.scripts._require(scope, `${prop}.scripts`, `the check of volumes of ${engine.name}`, [CHECK_VOLUME]);
    return engine;
  }
}

/** @internal */
export interface VolumeCheckPod {
  readonly series: string;
  /** The claim that is mounted. It is written to and thrown away. */
  readonly claimName: string;
  /** The check's name in errors. */
  readonly prop: string;
  readonly labels: { [label: string]: string };
  readonly options?: PodOptions;
  /** Options of the pods of the group. */
  readonly inherited?: PodOptions;
  readonly kubectlImage?: string;
}

const FILES = ScriptFolder.at('volume-files', __dirname);
