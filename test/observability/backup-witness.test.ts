import { App, Chart, Duration, Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupWitness,
  type BackupWitnessProps,
  Compression,
  Encryption,
  type IRepository,
  PodDefaults,
  PodServiceAccount,
  Prerequisites,
  Repository,
  ResticCache,
  ResticLocation,
  SecretRef,
} from '../../lib';
import { RULES } from '../manifests/rules';
import { problems } from '../manifests/schema/judge';
import { backup, chart, container, environment, files, type Manifest, objects, podSpec, restic } from '../support/synth';

const password = SecretRef.named('key').key('password');
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

function witness(of: Chart, different: Partial<BackupWitnessProps> = {}, id = 'witness'): BackupWitness {
  return new BackupWitness(of, id, { repository: restic, ...different });
}

const synthesized = (different: Partial<BackupWitnessProps> = {}) => {
  const shop = chart();
  witness(shop, different);
  return objects(shop);
};

test('is a Deployment of one pod, a Service that leads to it, and the one policy that selects it', () => {
  const {
    'Deployment/backup-witness': deployment,
    'Service/backup-witness': service,
    'NetworkPolicy/backup-witness': policy,
  } = synthesized();
  const { labels } = deployment.spec.template.metadata;
  const selects = { 'cdk8s-backup/job': 'backup-witness' };
  expect(labels).toMatchObject({ ...selects, 'cdk8s-backup/operation': 'witness' });
  expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: selects } });
  expect(service.spec).toEqual({ selector: selects, ports: [{ name: 'metrics', port: 9801, targetPort: 'metrics', protocol: 'TCP' }] });
  expect(policy.spec).toMatchObject({
    podSelector: { matchLabels: selects },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 9801, protocol: 'TCP' }] }],
    egress: [expect.anything(), { ports: [{ port: 443, protocol: 'TCP' }] }],
  });
});

test('runs in an image with an HTTP server, asked whether it serves and whether it goes round', () => {
  const { 'Deployment/backup-witness': deployment } = synthesized();
  expect(container(deployment)).toMatchObject({
    image: 'busybox:1.37.0-musl',
    command: ['sh', '/opt/backup/witness/witness.sh'],
    ports: [{ name: 'metrics', containerPort: 9801, protocol: 'TCP' }],
    readinessProbe: { httpGet: { path: '/metrics/', port: 'metrics' } },
    livenessProbe: { exec: { command: ['sh', '/opt/backup/witness/alive.sh'] } },
    resources: { requests: { memory: '64Mi' }, limits: { memory: '256Mi' } },
  });
  expect(environment(deployment)).toMatchObject({ WITNESS_EVERY: '300', WITNESS_TIMEOUT: '900', WITNESS_READ_SECONDS: '30' });
  const spec = podSpec(deployment);
  expect(spec).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsUser: 65534, runAsNonRoot: true } });
  expect(spec).not.toHaveProperty('serviceAccountName');
  expect(spec.initContainers.map(({ name }: Manifest) => name)).toEqual(['restic']);
});

describe('what it has of a repository', () => {
  const mounts = (deployment: Manifest) =>
    container(deployment).volumeMounts.filter(({ name }: Manifest) => !/^(scratch|scripts-|tools)/.test(name));
  const deploymentOf = (repository: IRepository, different: Partial<BackupWitnessProps> = {}) => {
    const shop = chart();
    backup(shop, { repository });
    witness(shop, { repository, ...different });
    return objects(shop)['Deployment/backup-witness'];
  };

  test.each<[string, IRepository]>([
    ['files', files],
    [
      'files, encrypted with age',
      Repository.files({ claimName: 'backups', encryption: Encryption.age({ recipients: [RECIPIENT], image: 'age:1' }) }),
    ],
    [
      'files, encrypted with gpg',
      Repository.files({ claimName: 'backups', encryption: Encryption.gpgSymmetric({ passphrase: password }) }),
    ],
    ['files that are compressed', Repository.files({ claimName: 'backups', compression: Compression.ZSTD })],
  ])('is the volume alone, to read only, and no key: %s', (_, repository) => {
    const deployment = deploymentOf(repository);
    expect(mounts(deployment)).toEqual([{ name: 'repository', mountPath: '/repository', readOnly: true }]);
    expect(podSpec(deployment).volumes).toContainEqual({
      name: 'repository',
      persistentVolumeClaim: { claimName: 'backups', readOnly: true },
    });
    expect(JSON.stringify(deployment)).not.toMatch(/ecret/);
    expect(podSpec(deployment)).not.toHaveProperty('initContainers');
    expect(podSpec(deployment).securityContext).toMatchObject({ runAsUser: 999, runAsGroup: 999, fsGroup: 999 });
  });

  test('is a restic repository to read only, its password, and a cache of its own', () => {
    const location = ResticLocation.local({ claimName: 'backups' });
    const deployment = deploymentOf(Repository.restic({ location, password, cache: ResticCache.claim('cache') }));
    expect(mounts(deployment)).toEqual([
      { name: 'repository', mountPath: '/repository', readOnly: true },
      { name: 'restic-password', mountPath: '/run/secrets/restic', readOnly: true },
    ]);
    expect(environment(deployment)).not.toHaveProperty('RESTIC_CACHE_DIR');
    expect(JSON.stringify(deployment)).not.toContain('no-cache');
    expect(environment(deploymentOf(Repository.restic({ location, password, cache: ResticCache.none() })))).not.toHaveProperty(
      'RESTIC_FLAGS',
    );
  });

  test('is named in what has to be there before', () => {
    const app = new App();
    witness(new Chart(app, 'shop', { namespace: 'shop' }));
    const secrets = Prerequisites.of(app).objects.filter(({ kind }) => kind === 'Secret');
    expect(secrets.map(({ name }) => name).sort()).toEqual(['key', 's3']);
  });

  test('may be the identity of its pod', () => {
    const repository = Repository.restic({ location: ResticLocation.s3({ bucket: 'acme' }), password });
    const pods = { serviceAccount: PodServiceAccount.named('witness') };
    expect(podSpec(deploymentOf(restic, { repository, pods })).serviceAccountName).toBe('witness');
    expect(() => synthesized({ repository })).toThrow(/pods.serviceAccount is not set/);
  });
});

