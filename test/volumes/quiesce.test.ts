import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { expect, test } from 'vitest';
import { MariadbVersion, MongodbVersion, MysqlTls, MysqlVersion, PodDefaults, PostgresVersion, RedisVersion, SecretRef } from '../../lib';
import { NOT_RESTRICTED_ANNOTATION } from '../../lib/kubernetes/labels';
import { Workload } from '../../lib/kubernetes/workload';
import { type IQuiesce, type MariadbQuiesceOptions, MysqlLock, Quiesce } from '../../lib/volumes';
import { quiesceAgent } from '../../lib/volumes/quiesce/agent';
import { chart, type Manifest, objects } from '../support/synth';

const credentials = SecretRef.named('stock-quiesce');

function mariadb(different: Partial<MariadbQuiesceOptions> = {}) {
  return Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials, ...different });
}

/** What an agent is told of variables that have the user and the password. */
function named(user: string, password: string): string[] {
  return [`${user} username Secret stock-quiesce`, `${password} password Secret stock-quiesce`];
}

/** A StatefulSet as a user writes it, and constructs that back it up. */
function stock(pod: Partial<k8s.PodSpec> = {}, shop = chart()) {
  const labels = { app: 'stock-db' };
  const containers = [{ name: 'mariadb', image: 'mariadb:10.11.19-jammy' }];
  const set = new k8s.KubeStatefulSet(shop, 'stock-db', {
    metadata: { name: 'stock-db' },
    spec: { serviceName: 'stock-db', selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers, ...pod } } },
  });
  const ask = (who: string, quiesce: IQuiesce) =>
    quiesceAgent(new Construct(shop, who), Workload.of(shop, 'workload', set), quiesce, ['data']);
  const template = (): Manifest => objects(shop)['StatefulSet/stock-db'].spec.template;
  return { shop, set, ask, template, sidecar: () => template().spec.containers.find(({ name }: Manifest) => name === 'quiesce') };
}

test("the agent is as the cluster wants its pods, and the server's pod has what it needs for that", () => {
  const app = new App();
  PodDefaults.of(app).add({ assignedUser: true, cpuLimit: '1', imagePullPolicy: 'Always', imagePullSecrets: ['registry', 'old'] });
  const { ask, template, sidecar } = stock({ imagePullSecrets: [{ name: 'old' }] }, new Chart(app, 'shop'));
  ask('nightly', mariadb());
  expect(sidecar()).toMatchObject({ imagePullPolicy: 'Always', resources: { limits: { cpu: '1', memory: '64Mi' } } });
  expect(sidecar().securityContext).not.toHaveProperty('runAsUser');
  expect(template().spec.imagePullSecrets).toEqual([{ name: 'old' }, { name: 'registry' }]);
});

test('its image may be pulled where the quiesce is said, too: the secrets for that come along', () => {
  const app = new App();
  const server = new Chart(app, 'server');
  const group = new Chart(app, 'group');
  PodDefaults.of(group).add({ imagePullSecrets: ['registry'] });
  const { template, set } = stock({ imagePullSecrets: [{ name: 'old' }] }, server);
  quiesceAgent(new Construct(group, 'nightly'), Workload.of(group, 'workload', set), mariadb(), ['data']);
  expect(template().spec.imagePullSecrets).toEqual([{ name: 'old' }, { name: 'registry' }]);
});

