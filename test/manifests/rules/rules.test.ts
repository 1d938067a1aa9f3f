import { describe, expect, test } from 'vitest';
import type { Manifest } from '../manifest';
import { PLATFORMS } from '../platforms';
import { POD, planted, specimen } from '../specimen';
import { RULES } from './index';

const rules = Object.entries(RULES);
const DIGITS = '0123456789';

describe.each(PLATFORMS)('$name keeps the rule', ({ manifests }) => {
  test.each(rules)('%s', (_, rule) => {
    expect(rule(manifests)).toEqual([]);
  });
});

describe('the specimen keeps the rule', () => {
  test.each(rules)('%s', (_, rule) => {
    expect(rule(specimen())).toEqual([]);
  });
});

const secret: Manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'orders', namespace: 'shop' } };
const repeatedClaim: Manifest = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'backups', namespace: 'shop' } };
const otherScripts = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `scripts-${DIGITS}`, namespace: 'crm' },
  immutable: true,
  data: { 'run.sh': 'exec pg_dumpall' },
};

const policy = (name: string): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
});

function renamed(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest).replaceAll('"app.kubernetes.io/name":"cdk8s-backup"', '"app.kubernetes.io/name":"postgres"');
  return JSON.parse(text);
}

/** The backup's container as that of a verification. */
function verifying(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest).replace('"name":"backup"', '"name":"verify"');
  return JSON.parse(text.replace('"name":"PGHOST"', '"name":"CHECK_REPOSITORY"'));
}

/** The backup's pod as one that checks a copy of a volume. */
function checking(): Manifest[] {
  return planted('CronJob.spec.jobTemplate.spec.template.metadata.labels', { 'cdk8s-backup/operation': 'check' });
}

/** Which rule, what is wrong, with what, and a part of what the rule says. */
type Violation = [rule: keyof typeof RULES, what: string, manifests: Manifest[], finding: string];

