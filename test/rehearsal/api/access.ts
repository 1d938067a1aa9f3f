import { forbidden } from './errors';
import type { Loose } from './object';
import type { Resource } from './resources';

/** Who asks. */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What is asked for. */
export interface Attributes {
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string | undefined;
  /** Empty for what is about no one object. */
  readonly name: string;
}

export const ADMIN: User = { name: 'system:admin', groups: ['system:masters', 'system:authenticated'] };
export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

export function serviceAccount(namespace: string, name: string): User {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${namespace}:${name}`, groups };
}

/** Where roles and their bindings are read. */
interface Objects {
  all(kind: 'RoleBinding' | 'ClusterRoleBinding', namespace?: string): Loose[];
  find(kind: 'Role' | 'ClusterRole', namespace: string | undefined, name: string): Loose | undefined;
}

/**
 * RBAC (Kubernetes docs: "Using RBAC Authorization"): whoever no rule lets through is refused. Of the roles that a cluster comes with,
 * there is `cluster-admin` alone, and what every account may ask of discovery.
 *
 * @throws ApiError as a real server would word it
 */
export function authorize(user: User, asked: Attributes, objects: Objects): void {
  if (user.groups.includes('system:masters')) return;
  const { verb, resource, subresource, namespace, name } = asked;
  const bindings = [...objects.all('ClusterRoleBinding'), ...(namespace ? objects.all('RoleBinding', namespace) : [])];
  const rules = bindings.filter(binding => isSubject(user, binding)).flatMap(binding => rulesOf(binding, objects));
  if (rules.some(rule => allows(rule, asked))) return;
  const what = subresource ? `${resource.plural}/${subresource}` : resource.plural;
  const scope = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  throw forbidden(resource, name, `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${scope}`);
}

function isSubject(user: User, { metadata, subjects = [] }: Loose): boolean {
  return subjects.some(({ kind, name, namespace = metadata.namespace }: Loose) => {
    if (kind === 'ServiceAccount') return user.name === `system:serviceaccount:${namespace}:${name}`;
    return kind === 'Group' ? user.groups.includes(name) : user.name === name;
  });
}

function rulesOf({ metadata, roleRef }: Loose, objects: Objects): Loose[] {
  if (roleRef.kind === 'ClusterRole' && roleRef.name === 'cluster-admin') return [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
  return objects.find(roleRef.kind, roleRef.kind === 'Role' ? metadata.namespace : undefined, roleRef.name)?.rules ?? [];
}

function allows({ apiGroups = [], resources = [], verbs = [], resourceNames = [] }: Loose, asked: Attributes): boolean {
  const { verb, resource, subresource, name } = asked;
  const wanted = subresource ? [`${resource.plural}/${subresource}`, `*/${subresource}`, '*'] : [resource.plural, '*'];
  return (
    [verb, '*'].some(each => verbs.includes(each)) &&
    [resource.group, '*'].some(each => apiGroups.includes(each)) &&
    wanted.some(each => resources.includes(each)) &&
    (resourceNames.length === 0 || (name !== '' && resourceNames.includes(name)))
  );
}