test('the agent runs beside the server, in a restricted container with scripts of their own', () => {
  const { shop, ask, template, sidecar } = stock();
  ask('nightly', mariadb());
  const { image, command, env, securityContext, resources, volumeMounts } = sidecar();
  expect({ image, command }).toEqual({ image: 'mariadb:10.11.19-jammy', command: ['sh', '/opt/quiesce/agent/agent.sh'] });
  expect(securityContext).toEqual({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsGroup: 999,
    runAsNonRoot: true,
    runAsUser: 999,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(resources).toEqual({ requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '64Mi' } });
  expect(env).toContainEqual({
    name: 'SERVER_PASSWORD',
    valueFrom: { secretKeyRef: { name: 'stock-quiesce', key: 'password', optional: true } },
  });
  expect(volumeMounts.map(({ mountPath, readOnly = false }: Manifest) => `${mountPath} ${readOnly}`)).toEqual([
    '/quiesce false',
    '/opt/quiesce/agent true',
    '/opt/quiesce/lock true',
  ]);
  const made = objects(shop);
  const scripts = template().spec.volumes.flatMap(({ configMap }: Manifest) => configMap?.name ?? []);
  expect(scripts.map((name: string) => Object.keys(made[`ConfigMap/${name}`].data))).toEqual([
    ['agent.sh', 'ask.sh', 'hold.sh', 'release.sh', 'renew.sh', 'session.sh'],
    ['lock.sh'],
  ]);
  expect(template().metadata.annotations).toBeUndefined();
});

const ca = SecretRef.named('stock-ca').key('ca.crt');
test.each<[string, IQuiesce, string[]]>([
  [
    'MariaDB',
    mariadb({ tls: MysqlTls.verified(ca) }),
    [...named('SERVER_USER', 'SERVER_PASSWORD'), '/run/tls/mysql/ca.crt ca.crt Secret stock-ca'],
  ],
  [
    'MySQL',
    Quiesce.mysql({ version: MysqlVersion.V8_4, credentials, tls: MysqlTls.verifiedByConfigMap('stock-ca', 'pem') }),
    [...named('SERVER_USER', 'SERVER_PASSWORD'), '/run/tls/mysql/ca.crt pem ConfigMap stock-ca'],
  ],
  ['PostgreSQL', Quiesce.postgres({ version: PostgresVersion.V15, credentials }), named('PGUSER', 'PGPASSWORD')],
  [
    'MongoDB',
    Quiesce.mongodb({ version: MongodbVersion.V8_0, credentials, replicaSet: 'rs0', tlsCa: ca }),
    [...named('MONGODB_USERNAME', 'MONGODB_PASSWORD'), '/etc/mongodb-tls/ca.pem ca.crt Secret stock-ca'],
  ],
  [
    'Redis',
    Quiesce.redis({ version: RedisVersion.V8_0, credentials, tlsAuthority: ca, tlsClient: SecretRef.named('stock-client') }),
    [
      ...named('REDIS_USERNAME', 'REDISCLI_AUTH'),
      '/tls/tls-authority/ca.crt ca.crt Secret stock-ca',
      '/tls/tls-client - Secret stock-client',
    ],
  ],
])('a Secret that is not there keeps no %s from running: the agent starts without it', (_engine, quiesce, references) => {
  const { ask, sidecar, template } = stock();
  ask('nightly', quiesce);
  const { env } = sidecar();
  const referred = [
    ...env.flatMap(({ valueFrom }: Manifest) => valueFrom?.secretKeyRef ?? []),
    ...template().spec.volumes.flatMap(({ secret, configMap }: Manifest) => secret ?? configMap ?? []),
  ];
  expect(referred.length).toBeGreaterThan(references.length);
  expect(referred.filter(({ optional }: Manifest) => optional !== true)).toEqual([]);
  expect(env.find(({ name }: Manifest) => name === 'QUIESCE_REFERENCES').value.split('\n')).toEqual(references);
});

test('everybody who asks has commands of his own for the one agent', () => {
  const { ask, template } = stock();
  const quiesce = mariadb({ wait: Duration.seconds(20) });
  const nightly = ask('nightly', quiesce);
  const hourly = ask('hourly', quiesce);
  expect(nightly.hold).toEqual(['sh', '/opt/quiesce/agent/hold.sh', 'shop/nightly']);
  expect(hourly.release).toEqual(['sh', '/opt/quiesce/agent/release.sh', 'shop/hourly']);
  expect([nightly.wait.toSeconds(), nightly.limit.toSeconds()]).toEqual([25, 60]);
  expect(template().spec.containers.map(({ name }: Manifest) => name)).toEqual(['mariadb', 'quiesce']);
});

test('a pod that is guaranteed its resources stays so', () => {
  const all = { cpu: k8s.Quantity.fromString('2'), memory: k8s.Quantity.fromString('4Gi') };
  const { ask, sidecar } = stock({ containers: [{ name: 'mariadb', image: 'mariadb:10.11', resources: { requests: all, limits: all } }] });
  ask('nightly', mariadb());
  const same = { cpu: '200m', memory: '64Mi' };
  expect(sidecar().resources).toEqual({ requests: same, limits: same });
});

test('a workload is quiesced in one way', () => {
  const { ask } = stock();
  ask('nightly', mariadb());
  expect(() => ask('hourly', mariadb())).toThrow(
    /^shop\/hourly: quiesce is "mariadb": StatefulSet stock-db is already quiesced: create the quiesce once, and pass the same object everywhere/,
  );
});

test.each<[Partial<k8s.PodSpec>, string]>([
  [{ containers: [{ name: 'quiesce', image: 'x:1' }] }, 'a container quiesce'],
  [{ volumes: [{ name: 'quiesce', emptyDir: {} }] }, 'a volume quiesce'],
])('a pod that has %j already is refused', (pod, what) => {
  expect(() => stock(pod).ask('nightly', mariadb())).toThrow(`StatefulSet stock-db has ${what}, which the agent beside the server uses`);
});

test('a server that is only prepared is waited for longer', () => {
  const { ask, sidecar } = stock();
  const { hold, release, wait } = ask('nightly', Quiesce.postgres({ version: PostgresVersion.V15, credentials }));
  expect([hold.at(-1), release, wait.toSeconds()]).toEqual(['shop/nightly', undefined, 65]);
  expect(sidecar().env).toContainEqual({ name: 'QUIESCE_HOLDS', value: 'no' });
});

test('Redis without users is asked without one', () => {
  const { ask, sidecar } = stock();
  ask('nightly', Quiesce.redis({ version: RedisVersion.V8_0 }));
  expect(sidecar().env.map(({ name }: Manifest) => name)).not.toContain('REDIS_USERNAME');
});

test('a file system is frozen as root, through a mount that cannot be written to', () => {
  const { ask, sidecar, template } = stock();
  ask('nightly', Quiesce.fileSystem({ volume: 'data' }));
  expect(sidecar().volumeMounts).toContainEqual({ name: 'data', mountPath: '/volume', readOnly: true });
  expect(sidecar().securityContext).toMatchObject({
    runAsUser: 0,
    runAsNonRoot: false,
    capabilities: { add: ['SYS_ADMIN'], drop: ['ALL'] },
  });
  expect(template().metadata.annotations[NOT_RESTRICTED_ANNOTATION]).toMatch(/SYS_ADMIN/);
});

test.each<[() => IQuiesce, RegExp]>([
  [() => mariadb({ limit: Duration.seconds(4) }), /quiesce\.limit is "4 seconds": write whole seconds, from 5 to 3600/],
  [() => mariadb({ limit: Duration.minutes(61) }), /quiesce\.limit is "1 hour 1 minute"/],
  [() => mariadb({ limit: Duration.millis(5500) }), /quiesce\.limit is .*: write whole seconds/],
  [() => mariadb({ wait: Duration.minutes(1) }), /quiesce\.wait is "1 minute": write whole seconds, from 2 to 59: less than limit/],
  [() => mariadb({ image: 'mariadb' }), /quiesce\.image is "mariadb": pin a version/],
  [
    () => Quiesce.mysql({ version: MysqlVersion.V8_4, credentials, longestQuery: Duration.seconds(9) }),
    /quiesce\.longestQuery is "9 seconds": only MysqlLock\.TABLES waits/,
  ],
  [
    () => Quiesce.mysql({ version: MysqlVersion.V8_4, credentials, lock: MysqlLock.TABLES, longestQuery: Duration.millis(10) }),
    /quiesce\.longestQuery is "10 millis": write whole seconds, 1 or more/,
  ],
  [
    () => Quiesce.postgres({ version: PostgresVersion.V15, credentials, wait: Duration.seconds(1) }),
    /wait is "1 second": .* from 2 to 3600/,
  ],
  [() => Quiesce.redis({ version: RedisVersion.V8_0, tlsClient: credentials }), /quiesce\.tlsAuthority is not set: name the authority too/],
  [() => Quiesce.fileSystem({ volume: 'logs' }), /quiesce\.volume is "logs": name one of the volumes that are snapshotted: data/],
  [() => Quiesce.mongodb({ version: MongodbVersion.V7_0, credentials }), /quiesce\.replicaSet is not set: name the replica set/],
  [() => Quiesce.mongodb({ version: MongodbVersion.V7_0, credentials, replicaSet: 'a/b' }), /write the name of the replica set/],
])('%# is refused', (quiesce, because) => {
  expect(() => stock().ask('nightly', quiesce())).toThrow(because);
});
