import { Yaml } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { type VeleroObjectOptions, veleroMetadata } from './object';
import type { VeleroLabelSelector } from './selector';

/** A value that an object must have. */
export interface VeleroMatch {
  /** Where, as a JSON pointer: '/spec/storageClassName'. */
  readonly path: string;
  /** The value there, as text. */
  readonly value: string;
}

/** The objects that a rule applies to: all conditions have to hold. */
export interface VeleroModifierConditions {
  /** The resource, in the plural with its group: 'persistentvolumeclaims', 'deployments.apps'. '*' is any. */
  readonly groupResource: string;
  /**
   * A regular expression (RE2) that fits the name.
   * @default - any
   */
  readonly resourceNameRegex?: string;
  /**
   * One of these namespaces, by their names when they were backed up.
   * @default - any
   */
  readonly namespaces?: string[];
  /**
   * Labels of the object.
   * @default - any
   */
  readonly labelSelector?: VeleroLabelSelector;
  /**
   * Values that it must have.
   * @default - any
   */
  readonly matches?: VeleroMatch[];
}

/** One change of an object, as JSON Patch has it (RFC 6902). */
export class VeleroPatch {
  /** Adds a value; to a list, if the path ends in a number or '-'. */
  public static add(path: string, value: unknown): VeleroPatch {
    return new VeleroPatch({ operation: 'add', path, value: written(value) });
  }

  /** Replaces the value that is there. */
  public static replace(path: string, value: unknown): VeleroPatch {
    return new VeleroPatch({ operation: 'replace', path, value: written(value) });
  }

  /** Removes the value that is there. */
  public static remove(path: string): VeleroPatch {
    return new VeleroPatch({ operation: 'remove', path });
  }

  /** Continues with the next patches only if the value is there; otherwise the object stays as it is. */
  public static test(path: string, value: unknown): VeleroPatch {
    return new VeleroPatch({ operation: 'test', path, value: written(value) });
  }

  /** Moves a value. */
  public static move(from: string, path: string): VeleroPatch {
    return new VeleroPatch({ operation: 'move', from, path });
  }

  /** Copies a value. */
  public static copy(from: string, path: string): VeleroPatch {
    return new VeleroPatch({ operation: 'copy', from, path });
  }

  private constructor(private readonly patch: { operation: string; path: string; from?: string; value?: string }) {}

  /** @internal */
  public _bind(scope: Construct, prop: string): object {
    for (const pointer of [this.patch.path, this.patch.from]) {
      if (pointer !== undefined && !/^(\/[^/"\\]*)+$/.test(pointer)) {
        const because = "write a JSON pointer, for example '/spec/replicas'; a slash in a key is written ~1";
        throw new InputError(scope, { prop, got: pointer, because });
      }
    }
    return this.patch;
  }
}

/**
 * A value as Velero puts it into a JSON Patch. Velero quotes what looks like text, but escapes nothing in it; and it takes anything in
 * quotes for text. (`internal/resourcemodifiers/json_patch.go`.)
 */
function written(value: unknown): string {
  return JSON.stringify(value);
}

/** A rule by which objects are changed on their way into the cluster. */
export class VeleroModifierRule {
  /** Changes single values. */
  public static patches(conditions: VeleroModifierConditions, patches: VeleroPatch[]): VeleroModifierRule {
    return new VeleroModifierRule(conditions, scope => ({ patches: patches.map(patch => patch._bind(scope, 'patches')) }), patches.length);
  }

  /**
   * Merges an object into them (RFC 7386): null removes a value, a list replaces a list.
   *
   * @param patch a part of the object, as it is to be
   */
  public static merge(conditions: VeleroModifierConditions, patch: unknown): VeleroModifierRule {
    return new VeleroModifierRule(conditions, () => ({ mergePatches: [{ patchData: Yaml.stringify(patch) }] }), 1);
  }

  /**
   * Merges an object into them as `kubectl patch` does: items of lists are merged by their names. For Kubernetes' own kinds.
   *
   * @param patch a part of the object, as it is to be
   */
  public static strategicMerge(conditions: VeleroModifierConditions, patch: unknown): VeleroModifierRule {
    return new VeleroModifierRule(conditions, () => ({ strategicPatches: [{ patchData: Yaml.stringify(patch) }] }), 1);
  }

  private constructor(
    private readonly conditions: VeleroModifierConditions,
    private readonly render: (scope: Construct) => object,
    private readonly count: number,
  ) {}

  /** @internal */
  public _bind(scope: Construct, prop: string): object {
    const { groupResource, resourceNameRegex } = this.conditions;
    if (!/^(\*|[a-z]+(\.[a-z0-9][-.a-z0-9]*)?)$/.test(groupResource)) {
      const because = "write a resource in the plural with its group, for example 'deployments.apps', or '*'";
      throw new InputError(scope, { prop: `${prop}.groupResource`, got: groupResource, because });
    }
    if (resourceNameRegex !== undefined && !isExpression(resourceNameRegex)) {
      const because = "write a regular expression, for example '^orders-'";
      throw new InputError(scope, { prop: `${prop}.resourceNameRegex`, got: resourceNameRegex, because });
    }
    if (this.count === 0) throw new InputError(scope, { prop: `${prop}.patches`, got: [], because: 'it changes nothing: write a patch' });
    return { conditions: this.conditions, ...this.render(scope) };
  }
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Props of resource modifiers. */
export interface VeleroResourceModifiersProps extends VeleroObjectOptions {
  /** The rules: each one that matches an object changes it, one after the other. */
  readonly rules: VeleroModifierRule[];
}

/**
 * How a restore changes objects on their way: another storage class, fewer replicas, no labels of a tool that would prune them. It is a
 * ConfigMap that restores name, with one key, as Velero requires.
 */
export class VeleroResourceModifiers extends Construct {
  /** The ConfigMap's name. */
  public readonly name: string;
  /** @internal */
  public readonly _rules: VeleroModifierRule[];

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroResourceModifiersProps) {
    super(...checkedConstruct('VeleroResourceModifiers', scope, id, props));
    this._rules = props.rules;
    if (props.rules.length === 0) {
      throw new InputError(this, { prop: 'rules', got: [], because: 'Velero accepts no modifiers without a rule: write one' });
    }
    const modifiers = { version: 'v1', resourceModifierRules: props.rules.map((rule, i) => rule._bind(this, `rules[${i}]`)) };
    const metadata = veleroMetadata(this, props);
    this.name = metadata.name;
    kubernetesObject(this, 'ConfigMap', k8s.KubeConfigMap.GVK, { metadata, data: { 'modifiers.yaml': Yaml.stringify(modifiers) } });
  }
}
