import { type Selector, selects } from '../network';
import { badRequest } from './errors';
import type { ApiObject } from './object';

type Test = (object: ApiObject) => boolean;

/** A label selector in the form of a query (Kubernetes docs: "Labels and Selectors", API). */
export function labelSelector(query: string): Test {
  const tests = split(query).map(requirement);
  return object => tests.every(test => test(object.metadata.labels ?? {}));
}

function requirement(term: string): (labels: { [label: string]: string }) => boolean {
  const set = /^([^\s!=(),]+)\s+(in|notin)\s+\(([^()]*)\)$/.exec(term);
  if (set?.[1]) {
    const [, key, operator, list = ''] = set;
    const values = list.split(',').map(value => value.trim());
    return labels => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const [, negated, key = '', operator, value = ''] = /^(!?)([^\s!=(),]+)\s*(?:(==|=|!=)\s*([^\s!=(),]*))?$/.exec(term) ?? [];
  if (!key || (negated && operator)) throw badRequest(`unable to parse requirement: ${term}`);
  if (operator) return labels => (labels[key] === value) === (operator !== '!=');
  return labels => Object.hasOwn(labels, key) !== (negated === '!');
}

/** At commas that are in no parentheses. */
function split(query: string): string[] {
  return query
    .split(/,(?![^(]*\))/)
    .map(term => term.trim())
    .filter(Boolean);
}

const FIELDS: { [field: string]: (object: ApiObject) => unknown } = {
  'metadata.name': object => object.metadata.name,
  'metadata.namespace': object => object.metadata.namespace,
  'status.phase': object => object.status?.phase,
  'spec.nodeName': object => object.spec?.nodeName,
  'involvedObject.name': object => object.involvedObject?.name,
  'involvedObject.namespace': object => object.involvedObject?.namespace,
  'involvedObject.kind': object => object.involvedObject?.kind,
  'involvedObject.uid': object => object.involvedObject?.uid,
  reason: object => object.reason,
  type: object => object.type,
};

const terms = (query: string) => split(query).map(term => /^([\w.]+)(==|=|!=)(.*)$/.exec(term) ?? []);

export function fieldSelector(query: string): Test {
  const tests = terms(query).map(([, field = '', operator, value]) => {
    const read = FIELDS[field];
    if (!read) throw badRequest(`field label not supported: ${field || query}`);
    return (object: ApiObject) => (String(read(object) ?? '') === value) === (operator !== '!=');
  });
  return object => tests.every(test => test(object));
}

/** The one name that a field selector lets through: authorization knows it. */
export function selectedName(query: string): string {
  return terms(query).find(([, field, operator]) => field === 'metadata.name' && operator !== '!=')?.[3] ?? '';
}

/** A label selector as objects have it; the empty one matches everything. */
export function labelsMatch(selector: Selector, { metadata: { labels = {} } }: ApiObject): boolean {
  return selects(selector, labels, 'a selector');
}
