import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

/** The objects that a backup takes first, kind by kind. */
export class VeleroOrderedResources {
  /** No order yet: `VeleroOrderedResources.none().pods('shop/orders-db-1', 'shop/orders-db-0')`. */
  public static none(): VeleroOrderedResources {
    return new VeleroOrderedResources({});
  }

  private constructor(private readonly order: { [resource: string]: string[] }) {}

  /** Pods in this order, each as `namespace/name`: a replica before its primary, say. */
  public pods(...pods: string[]): VeleroOrderedResources {
    return this.resources('pods', pods);
  }

  /** Claims in this order, each as `namespace/name`. */
  public claims(...claims: string[]): VeleroOrderedResources {
    return this.resources('persistentvolumeclaims', claims);
  }

  /**
   * Objects of any kind in this order.
   *
   * @param resource the kind, in the plural and without its group: 'statefulsets'
   * @param objects each as `namespace/name`, or as `name` where the kind belongs to no namespace
   */
  public resources(resource: string, objects: string[]): VeleroOrderedResources {
    return new VeleroOrderedResources({ ...this.order, [resource]: [...(this.order[resource] ?? []), ...objects] });
  }

  /** @internal */
  public _bind(scope: IConstruct, prop: string): { [resource: string]: string } {
    const refuse = (got: unknown, because: string) => new InputError(scope, { prop, got, because });
    if (Object.keys(this.order).length === 0) throw refuse({}, 'name what comes first, or leave it out');
    for (const [resource, objects] of Object.entries(this.order)) {
      // What it cannot find, Velero passes over without a word.
      if (!/^[a-z]+s$/.test(resource)) throw refuse(resource, "write a kind in the plural, without its group, for example 'pods'");
      const wrong = objects.find(object => !/^(?:[a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(object));
      if (wrong !== undefined) throw refuse(wrong, "write 'namespace/name', with one object per item");
      if (OF_NAMESPACES.includes(resource) && objects.some(object => !object.includes('/'))) {
        throw refuse(objects, `${resource} belong to a namespace: write 'namespace/name'`);
      }
      const twice = objects.find((object, index) => objects.indexOf(object) !== index);
      if (twice !== undefined) throw refuse(twice, 'it is named twice');
    }
    return Object.fromEntries(Object.entries(this.order).map(([resource, objects]) => [resource, objects.join(',')]));
  }
}

const OF_NAMESPACES = ['pods', 'persistentvolumeclaims', 'statefulsets', 'deployments', 'configmaps', 'secrets', 'services'];
