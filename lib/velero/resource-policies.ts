import { type Size, Yaml } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { checkLabels } from './labels';
import { type VeleroObjectOptions, veleroMetadata } from './object';
import { checkLists } from './selector';

/** The volumes that a policy applies to: all conditions have to hold. */
export interface VeleroVolumeConditions {
  /**
   * The least capacity.
   * @default - any
   */
  readonly minimumCapacity?: Size;
  /**
   * The largest capacity.
   * @default - any
   */
  readonly maximumCapacity?: Size;
  /**
   * One of these storage classes.
   * @default - any
   */
  readonly storageClasses?: string[];
  /**
   * The CSI driver.
   * @default - any
   */
  readonly csiDriver?: string;
  /**
   * Attributes of the CSI volume. They need csiDriver.
   * @default - any
   */
  readonly csiVolumeAttributes?: { [attribute: string]: string };
  /**
   * One of these kinds of volume, by their names in a pod: 'emptyDir', 'nfs'.
   * @default - any
   */
  readonly volumeTypes?: string[];
  /**
   * The server of an NFS volume.
   * @default - any
   */
  readonly nfsServer?: string;
  /**
   * Labels of the claim.
   * @default - any
   */
  readonly claimLabels?: { [label: string]: string };
  /**
   * One of these phases of the claim: 'Pending', 'Lost'. (Velero 1.18.)
   * @default - any
   */
  readonly claimPhases?: string[];
}

/** What Velero does with certain volumes. */
export class VeleroVolumePolicy {
  /** It leaves them out. */
  public static skip(conditions: VeleroVolumeConditions): VeleroVolumePolicy {
    return new VeleroVolumePolicy('skip', conditions);
  }

  /** It snapshots them. */
  public static snapshot(conditions: VeleroVolumeConditions): VeleroVolumePolicy {
    return new VeleroVolumePolicy('snapshot', conditions);
  }

  /** It copies them file by file. Do not use it for files of a running database: such a copy is torn, and may not start. */
  public static fsBackup(conditions: VeleroVolumeConditions): VeleroVolumePolicy {
    return new VeleroVolumePolicy('fs-backup', conditions);
  }

  private constructor(
    private readonly action: string,
    private readonly conditions: VeleroVolumeConditions,
  ) {}

  /** @internal */
  public _isForAll(): boolean {
    return Object.values(this.conditions).every(condition => condition === undefined);
  }

  /** @internal */
  public _bind(scope: Construct, prop: string): object {
    const { minimumCapacity, maximumCapacity, storageClasses, csiDriver, csiVolumeAttributes, nfsServer } = this.conditions;
    const { volumeTypes, claimLabels, claimPhases } = this.conditions;
    if (csiVolumeAttributes && csiDriver === undefined) {
      const because = 'name the csiDriver as well: Velero compares attributes only within one driver';
      throw new InputError(scope, { prop: `${prop}.csiVolumeAttributes`, got: csiVolumeAttributes, because });
    }
    if (minimumCapacity && maximumCapacity && minimumCapacity.toMebibytes() > maximumCapacity.toMebibytes()) {
      const because = 'the minimum is above the maximum, so no volume matches: swap them';
      throw new InputError(scope, { prop: `${prop}.minimumCapacity`, got: `${minimumCapacity.toMebibytes()}Mi`, because });
    }
    const conditions = {
      ...((minimumCapacity || maximumCapacity) && { capacity: `${mebibytes(minimumCapacity)},${mebibytes(maximumCapacity)}` }),
      ...(storageClasses && { storageClass: storageClasses }),
      ...(csiDriver !== undefined && { csi: { driver: csiDriver, ...(csiVolumeAttributes && { volumeAttributes: csiVolumeAttributes }) } }),
      ...(nfsServer !== undefined && { nfs: { server: nfsServer } }),
      ...(volumeTypes && { volumeTypes }),
      ...(claimLabels && { pvcLabels: checkLabels(scope, `${prop}.claimLabels`, claimLabels) }),
      ...(claimPhases && { pvcPhase: claimPhases }),
    };
    return { conditions, action: { type: this.action } };
  }
}

function mebibytes(size: Size | undefined): string {
  return size ? `${size.toMebibytes()}Mi` : '';
}

/** Props of resource policies. */
export interface VeleroResourcePoliciesProps extends VeleroObjectOptions {
  /**
   * What is done with volumes. The first policy that matches a volume counts, and takes precedence over its pods' annotations.
   * @default - by the pods' annotations
   */
  readonly volumePolicies?: VeleroVolumePolicy[];
  /**
   * The only resources of namespaces.
   * @default - all
   */
  readonly includedNamespaceScopedResources?: string[];
  /**
   * Resources of namespaces that are left out.
   * @default - none
   */
  readonly excludedNamespaceScopedResources?: string[];
  /**
   * The only resources without a namespace.
   * @default - those that the included resources need
   */
  readonly includedClusterScopedResources?: string[];
  /**
   * Resources without a namespace that are left out.
   * @default - none
   */
  readonly excludedClusterScopedResources?: string[];
}

/** The volumes and resources that backups take: a ConfigMap that backups name. It has one key, as Velero requires. */
export class VeleroResourcePolicies extends Construct {
  /** The ConfigMap's name. */
  public readonly name: string;
  /** Whether it selects resources, and not only volumes. */
  public readonly filtersResources: boolean;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroResourcePoliciesProps) {
    super(...checkedConstruct('VeleroResourcePolicies', scope, id, props));
    const { volumePolicies = [] } = props;
    const includeExcludePolicy = this.includeExcludePolicy(props);
    this.filtersResources = Object.keys(includeExcludePolicy).length > 0;
    const last = volumePolicies.findIndex(policy => policy._isForAll());
    if (last !== -1 && last < volumePolicies.length - 1) {
      const because = 'it has no conditions, so it matches every volume, and later policies never apply: put it last';
      throw new InputError(this, { prop: `volumePolicies[${last}]`, got: {}, because });
    }
    if (volumePolicies.length === 0 && !this.filtersResources) {
      throw new InputError(this, {
        prop: 'volumePolicies',
        got: volumePolicies,
        because: 'it is empty: write a policy, or leave it out',
      });
    }
    const policies = {
      version: 'v1',
      ...(volumePolicies.length > 0 && { volumePolicies: volumePolicies.map((policy, i) => policy._bind(this, `volumePolicies[${i}]`)) }),
      ...(this.filtersResources && { includeExcludePolicy }),
    };
    const metadata = veleroMetadata(this, props);
    this.name = metadata.name;
    kubernetesObject(this, 'ConfigMap', k8s.KubeConfigMap.GVK, { metadata, data: { 'policies.yaml': Yaml.stringify(policies) } });
  }

  private includeExcludePolicy(props: VeleroResourcePoliciesProps): object {
    const lists = {
      includedNamespaceScopedResources: props.includedNamespaceScopedResources,
      excludedNamespaceScopedResources: props.excludedNamespaceScopedResources,
      includedClusterScopedResources: props.includedClusterScopedResources,
      excludedClusterScopedResources: props.excludedClusterScopedResources,
    };
    for (const [prop, list] of Object.entries(lists)) {
      if (list?.includes('*')) {
        throw new InputError(this, { prop, got: list, because: "Velero accepts no '*' in a policy: leave the list out" });
      }
    }
    checkLists(this, 'NamespaceScopedResources', lists.includedNamespaceScopedResources, lists.excludedNamespaceScopedResources);
    checkLists(this, 'ClusterScopedResources', lists.includedClusterScopedResources, lists.excludedClusterScopedResources);
    return Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
  }
}
