import { ApiObject, JsonPatch, type Size } from 'cdk8s';
import { StatefulSet, type StatefulSetProps } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { quantity } from '../core/quantity';
import { asKept } from '../kubernetes/kubernetes-object';
import { Workload } from '../kubernetes/workload';
import { VeleroProtection, type VeleroProtectionOptions } from './protection';

/** A volume of its own for each pod of a StatefulSet. */
export interface ProtectedClaim {
  /** Its name in the pods, and the first part of the claims' names: `<name>-<pod>`. */
  readonly name: string;
  /** The size of each. */
  readonly size: Size;
  /** Where the container mounts it. */
  readonly mountPath: string;
  /**
   * The container that mounts it.
   * @default - the first one
   */
  readonly container?: string;
  /**
   * The storage class.
   * @default - the cluster's default
   */
  readonly storageClass?: string;
}

/** Props of a StatefulSet that is protected. */
export interface ProtectedStatefulSetProps extends StatefulSetProps {
  /** A volume of its own for each pod, which cdk8s-plus-27 cannot express. */
  readonly claims: ProtectedClaim[];
  /** How Velero backs them up. */
  readonly protection: VeleroProtectionOptions;
}

/**
 * A StatefulSet of cdk8s-plus with volumes of its own, and with instructions for Velero how to back up its pods. Its containers have to be
 * among the props: containers that are added later are not seen.
 *
 * The containers drop all capabilities and have the runtime's seccomp profile, as the Pod Security Standard "restricted" requires.
 */
export class ProtectedStatefulSet extends StatefulSet {
  /** How Velero backs it up. */
  public readonly protection: VeleroProtection;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: ProtectedStatefulSetProps) {
    super(...checkedConstruct('ProtectedStatefulSet', scope, id, props), props);
    ApiObject.of(this).addJsonPatch(...restrictions(props.containers?.length ?? 0));
    const { claims, protection } = props;
    const workload = Workload.of(this, 'containers', this);
    for (const claim of claims) {
      const { name, size, storageClass, mountPath } = claim;
      workload.addClaimTemplate({
        metadata: { name },
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClass !== undefined && { storageClassName: storageClass }),
          resources: { requests: { storage: quantity(size) } },
        },
      });
      workload.mount(this.containerOf(claim, workload), { name, mountPath });
    }
    this.protection = VeleroProtection.of(this, protection);
    // cdk8s-plus writes quantities and empty lists that no API server keeps.
    for (const object of this.node.findAll().filter(ApiObject.isApiObject)) {
      const written = object.toJson.bind(object);
      object.toJson = () => asKept(written());
    }
  }

  private containerOf({ name, container }: ProtectedClaim, workload: Workload): string {
    const names = workload.containers.map(one => one.name);
    const [first = ''] = names;
    if (container !== undefined && !names.includes(container)) {
      const because = `name one of the containers: ${names.join(', ')}`;
      throw new InputError(this, { prop: `claims['${name}'].container`, got: container, because });
    }
    return container ?? first;
  }
}

/** What the Pod Security Standard "restricted" requires beyond the defaults of cdk8s-plus. */
function restrictions(containers: number): JsonPatch[] {
  const drop = Array.from({ length: containers }, (_, index) =>
    JsonPatch.add(`/spec/template/spec/containers/${index}/securityContext/capabilities`, { drop: ['ALL'] }),
  );
  return [...drop, JsonPatch.add('/spec/template/spec/securityContext/seccompProfile', { type: 'RuntimeDefault' })];
}