describe('as whom it reads a volume', () => {
  const usersOf = (make: (shop: Chart) => void) => {
    const app = new App();
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    make(shop);
    return { app, user: () => podSpec(objects(shop)['Deployment/backup-witness']).securityContext.runAsUser };
  };
  const errorsOf = (app: App) => app.node.findAll().flatMap(({ node }) => node.validate());

  test('is the user of the backups, which may be made after it', () => {
    const { user, app } = usersOf(shop => {
      witness(shop, { repository: files });
      backup(shop);
    });
    expect(user()).toBe(999);
    expect(errorsOf(app)).toEqual([]);
  });

  test('is said where nobody knows it', () => {
    const { app } = usersOf(shop => witness(shop, { repository: files }));
    expect(errorsOf(app)).toEqual([expect.stringMatching(/^user is not set: .*no backup of this app writes into it/)]);
    expect(errorsOf(usersOf(shop => witness(shop, { repository: files, user: 999 })).app)).toEqual([]);
    expect(errorsOf(usersOf(shop => witness(shop, { repository: files, user: 0 })).app)).toEqual([expect.stringMatching(/^user is 0/)]);
  });

  test('is the one that the cluster assigns', () => {
    const { app, user } = usersOf(shop => {
      PodDefaults.of(shop).add({ assignedUser: true });
      witness(shop, { repository: files });
    });
    expect(errorsOf(app)).toEqual([]);
    expect(user()).toBeUndefined();
  });
});

describe('who finds it', () => {
  test('is a Prometheus of an operator, by a ServiceMonitor', () => {
    const { 'ServiceMonitor/backup-witness': monitor, 'Service/backup-witness': service } = synthesized({
      serviceMonitor: { labels: { release: 'prometheus' } },
    });
    expect(monitor).toMatchObject({
      apiVersion: 'monitoring.coreos.com/v1',
      metadata: { namespace: 'shop', labels: { release: 'prometheus' } },
      spec: {
        selector: { matchLabels: { 'cdk8s-backup/job': 'backup-witness' } },
        endpoints: [{ port: 'metrics', path: '/metrics/', interval: '60s' }],
      },
    });
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(service.metadata).not.toHaveProperty('annotations');
    expect(problems(monitor)).toEqual([]);
  });

  test('is a Prometheus that goes by annotations', () => {
    const manifests = synthesized({ scrapeAnnotations: true });
    expect(Object.keys(manifests)).not.toContain('ServiceMonitor/backup-witness');
    expect(manifests['Service/backup-witness'].metadata.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '9801',
      'prometheus.io/path': '/metrics/',
    });
  });

  test('is nobody but the pods that are named', () => {
    const { 'NetworkPolicy/backup-witness': policy } = synthesized({
      scrapedBy: { namespace: 'monitoring', labels: { app: 'prometheus' } },
    });
    expect(policy.spec.ingress[0].from).toEqual([
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
        podSelector: { matchLabels: { app: 'prometheus' } },
      },
    ]);
  });
});

test.each<[string, Partial<BackupWitnessProps>, RegExp]>([
  [
    'an interval of seconds',
    { interval: Duration.seconds(30) },
    /shop\/witness: interval is "30 s": write whole seconds, from a minute to a day/,
  ],
  ['a timeout of no time', { timeout: Duration.millis(1500) }, /timeout is "1.5 s"/],
  ['no namespace of that name', { scrapedBy: { namespace: 'Monitoring' } }, /scrapedBy.namespace is "Monitoring"/],
  ['an image of no version', { image: 'busybox' }, /image is "busybox": pin a version/],
  ['a name that is none', { name: 'Witness' }, /name is "Witness"/],
  [
    'a repository that nobody can list',
    { repository: { bind: (scope, options) => ({ ...restic.bind(scope, options), listing: undefined }) } },
    /repository is "restic:.*": its kind has no scripts that list the whole repository/,
  ],
])('is an error: %s', (_, different, message) => {
  expect(() => synthesized(different)).toThrow(message);
});

test('two of one repository, or of one name, are an error', () => {
  const shop = chart();
  witness(shop);
  expect(() => witness(shop, { name: 'other' }, 'other')).toThrow(/the witness shop\/witness already reads it/);
  expect(() => witness(shop, { repository: files, user: 999 }, 'another')).toThrow(
    /name is "backup-witness": the witness shop\/witness already has that name in this namespace/,
  );
  expect(() => witness(new Chart(shop, 'elsewhere', { namespace: 'elsewhere' }))).not.toThrow();
});

test('keeps the rules of all manifests', () => {
  const shop = chart();
  backup(shop, { repository: files });
  witness(shop, { repository: files, serviceMonitor: {} });
  witness(shop, { name: 'far' }, 'far');
  const manifests = Testing.synth(shop);
  expect(manifests.flatMap(problems)).toEqual([]);
  // The claim is there already.
  const { claimReferences: _, ...rules } = RULES;
  expect(Object.values(rules).flatMap(rule => rule(manifests))).toEqual([]);
});
