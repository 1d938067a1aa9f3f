import { ApiObject, JsonPatch } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { asKept } from './kubernetes-object';

/**
 * A StatefulSet, Deployment or other workload that somebody else wrote, as it will be applied: to read it, and to add to its pods.
 *
 * It works on the object and not on the classes of cdk8s-plus, so that workloads of every origin are the same to it. It does not see what
 * is added to a workload later: the workload has to be complete first.
 *
 * @internal
 */
export class Workload {
  /**
   * @param scope the construct that errors name
   * @param prop what its prop is called
   * @param construct a workload of cdk8s-plus, an ApiObject, or a construct around one such object
   * @throws InputError when there is no pod template in it
   */
  public static of(scope: Construct, prop: string, construct: Construct): Workload {
    let object: ApiObject;
    try {
      object = ApiObject.of(construct);
    } catch {
      throw new InputError(scope, {
        prop,
        got: construct.node.path,
        because: 'pass a single workload: a StatefulSet, a Deployment or its ApiObject',
      });
    }
    return new Workload(scope, prop, object);
  }

  public readonly kind: string;
  public readonly name: string;
  public readonly namespace: string | undefined;
  /** Replicas of a StatefulSet or Deployment; 1 if it says nothing. */
  public readonly replicas: number;

  private constructor(
    scope: Construct,
    prop: string,
    /** The object as it will be applied. */
    public readonly object: ApiObject,
  ) {
    const { kind, metadata, spec } = this.read();
    if (!spec?.template?.spec?.containers) {
      throw new InputError(scope, {
        prop,
        got: `${kind} ${metadata?.name}`,
        because: 'it has no pod template: pass a StatefulSet, a Deployment or a DaemonSet; a CronJob runs too briefly to be backed up',
      });
    }
    this.kind = kind;
    this.name = metadata.name ?? '';
    this.namespace = metadata.namespace;
    this.replicas = spec.replicas ?? 1;
  }

  /** The pod template as it is now. */
  public get template(): PodTemplate {
    return this.read().spec.template;
  }

  /** The labels of its pods. */
  public get podLabels(): { [label: string]: string } {
    return this.template.metadata?.labels ?? {};
  }

  /** The labels by which it selects its pods. */
  public get selectorLabels(): { [label: string]: string } {
    return this.read().spec.selector?.matchLabels ?? {};
  }

  public get containers(): k8s.Container[] {
    return this.template.spec.containers;
  }

  public get volumes(): k8s.Volume[] {
    return this.template.spec.volumes ?? [];
  }

  /** A StatefulSet's claim templates, by which its containers mount the claims. */
  public get claimTemplates(): ClaimTemplate[] {
    return this.read().spec.volumeClaimTemplates ?? [];
  }

  /** The names of its pods, if they are known: those of a StatefulSet. */
  public get podNames(): string[] {
    if (this.kind !== 'StatefulSet') return [];
    const first = this.read().spec.ordinals?.start ?? 0;
    return Array.from({ length: this.replicas }, (_, index) => `${this.name}-${first + index}`);
  }

  /** The claims of a volume of its pods: one for every pod of a StatefulSet, otherwise the named one; none if it is no claim. */
  public claimsOf(volume: string): string[] {
    if (this.claimTemplates.some(({ metadata }) => metadata?.name === volume)) return this.podNames.map(pod => `${volume}-${pod}`);
    const claim = this.volumes.find(({ name }) => name === volume)?.persistentVolumeClaim?.claimName;
    return claim === undefined ? [] : [claim];
  }

  /** Annotates the pods, not the workload. */
  public annotatePods(annotations: { [annotation: string]: string }): void {
    const metadata = this.template.metadata ?? {};
    this.replace('/spec/template/metadata', { ...metadata, annotations: { ...metadata.annotations, ...annotations } });
  }

  /** A template by which a StatefulSet makes a claim for each of its pods. */
  public addClaimTemplate(template: k8s.KubePersistentVolumeClaimProps): void {
    this.replace('/spec/volumeClaimTemplates', [...this.claimTemplates, k8s.toJson_KubePersistentVolumeClaimProps(template)]);
  }

  /** Labels the claims that a StatefulSet makes, and no other. */
  public labelClaims(labels: { [label: string]: string }): void {
    const templates = this.claimTemplates.map(template => ({
      ...template,
      metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    }));
    this.replace('/spec/volumeClaimTemplates', templates);
  }

  /** A container beside the others. */
  public addContainer(container: k8s.Container): void {
    this.replace('/spec/template/spec/containers', [...this.containers, asKept(k8s.toJson_Container(container))]);
  }

  /** Secrets with credentials of image registries, beside those that its pods have. */
  public addPullSecrets(names: string[]): void {
    const there = this.template.spec.imagePullSecrets ?? [];
    const added = names.filter(name => !there.some(secret => secret.name === name)).map(name => ({ name }));
    if (added.length > 0) this.replace('/spec/template/spec/imagePullSecrets', [...there, ...added]);
  }

  /** A volume for them to mount. If there is one under that name already, it is left as it is. */
  public addVolume(volume: k8s.Volume): void {
    if (this.volumes.some(({ name }) => name === volume.name)) return;
    this.replace('/spec/template/spec/volumes', [...this.volumes, k8s.toJson_Volume(volume)]);
  }

  /** Mounts a volume into a container that is there. */
  public mount(container: string, mount: k8s.VolumeMount): void {
    const containers = this.containers.map(one =>
      one.name === container ? { ...one, volumeMounts: [...(one.volumeMounts ?? []), k8s.toJson_VolumeMount(mount)] } : one,
    );
    this.replace('/spec/template/spec/containers', containers);
  }

  private read(): WorkloadObject {
    return this.object.toJson();
  }

  /** `add` also replaces (RFC 6902). */
  private replace(path: string, value: unknown): void {
    additionsTo(this.object).push(JsonPatch.add(path, value));
  }
}

const additions = new WeakMap<ApiObject, JsonPatch[]>();

/**
 * Patches of an object as it is written. Patches of `addJsonPatch` come before the classes of imported kinds have written their quantities
 * and ports. These classes then no longer find them, and resources and probes of all containers would disappear silently.
 */
function additionsTo(object: ApiObject): JsonPatch[] {
  const known = additions.get(object);
  if (known) return known;
  const made: JsonPatch[] = [];
  additions.set(object, made);
  const written = object.toJson.bind(object);
  object.toJson = () => JsonPatch.apply(written(), ...made);
  return made;
}

interface PodTemplate {
  readonly metadata?: { readonly labels?: { [label: string]: string }; readonly annotations?: { [annotation: string]: string } };
  readonly spec: { readonly containers: k8s.Container[]; readonly volumes?: k8s.Volume[] } & k8s.PodSpec;
}

interface ClaimTemplate {
  readonly metadata?: { readonly name?: string; readonly labels?: { [label: string]: string } };
  readonly spec?: k8s.PersistentVolumeClaimSpec;
}

interface WorkloadObject {
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec: {
    readonly replicas?: number;
    readonly ordinals?: { readonly start?: number };
    readonly selector?: { readonly matchLabels?: { [label: string]: string } };
    readonly template: PodTemplate;
    readonly volumeClaimTemplates?: ClaimTemplate[];
  };
}
