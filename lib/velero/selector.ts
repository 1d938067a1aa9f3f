import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkLabelKey, checkLabels } from './labels';

/** How a label is compared. */
export enum VeleroLabelOperator {
  /** It has one of the values. */
  IN = 'In',
  /** It has none of the values, or is not there. */
  NOT_IN = 'NotIn',
  /** It is there. */
  EXISTS = 'Exists',
  /** It is not there. */
  DOES_NOT_EXIST = 'DoesNotExist',
}

/** A condition on a label. */
export interface VeleroLabelRequirement {
  /** The label. */
  readonly key: string;
  /** How it is compared. */
  readonly operator: VeleroLabelOperator;
  /**
   * What it is compared with.
   * @default - nothing, as for EXISTS and DOES_NOT_EXIST
   */
  readonly values?: string[];
}

/** Selects objects by their labels: all conditions have to hold. */
export interface VeleroLabelSelector {
  /**
   * Labels that an object must have.
   * @default - none
   */
  readonly matchLabels?: { [label: string]: string };
  /**
   * Further conditions on its labels.
   * @default - nothing
   */
  readonly matchExpressions?: VeleroLabelRequirement[];
}

/** The objects of a backup or a restore. */
export interface VeleroFilter {
  /**
   * The only namespaces.
   * @default - all
   */
  readonly includedNamespaces?: string[];
  /**
   * Namespaces that are left out.
   * @default - none
   */
  readonly excludedNamespaces?: string[];
  /**
   * The only resources, in the plural, with their group if needed: 'statefulsets.apps'.
   * @default - all
   */
  readonly includedResources?: string[];
  /**
   * Resources that are left out.
   * @default - none
   */
  readonly excludedResources?: string[];
  /**
   * Whether resources without a namespace are included.
   * @default - those that the included resources need
   */
  readonly includeClusterResources?: boolean;
  /**
   * Selects objects by their labels.
   * @default - all
   */
  readonly labelSelector?: VeleroLabelSelector;
  /**
   * Selects objects by their labels: one of the selectors has to match. Use it instead of labelSelector.
   * @default - all
   */
  readonly orLabelSelectors?: VeleroLabelSelector[];
}

/** @internal */
export function filterSpec(scope: IConstruct, filter: VeleroFilter): object {
  const { includedNamespaces, excludedNamespaces, includedResources, excludedResources } = filter;
  const { includeClusterResources, labelSelector, orLabelSelectors } = filter;
  checkLists(scope, 'Namespaces', includedNamespaces, excludedNamespaces);
  checkLists(scope, 'Resources', includedResources, excludedResources);
  if (labelSelector && orLabelSelectors) {
    throw new InputError(scope, {
      prop: 'orLabelSelectors',
      got: `${orLabelSelectors.length} beside labelSelector`,
      because: 'Velero accepts only one of them: write what must always match into each of orLabelSelectors',
    });
  }
  checkSelectors(scope, labelSelector ? [labelSelector] : (orLabelSelectors ?? []), labelSelector ? 'labelSelector' : 'orLabelSelectors');
  return {
    includedNamespaces,
    excludedNamespaces,
    includedResources,
    excludedResources,
    includeClusterResources,
    labelSelector,
    orLabelSelectors,
  };
}

/** Velero's own rules for two lists that belong together. @internal */
export function checkLists(scope: IConstruct, what: string, included: string[] = [], excluded: string[] = []): void {
  const refuse = (list: string, got: unknown, because: string) => new InputError(scope, { prop: `${list}${what}`, got, because });
  for (const [list, names] of [['included', included] as const, ['excluded', excluded] as const]) {
    const wrong = names.find(name => !/^(\*|[a-z0-9]([-.a-z0-9*?]*[a-z0-9*])?)$/.test(name));
    if (wrong !== undefined) throw refuse(list, wrong, 'write names in lower case, one per item');
  }
  if (included.length > 1 && included.includes('*'))
    throw refuse('included', included, "'*' means everything: write only that, or leave it out");
  if (excluded.includes('*')) throw refuse('excluded', excluded, 'everything would be left out: name what to leave out');
  const both = excluded.find(name => included.includes(name));
  if (both !== undefined) throw refuse('excluded', both, 'it is also included: keep only one of the two');
}

function checkSelectors(scope: IConstruct, selectors: VeleroLabelSelector[], prop: string): void {
  for (const { matchLabels = {}, matchExpressions = [] } of selectors) {
    checkLabels(scope, prop, matchLabels);
    if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
      throw new InputError(scope, { prop, got: {}, because: 'it selects everything: write a label, or leave the selector out' });
    }
    for (const { key, operator, values = [] } of matchExpressions) {
      checkLabelKey(scope, prop, key);
      const compares = operator === VeleroLabelOperator.IN || operator === VeleroLabelOperator.NOT_IN;
      if (compares !== values.length > 0) {
        const because = compares ? 'write the values that it is compared with' : 'this operator compares nothing: leave the values out';
        throw new InputError(scope, { prop, got: { key, operator, values }, because });
      }
    }
  }
}
