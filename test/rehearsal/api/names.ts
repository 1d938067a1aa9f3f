import { type Cause, invalid } from './errors';
import type { ApiObject } from './object';
import type { Resource } from './resources';

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

const wrong = (field: string, value: string, rule: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: "${value}": ${rule}`,
});

/** Kubernetes docs: "Object Names and IDs". The names of roles may hold colons; those of jobs become labels. */
export function checkName(resource: Resource, name: string): void {
  const longest = resource.kind === 'Job' ? 63 : resource.kind === 'CronJob' ? 52 : 253;
  const causes = [
    ...(name.length > longest ? [wrong('metadata.name', name, `must be no more than ${longest} characters`)] : []),
    ...(resource.group === 'rbac.authorization.k8s.io' || SUBDOMAIN.test(name) ? [] : [wrong('metadata.name', name, SUBDOMAIN_RULE)]),
  ];
  if (causes.length > 0) throw invalid(resource, name, causes);
}

/** Kubernetes docs: "Labels and Selectors", Syntax and character set. */
export function checkLabels(resource: Resource, { metadata }: ApiObject): void {
  const causes = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => [
    ...(LABEL_KEY.test(key) ? [] : [wrong('metadata.labels', key, 'name part must consist of alphanumeric characters')]),
    ...(value.length <= 63 ? [] : [wrong('metadata.labels', value, 'must be no more than 63 bytes')]),
    ...(LABEL_VALUE.test(value)
      ? []
      : [wrong('metadata.labels', value, 'a valid label must be an empty string or consist of alphanumeric characters')]),
  ]);
  if (causes.length > 0) throw invalid(resource, metadata.name, causes);
}