const violations: Violation[] = [
  ['names', 'a name with a capital', planted('ConfigMap.metadata.name', 'Scripts'), 'the name is no DNS subdomain'],
  ['names', 'no namespace', planted('ConfigMap.metadata.namespace', undefined), 'the namespace is no DNS label'],
  ['names', 'a container with a dot', planted(`${POD}.containers.0.name`, 'back.up'), 'back.up in the pod is no DNS label'],
  ['names', 'a volume with a capital', planted(`${POD}.volumes.2.name`, 'Scratch'), 'Scratch in the pod is no DNS label'],
  ['names', 'a key with a slash', planted('ConfigMap.data', { 'a/b': '' }), 'a/b cannot be a key'],

  ['labels', 'a value of 64 characters', planted('CronJob.metadata.labels.app', 'x'.repeat(64)), 'label app=xxxx'],
  ['labels', 'a value with a space', planted('CronJob.spec.jobTemplate.spec.template.metadata.labels.app', 'a b'), 'label app=a b is not'],
  ['labels', 'a key with two slashes', planted('CronJob.metadata.labels', { 'a/b/c': '' }), 'label a/b/c= is not valid'],
  ['labels', 'a value to match', planted('NetworkPolicy.spec.podSelector.matchLabels.series', '-'), 'label series=- is not valid'],
  [
    'labels',
    'a value to match in a list',
    planted('NetworkPolicy.spec.podSelector.matchExpressions', [{ key: 'series', operator: 'In', values: ['orders', 'a b'] }]),
    'label series=a b is not valid',
  ],

  ['objectUnique', 'an object twice', [...specimen(), repeatedClaim], 'PersistentVolumeClaim shop/backups of v1: is there twice'],

  ...[
    'mysqldump -p"$PASSWORD" orders | gzip',
    'exec mariadb --user=root --password="$PASSWORD"',
    'redis-cli -h db -a"$PASSWORD" --rdb -',
    'mongodump --password $PASSWORD',
  ].map(
    (line): Violation => [
      'noPasswordArguments',
      line,
      planted('ConfigMap.data.all', `#!/bin/sh\n${line}\n`),
      'gives a password as an argument',
    ],
  ),
  [
    'noPasswordArguments',
    'a command',
    planted(`${POD}.containers.0.command`, ['mysqldump', '-psecret', 'orders']),
    'gives a password as an argument: mysqldump -psecret',
  ],

  ['objectSize', 'scripts of 256 KiB', planted('ConfigMap.data.all', 'x'.repeat(256 * 1024)), 'and kubectl apply can keep 262144'],

  ['jobName', 'a CronJob of 53 characters', planted('CronJob.metadata.name', 'x'.repeat(53)), 'and at most 52 are possible'],
  ['jobName', 'a Job of 64 characters', [{ ...secret, kind: 'Job', metadata: { name: 'x'.repeat(64) } }], 'and at most 63 are possible'],

  ...(
    [
      ['spec.concurrencyPolicy', 'Replace'],
      ['spec.startingDeadlineSeconds', 5],
      ['spec.timeZone', undefined],
      ['spec.successfulJobsHistoryLimit', undefined],
      ['spec.failedJobsHistoryLimit', undefined],
      ['spec.jobTemplate.spec.activeDeadlineSeconds', undefined],
      ['spec.jobTemplate.spec.backoffLimit', undefined],
      ['spec.jobTemplate.spec.ttlSecondsAfterFinished', undefined],
    ] as const
  ).map(([path, value]): Violation => ['cronJobLimits', `${path} ${value}`, planted(`CronJob.${path}`, value), `${path} is ${value}`]),

  ['schedule', 'one that never comes', planted('CronJob.spec.schedule', '0 0 30 2 *'), "'0 0 30 2 *' never comes"],
  ['schedule', 'one that comes, suspended', planted('CronJob.spec.suspend', true), "'0 2 * * *' comes, although it is suspended"],
  ['schedule', 'one that is no cron', planted('CronJob.spec.schedule', '0 25 * * *'), "'0 25 * * *' in Europe/Berlin: "],
  ['schedule', 'with seconds', planted('CronJob.spec.schedule', '0 0 2 * * *'), "'0 0 2 * * *' in Europe/Berlin: "],
  ['schedule', 'an unknown zone', planted('CronJob.spec.timeZone', 'Europe/Paderborn'), "'0 2 * * *' in Europe/Paderborn: "],

  ['podSecurity', 'the network of the host', planted(`${POD}.hostNetwork`, true), 'Host Namespaces: spec.hostNetwork is true'],

  ['podWiring', 'a mount of nothing', planted(`${POD}.containers.0.volumeMounts.2.name`, 'work'), 'there is no volume work'],
  ['podWiring', 'a volume for nobody', planted(`${POD}.containers.0.volumeMounts.1`, undefined), 'nobody mounts volume backups'],
  [
    'podWiring',
    'one path twice',
    planted(`${POD}.containers.0.volumeMounts.2.mountPath`, '/backups'),
    'backup mounts two volumes at /backups',
  ],
  ['podWiring', 'one container name twice', planted(`${POD}.initContainers.0.name`, 'backup'), 'two containers are called backup'],
  ['podWiring', 'one volume name twice', planted(`${POD}.volumes.2.name`, 'backups'), 'two volumes are called backups'],
  ['podWiring', 'an exit code of nobody', planted(`${POD}.containers.0.name`, 'dump'), 'podFailurePolicy: there is no container backup'],
  ['podWiring', 'a restart in the same pod', planted(`${POD}.restartPolicy`, 'OnFailure'), 'podFailurePolicy needs restartPolicy Never'],

  ['imagePinned', 'latest', planted(`${POD}.containers.0.image`, 'postgres:latest'), 'postgres:latest is another image tomorrow'],
  ['imagePinned', 'no tag', planted(`${POD}.containers.0.image`, 'localhost:5000/postgres'), 'localhost:5000/postgres is another image'],
  ['imagePinned', 'half a digest', planted(`${POD}.initContainers.0.image`, 'restic@sha256:abc'), 'restic@sha256:abc is another image'],

  ['serviceAccountToken', 'the default', planted(`${POD}.automountServiceAccountToken`, undefined), 'the token of its service account'],
  [
    'serviceAccountToken',
    'a projected one',
    planted(`${POD}.volumes.3`, { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }),
    'the token of its service account is mounted',
  ],

  ['envUnique', 'a variable twice', planted(`${POD}.containers.0.env.4`, { name: 'PGHOST', value: 'crm-db' }), 'backup has PGHOST twice'],

  ['noSecrets', 'a Secret', [...specimen(), secret], 'Secret shop/orders: a Secret must not be emitted'],

  ...['PGPASSWORD', 'AWS_SECRET_ACCESS_KEY', 'API_TOKEN', 'RESTIC_KEY'].map(
    (name): Violation => [
      'noLiteralSecrets',
      name,
      planted(`${POD}.containers.0.env.0`, { name, value: 'hunter2' }),
      `backup has the value of ${name} in plain text`,
    ],
  ),
  [
    'noLiteralSecrets',
    'a password in a URL',
    planted(`${POD}.initContainers.0.env`, [{ name: 'URL', value: 'rest:http://shop:hunter2@backup/' }]),
    'tools has the value of URL in plain text',
  ],

  [
    'noDecryptionKeys',
    'a backup that could decrypt',
    planted(`${POD}.containers.0.env`, [
      { name: 'ENCRYPTION', value: 'age' },
      { name: 'DECRYPTION_PATH', value: '/run/encryption' },
    ]),
    'backup is told where keys are that decrypt',
  ],

  ['configMapReferences', 'no such volume', planted(`${POD}.volumes.0.configMap.name`, 'scripts'), 'there is no ConfigMap scripts'],
  ['configMapReferences', 'another namespace', planted('ConfigMap.metadata.namespace', 'crm'), `there is no ConfigMap scripts-${DIGITS}`],
  [
    'configMapReferences',
    'no such environment',
    planted(`${POD}.containers.0.envFrom`, [{ configMapRef: { name: 'settings' } }]),
    'there is no ConfigMap settings',
  ],
  [
    'configMapReferences',
    'no such source of a volume',
    planted(`${POD}.volumes.3`, { name: 'all', projected: { sources: [{ configMap: { name: 'settings' } }] } }),
    'there is no ConfigMap settings',
  ],
  ['configMapReferences', 'no such key', planted('ConfigMap/orders-request.data', {}), 'ConfigMap orders-request has no key recoveryPoint'],
  [
    'configMapReferences',
    'no such item',
    planted(`${POD}.volumes.0.configMap.items`, [{ key: 'go.sh', path: 'go.sh' }]),
    `ConfigMap scripts-${DIGITS} has no key go.sh`,
  ],

  ['scriptConfigMap', 'no hash', planted('ConfigMap.metadata.name', 'scripts-v2'), 'does not end in a hash of its content'],
  ['scriptConfigMap', 'one that can be changed', planted('ConfigMap.immutable', undefined), 'has scripts and can be changed'],
  ['scriptConfigMap', 'one that is pruned', planted('ConfigMap.metadata.annotations', {}), 'is pruned while jobs run with it'],
  ['scriptVolumes', 'scripts that come last', [...specimen().slice(1), ...specimen().slice(0, 1)], 'comes before its scripts'],
  ['scriptVolumes', 'a volume that must be', planted(`${POD}.volumes.0.configMap.optional`, undefined), 'waits for ever for its scripts'],
  ['scriptConfigMap', 'two contents of one name', [...specimen(), otherScripts], 'has other scripts than that of namespace shop'],

  [
    'claimReferences',
    'no such claim',
    planted(`${POD}.volumes.1.persistentVolumeClaim.claimName`, 'nas'),
    'there is no PersistentVolumeClaim nas',
  ],
  [
    'claimReferences',
    'another namespace',
    planted('PersistentVolumeClaim.metadata.namespace', 'crm'),
    'there is no PersistentVolumeClaim backups',
  ],

  ['networkPolicySelects', 'other labels', planted('NetworkPolicy.spec.podSelector.matchLabels.series', 'crm'), 'selects no pod'],
  [
    'networkPolicySelects',
    'another namespace',
    planted('NetworkPolicy.metadata.namespace', 'crm'),
    'NetworkPolicy crm/orders: selects no pod',
  ],
  ...(
    [
      { key: 'series', operator: 'In', values: ['crm'] },
      { key: 'series', operator: 'NotIn', values: ['orders'] },
      { key: 'operation', operator: 'Exists' },
      { key: 'series', operator: 'DoesNotExist' },
    ] as const
  ).map(
    (expression): Violation => [
      'networkPolicySelects',
      expression.operator,
      planted('NetworkPolicy.spec.podSelector.matchExpressions', [expression]),
      'selects no pod',
    ],
  ),
  [
    'networkPolicyCovers',
    'a pod with other labels',
    planted('CronJob.spec.jobTemplate.spec.template.metadata.labels', { series: 'crm' }),
    'CronJob shop/orders-backup: no NetworkPolicy selects its pods',
  ],
  [
    'networkPolicyCovers',
    'a pod of two policies',
    [
      ...specimen(),
      { ...policy('wider'), spec: { podSelector: { matchExpressions: [{ key: 'series', operator: 'Exists' }] } } } as Manifest,
    ],
    'CronJob shop/orders-backup: policies add up, and orders, wider select its pods',
  ],

  ['workbench', 'a key', planted(`${POD}.containers.0.name`, 'workbench'), 'the workbench has the secret PGPASSWORD'],
  ['workbench', 'a volume', planted(`${POD}.containers.0.name`, 'workbench'), 'the workbench has the volume backups'],
  [
    'workbench',
    'a verification without one',
    planted('CronJob.spec.jobTemplate.spec.template.metadata.labels', { 'cdk8s-backup/operation': 'verify' }).map(verifying),
    'CronJob shop/orders-backup: brings data up beside the keys of the repository',
  ],

  ['workbench', 'a key in the check of a volume', checking(), 'the check of a volume has the secret PGPASSWORD'],
  ['workbench', 'a volume in the check of a volume', checking(), 'the check of a volume has the volume backups'],

  ['foreignSelectors', 'the name of the database', specimen().map(renamed), 'app.kubernetes.io/name is postgres'],
  [
    'foreignSelectors',
    'a usual label',
    planted('CronJob.spec.jobTemplate.spec.template.metadata.labels.app', 'postgres'),
    'its pods have the label app',
  ],
  [
    'foreignSelectors',
    'a Service that takes them in',
    [...specimen(), { ...policy('db'), apiVersion: 'v1', kind: 'Service', spec: { selector: { series: 'orders' } } } as Manifest],
    'CronJob shop/orders-backup: Service shop/db takes its pods in',
  ],

  ...(
    [
      ['CronJob.spec.jobTemplate.spec.podFailurePolicy.rules.0.onPodConditions', [], 'onPodConditions is empty'],
      ['NetworkPolicy.spec.ingress', [], 'spec.ingress is empty'],
      ['NetworkPolicy.spec.egress', [], 'spec.egress is empty'],
      ['NetworkPolicy.metadata.creationTimestamp', null, "metadata.creationTimestamp is the server's to set"],
      [`${POD}.containers.0.env.0.value`, '', 'env.0.value is empty'],
      [`${POD}.containers.0.volumeMounts.1.readOnly`, false, 'volumeMounts.1.readOnly is false'],
      [`${POD}.containers.0.volumeMounts.1.subPath`, '', 'volumeMounts.1.subPath is empty'],
      [`${POD}.containers.0.resources.limits.memory`, '1024Mi', 'limits.memory is 1024Mi, kept as 1Gi'],
      [`${POD}.containers.0.resources.requests.cpu`, '0.5', 'requests.cpu is 0.5, kept as 500m'],
      [`${POD}.volumes.2.emptyDir.sizeLimit`, '2048Mi', 'sizeLimit is 2048Mi, kept as 2Gi'],
      ['PersistentVolumeClaim.spec.resources.requests.storage', '1000G', 'storage is 1000G, kept as 1T'],
      [`${POD}.nodeSelector`, {}, 'nodeSelector is empty'],
      ['ConfigMap/orders-request.data.count', 1, 'data.count is no text'],
    ] as const
  ).map(([path, value, finding]): Violation => ['asKept', path, planted(path, value), finding]),
];

describe('a violation is found', () => {
  test('of every rule', () => {
    expect(new Set(violations.map(([rule]) => rule))).toEqual(new Set(Object.keys(RULES)));
  });

  test.each(violations)('%s: %s', (rule, _, manifests, finding) => {
    expect(RULES[rule](manifests).join('\n')).toContain(finding);
  });
});
