import type { Resource } from './resources';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const groupVersions = (resources: readonly Resource[], group: string) => [
  ...new Set(resources.filter(each => each.group === group).flatMap(each => each.versions)),
];

const pathOf = (group: string, version: string) => (group ? `apis/${group}/${version}` : `api/${version}`);

/** What the API serves, by path; undefined for a path of another kind. Aggregated discovery is not offered: clients fall back to this. */
export function discovery(path: string, resources: readonly Resource[]): object | undefined {
  const groups = [...new Set(resources.map(({ group }) => group))];
  const describe = (group: string) => {
    const versions = groupVersions(resources, group).map(version => ({ groupVersion: `${group}/${version}`, version }));
    return { name: group, versions, preferredVersion: versions[0] };
  };
  if (path === '/version') return { major: '1', minor: '34', gitVersion: 'v1.34.2', platform: 'linux/amd64' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter(Boolean).map(describe) };
  if (path === '/openapi/v3') return openapiPaths(resources);
  const [, prefix, ...rest] = path.split('/');
  if (prefix === 'openapi' && rest[0] === 'v3') return openapi(rest.slice(1).join('/'), resources);
  if (prefix === 'apis' && rest.length === 1 && groups.includes(rest[0] ?? '')) {
    return { kind: 'APIGroup', apiVersion: 'v1', ...describe(rest[0] ?? '') };
  }
  const [group = '', version = ''] = prefix === 'api' ? ['', ...rest] : rest;
  if (path !== `/${pathOf(group, version)}` || !groupVersions(resources, group).includes(version)) return undefined;
  const groupVersion = group ? `${group}/${version}` : version;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resourceList(resources, group, version) };
}

function resourceList(resources: readonly Resource[], group: string, version: string): object[] {
  const served = resources.filter(each => each.group === group && each.versions.includes(version));
  return served.flatMap(({ plural, singular, kind, namespaced, shortNames, subresources }) => [
    { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, ...(shortNames.length > 0 && { shortNames }) },
    ...subresources.map(subresource => ({
      name: `${plural}/${subresource}`,
      singularName: '',
      namespaced,
      ...subresourceKind(subresource, kind),
    })),
  ]);
}

function subresourceKind(subresource: string, kind: string): object {
  if (subresource === 'exec') return { kind: 'PodExecOptions', verbs: ['create', 'get'] };
  if (subresource === 'log') return { kind: 'Pod', verbs: ['get'] };
  if (subresource === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] };
  return { kind, verbs: ['get', 'patch', 'update'] };
}

function openapiPaths(resources: readonly Resource[]): object {
  const paths = new Set(resources.flatMap(({ group, versions }) => versions.map(version => pathOf(group, version))));
  return { paths: Object.fromEntries([...paths].map(path => [path, { serverRelativeURL: `/openapi/v3/${path}` }])) };
}

/**
 * No schemas, only what kubectl looks for before it sends: that the server checks fields itself (`fieldValidation`), so that kubectl
 * need not.
 */
function openapi(path: string, resources: readonly Resource[]): object | undefined {
  const served = resources.filter(({ group, versions }) => versions.some(version => pathOf(group, version) === path));
  if (served.length === 0) return undefined;
  const version = path.split('/').at(-1);
  const parameters = ['fieldValidation', 'dryRun'].map(name => ({ name, in: 'query', schema: { type: 'string' } }));
  const paths = served.map(({ group, kind, plural, namespaced }) => {
    const operation = { parameters, responses: {}, 'x-kubernetes-group-version-kind': { group, version, kind } };
    return [`/${path}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`, { patch: operation }];
  });
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.34.2' }, paths: Object.fromEntries(paths), components: {} };
}
