import { App, Chart, Duration, Size, Testing } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  Destination,
  Engine,
  type IRepository,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
} from '../../lib';
import { warnings } from '../../lib/core/warning';
import { backup, chart, container, environment, objects, podSpec, type props, restic } from '../support/synth';

describe('the CronJob of a backup', () => {
  const shop = chart();
  backup(shop, { schedule: Schedule.daily({ at: '02:30', timeZone: 'Europe/Berlin' }) });
  const cronJob = objects(shop)['CronJob/orders-backup'];

  test('runs on its schedule, in its time zone, one run at a time, and late rather than never', () => {
    expect(cronJob.spec).toMatchObject({
      schedule: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 4 * 3600,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
    });
    expect(cronJob.spec.suspend).toBeUndefined();
  });

  test('ends: by a deadline, after few retries, and none of what no retry can mend', () => {
    expect(cronJob.spec.jobTemplate.spec).toMatchObject({
      activeDeadlineSeconds: 12 * 3600,
      backoffLimit: 2,
      ttlSecondsAfterFinished: 7 * 86400,
    });
    expect(cronJob.spec.jobTemplate.spec.podFailurePolicy.rules).toEqual([
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: { containerName: 'backup', operator: 'In', values: [78] } },
    ]);
  });

  test.each([
    ['every 15 minutes', Schedule.every(Duration.minutes(15)), 1, 10, 7],
    ['every hour', Schedule.hourly(), 4, 10, 7],
    ['every 6 hours', Schedule.every(Duration.hours(6)), 12, 4, 7],
    ['every day', Schedule.daily(), 12, 3, 7],
    ['every week', Schedule.weekly(), 12, 3, 14],
    ['every month', Schedule.monthly(), 12, 3, 62],
    ['when somebody says so', Schedule.never(), 12, 3, 7],
  ])('blocks no more than a few runs and leaves no gap in what can be looked at, %s', (_, schedule, hours, failures, days) => {
    const shop = chart();
    backup(shop, { schedule });
    const { spec } = objects(shop)['CronJob/orders-backup'];
    expect(spec).toMatchObject({ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: failures });
    expect(spec.jobTemplate.spec).toMatchObject({ activeDeadlineSeconds: hours * 3600, ttlSecondsAfterFinished: days * 86400 });
  });

  test('has a limit on CPU in every container, where a quota asks for one', () => {
    const shop = chart();
    backup(shop, { repository: restic, pods: { cpuLimit: '2' } });
    const { containers, initContainers } = podSpec(objects(shop)['CronJob/orders-backup']);
    for (const { resources } of [...containers, ...initContainers]) expect(resources.limits).toMatchObject({ cpu: '2' });
    expect(initContainers).toHaveLength(1);
    expect(container(cronJob).resources.limits).toEqual({ memory: '512Mi' });
  });

  test('names no user and no group where the cluster assigns them, and is confined all the same', () => {
    const shop = chart();
    backup(shop, { pods: { assignedUser: true } }).addVerification({ pods: { assignedUser: true } });
    for (const name of ['backup', 'verify']) {
      expect(podSpec(objects(shop)[`CronJob/orders-${name}`]).securityContext).toEqual({
        ...{ runAsNonRoot: true, fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: { type: 'RuntimeDefault' } },
      });
    }
  });

  test('is confined: no token, no root, no writable root file system, no capability', () => {
    expect(podSpec(cronJob)).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container(cronJob).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('gets credentials by reference only', () => {
    expect(environment(cronJob)).toMatchObject({
      PGHOST: 'orders-db',
      PGUSER: { secretKeyRef: { name: 'orders-backup', key: 'username' } },
      PGPASSWORD: { secretKeyRef: { name: 'orders-backup', key: 'password' } },
    });
  });

  test('carries no label by which a deploy tool would take its Jobs for its own', () => {
    expect(JSON.stringify(cronJob)).not.toContain('app.kubernetes.io/instance');
    expect(cronJob.spec.jobTemplate.metadata).toBeUndefined();
  });
});

describe('scripts', () => {
  test('come from immutable ConfigMaps, named by their content, one for all backups of a namespace', () => {
    const shop = chart();
    backup(shop, {}, 'orders').addVerification();
    backup(shop, {}, 'users').addRestore();
    const maps = Object.values(objects(shop)).filter(object => object.kind === 'ConfigMap' && object.immutable);
    expect(maps.map(map => map.metadata.name.replace(/-[0-9a-f]{10}$/, ''))).toEqual([
      'backup-scripts-shell',
      'backup-scripts-postgres',
      'backup-scripts-files',
    ]);
  });

  test('are made once for charts that share a namespace, and again for another namespace', () => {
    const shop = chart();
    const same = new Chart(shop.node.root as never, 'same', { namespace: 'shop' });
    const other = new Chart(shop.node.root as never, 'other', { namespace: 'crm' });
    backup(shop, {}, 'a');
    backup(same, {}, 'b');
    backup(other, {}, 'c');
    const maps = (of: Chart) => Testing.synth(of).filter(object => object.kind === 'ConfigMap').length;
    expect([maps(shop), maps(same), maps(other)]).toEqual([3, 0, 3]);
  });

  test('are the files of lib/, byte for byte', async () => {
    const { readFileSync } = await import('node:fs');
    const shop = chart();
    backup(shop);
    const shell = Object.values(objects(shop)).find(object => object.metadata.name.startsWith('backup-scripts-shell'));
    expect(shell.data['run.sh']).toBe(readFileSync('lib/shell/jobs/run.sh', 'utf8'));
    expect(Object.keys(shell.data)).toContain('retention.awk');
  });
});

describe('the NetworkPolicy of a backup', () => {
  const policy = (host: string, podLabels?: { [label: string]: string }) => {
    const shop = chart();
    backup(shop, { host, podLabels });
    return objects(shop)['NetworkPolicy/orders-backup'].spec;
  };

  test('lets the pods reach names and the database, and nobody reach the pods', () => {
    expect(policy('orders-db')).toEqual({
      podSelector: { matchLabels: { 'cdk8s-backup/job': 'orders-backup' } },
      policyTypes: ['Ingress', 'Egress'],
      egress: [
        {
          ports: [
            { port: 53, protocol: 'UDP' },
            { port: 53, protocol: 'TCP' },
          ],
        },
        { ports: [{ port: 5432, protocol: 'TCP' }], to: [{ podSelector: {} }] },
      ],
    });
  });

  test.each([
    [
      'a Service of another namespace',
      'db.data',
      [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } }, podSelector: {} }],
    ],
    [
      'a full Service name',
      'db.data.svc.cluster.local',
      [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } }, podSelector: {} }],
    ],
    ['an address', '10.1.2.3', [{ ipBlock: { cidr: '10.1.2.3/32' } }]],
    ['a host outside the cluster', 'db.example.com', undefined],
  ])('knows %s', (_, host, to) => {
    expect(policy(host).egress[1].to).toEqual(to);
  });

  test('is narrowed to the pods of the database where their labels are known', () => {
    expect(policy('orders-db', { app: 'orders-db' }).egress[1].to).toEqual([{ podSelector: { matchLabels: { app: 'orders-db' } } }]);
  });

  test('includes the repository', () => {
    const shop = chart();
    backup(shop, { repository: restic });
    expect(objects(shop)['NetworkPolicy/orders-backup'].spec.egress[2]).toEqual({ ports: [{ port: 443, protocol: 'TCP' }] });
  });

  const pods = Destination.pods({ labels: { app: 'pgbouncer' }, namespace: 'data', port: 6432 });

  test('goes by the destinations that are said, and guesses nothing beside them', () => {
    const shop = chart();
    const destinations = [pods, Destination.outside({ cidr: '203.0.113.7/32', port: 5432 }), Destination.outside({ port: 5433 })];
    backup(shop, { destinations });
    expect(objects(shop)['NetworkPolicy/orders-backup'].spec.egress.slice(1)).toEqual([
      {
        ports: [{ port: 6432, protocol: 'TCP' }],
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } },
            podSelector: { matchLabels: { app: 'pgbouncer' } },
          },
        ],
      },
      { ports: [{ port: 5432, protocol: 'TCP' }], to: [{ ipBlock: { cidr: '203.0.113.7/32' } }] },
      { ports: [{ port: 5433, protocol: 'TCP' }] },
    ]);
  });

  test.each([
    ['S3', ResticLocation.s3({ bucket: 'backups', endpoint: 'http://minio', credentials: SecretRef.named('s3'), destinations: [pods] })],
    ['REST', ResticLocation.rest({ url: 'http://rest.example.com/', credentials: SecretRef.named('rest'), destinations: [pods] })],
    ['SFTP', ResticLocation.sftp({ host: 'sftp', user: 'u', path: 'p', credentials: SecretRef.named('sftp'), destinations: [pods] })],
  ])('and so do all jobs of a repository by %s, also of a mirror', (_, location) => {
    const shop = chart();
    const repository = Repository.restic({ location, password: SecretRef.named('key').key('password') });
    const orders = backup(shop);
    orders.addMirror(repository, { name: 'offsite', retention: Retention.all() }).addVerification();
    for (const name of ['orders-mirror-offsite', 'orders-verify-offsite']) {
      expect(objects(shop)[`NetworkPolicy/${name}`].spec.egress[1].ports).toEqual([{ port: 6432, protocol: 'TCP' }]);
    }
    expect(warnings(shop.node.findAll()).filter(line => /port|unencrypted/.test(line))).toEqual([]);
  });

  test('of a restore has those of the backup, its own, or what its own host tells', () => {
    const shop = chart();
    const orders = backup(shop, { destinations: [pods] });
    orders.addRestore();
    orders.addRestore({ name: 'to-staging', host: 'orders-db.staging' });
    orders.addRestore({ name: 'to-cloud', host: 'orders-db.staging', destinations: [Destination.outside({ port: 5433 })] });
    const port = (name: string) => objects(shop)[`NetworkPolicy/orders-${name}`].spec.egress[1].ports[0].port;
    expect([port('restore'), port('to-staging'), port('to-cloud')]).toEqual([6432, 5432, 5433]);
  });

  test.each([
    ['a host outside with a single dot', { host: 'acme.io' }, /'acme\.io' is assumed to be the Service acme of namespace io/],
    ['a store behind port 80', { repository: rest('http://minio/') }, /'minio' is a Service, and its pods rarely listen on port 80/],
    ['a Service of a namespace', { host: 'orders-db.io.svc' }, undefined],
    ['a host outside', { host: 'db.acme.io' }, undefined],
    ['what is said', { host: 'acme.io', destinations: [Destination.outside({ port: 5432 })] }, undefined],
  ])('warns of what is likely to be guessed wrong: %s', (_, different, warning) => {
    const shop = chart();
    backup(shop, different);
    const said = warnings(shop.node.findAll());
    if (warning) expect(said).toEqual([expect.stringMatching(warning)]);
    else expect(said).toEqual([]);
  });

  test.each([
    ['no destination', [], 'shop/orders: destinations is []: name at least one'],
    ['a port that is none', [Destination.outside({ port: 0 })], 'destinations[0].port is 0'],
    [
      'pods without labels',
      [Destination.pods({ labels: {}, port: 1 })],
      'destinations[0].labels is {}: that would select every pod of the namespace',
    ],
    ['a namespace that is none', [Destination.pods({ labels: { a: 'b' }, namespace: 'A', port: 1 })], 'destinations[0].namespace is "A"'],
    ['an address without prefix', [Destination.outside({ cidr: '10.1.2.3', port: 1 })], 'destinations[0].cidr is "10.1.2.3"'],
    ['a prefix that is too long', [Destination.outside({ cidr: '10.1.2.3/33', port: 1 })], 'destinations[0].cidr is "10.1.2.3/33"'],
  ])('refuses %s', (_, destinations, message) => {
    expect(() => backup(chart(), { destinations })).toThrow(message);
  });
});

function rest(url: string): IRepository {
  return Repository.restic({ location: ResticLocation.rest({ url }), password: SecretRef.named('k').key('p') });
}

describe('the restic repository', () => {
  test('brings restic by an init container, and its password as a file', () => {
    const shop = chart();
    backup(shop, { repository: restic });
    const cronJob = objects(shop)['CronJob/orders-backup'];
    expect(podSpec(cronJob).initContainers[0]).toMatchObject({
      image: 'restic/restic:0.18.0',
      command: ['cp', '/usr/bin/restic', '/etc/ssl/certs/ca-certificates.crt', '/tools/'],
      securityContext: { readOnlyRootFilesystem: true },
    });
    expect(environment(cronJob)).toMatchObject({
      RESTIC_REPOSITORY: 's3:https://s3.eu-central-1.amazonaws.com/acme-backups',
      RESTIC_PASSWORD_FILE: '/run/secrets/restic/password',
      AWS_SECRET_ACCESS_KEY: { secretKeyRef: { name: 's3', key: 'secretAccessKey' } },
    });
  });
});

describe('fails, naming the construct, the prop, the value and what to write', () => {
  test.each<[string, Parameters<typeof props>[0], string]>([
    [
      'a time zone that does not exist',
      { schedule: Schedule.daily({ timeZone: 'Europe/Berln' }) },
      `shop/orders: schedule.timeZone is "Europe/Berln": `,
    ],
    [
      'a date that never comes',
      { schedule: Schedule.cron('0 2 31 2 *') },
      'shop/orders: schedule is "0 2 31 2 *": none of its months has such a day',
    ],
    ['a retention that keeps nothing', { retention: Retention.keep({}) }, 'shop/orders: retention'],
    [
      'no Secret',
      { credentials: undefined as never },
      `shop/orders: credentials is not set: name a Secret, for example SecretRef.named('orders-backup')`,
    ],
    ['a Secret without a name', { credentials: SecretRef.named('') }, 'shop/orders: credentials is "": name a Secret'],
    [
      'a database name with a line break',
      { engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['a\nb'] }) },
      'shop/orders: engine.databases[0] is "a\\nb": write the name of a database, without control characters',
    ],
    [
      'a database name that PostgreSQL would cut',
      { engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['ж'.repeat(32)] }) },
      'PostgreSQL names have at most 63 bytes',
    ],
    [
      'a database twice',
      { engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['a', 'a'] }) },
      'shop/orders: engine.databases is ["a","a"]: name each database once',
    ],
    [
      'half a job',
      { engine: Engine.postgres({ version: PostgresVersion.V16, jobs: 0.5 }) },
      'shop/orders: engine.jobs is 0.5: write a whole number from 1 to 64',
    ],
    [
      'an ssl mode of no libpq',
      { engine: Engine.postgres({ version: PostgresVersion.V16, sslMode: 'on' }) },
      'shop/orders: engine.sslMode is "on": write one of disable,',
    ],
    [
      'an image without a version',
      { engine: Engine.postgres({ version: PostgresVersion.V16, image: 'postgres:latest' }) },
      'shop/orders: engine.image is "postgres:latest": ',
    ],
    ['a series that is no name', { series: 'Shop Orders' }, `shop/orders: series is "Shop Orders": write at most`],
    [
      'a series of safety backups',
      { series: 'orders-safety' },
      'shop/orders: series is "orders-safety": safety backups of restores use names',
    ],
    ['a host with a port', { host: 'db/5432' }, 'shop/orders: host is "db/5432": write a Service, an address or a host name'],
    [
      'memory that no container starts with',
      { pods: { memoryLimit: Size.kibibytes(512) } },
      'shop/orders: pods.memoryLimit is "512Ki": write whole mebibytes, at least 16',
    ],
    [
      'memory as text',
      { pods: { memoryRequest: '512Mi' as never } },
      'shop/orders: pods.memoryRequest is "512Mi": leave it out, or write a Size, for example Size.gibibytes(2)',
    ],
    [
      'a limit below its request',
      { pods: { memoryLimit: Size.gibibytes(1), memoryRequest: Size.gibibytes(2) } },
      'shop/orders: pods.memoryLimit is "1Gi": it is below the request of 2Gi',
    ],
    ['a limit below the default request', { pods: { memoryLimit: Size.mebibytes(100) } }, 'it is below the request of 128Mi'],
    ['processors in words', { pods: { cpuRequest: '2 cores' } }, 'shop/orders: pods.cpuRequest is "2 cores": write processors'],
    [
      'a label of this library',
      { pods: { labels: { 'app.kubernetes.io/name': 'orders-db' } } },
      `shop/orders: pods.labels['app.kubernetes.io/name'] is "orders-db": policies and selectors of this library use that label`,
    ],
    ['a label that a policy goes by', { pods: { labels: { 'cdk8s-backup/job': 'x' } } }, `pods.labels['cdk8s-backup/job'] is "x"`],
    [
      "a label of the database's pods",
      { podLabels: { app: 'orders-db', tier: 'data' }, pods: { labels: { team: 'a', app: 'orders-db' } } },
      `shop/orders: pods.labels['app'] is "orders-db": the database's own pods have it (podLabels)`,
    ],
    ['a port that is none', { port: 70000 }, 'shop/orders: port is 70000: write a whole number from 1 to 65535'],
    ['a size drop that never holds', { sizeDropLimit: 0 }, 'shop/orders: sizeDropLimit is 0: write a whole number from 1 to 100'],
    [
      'a claim that is no name',
      { repository: Repository.files({ claimName: 'My Claim' }) },
      'shop/orders: repository.claimName is "My Claim"',
    ],
    [
      'a path out of the volume',
      { repository: Repository.files({ claimName: 'c', path: '../x' }) },
      'shop/orders: repository.path is "../x"',
    ],
    [
      'a URL without a scheme',
      { repository: rest('backup.example/shop') },
      'shop/orders: location.url is "backup.example/shop": write a URL with its scheme',
    ],
    [
      'a URL with a password',
      { repository: rest('https://u:secret@backup.example/') },
      'put user and password into a Secret, and name it in credentials',
    ],
    [
      'a restic repository whose password is nowhere',
      { repository: Repository.restic({ location: ResticLocation.local({ claimName: 'c' }), password: SecretRef.named('').key('') }) },
      'repository.password is {"secretName":"","keyName":""}: a restic repository is always encrypted',
    ],
  ])('%s', (_, different, message) => {
    expect(() => backup(chart(), different)).toThrow(message);
  });

  test('a password in a URL is not repeated by the error', () => {
    expect(() => backup(chart(), { repository: rest('https://u:hunter2@backup.example/') })).toThrow(
      expect.not.stringContaining('hunter2') as never,
    );
  });

  test('two backups that would prune each other', () => {
    const shop = chart();
    backup(shop, { repository: restic }, 'orders');
    const crm = new Chart(shop.node.root as never, 'crm', { namespace: 'crm' });
    expect(() => backup(crm, { repository: restic }, 'orders')).toThrow(
      'crm/orders: series is "orders": shop/orders keeps its recovery points under that name in the same repository, and each would prune the other\'s: give one of them another series',
    );
    expect(() => backup(crm, { repository: restic, series: 'crm-orders' }, 'mended')).not.toThrow();
  });

  test('but a claim of the same name in another namespace is another repository', () => {
    const shop = chart();
    backup(shop);
    expect(() => backup(new Chart(shop.node.root as never, 'crm', { namespace: 'crm' }))).not.toThrow();
  });
});

test('what nobody proves and nobody could restore is warned about', () => {
  const shop = chart();
  backup(shop, {}, 'bare');
  const full = backup(shop, {}, 'full');
  full.addVerification();
  full.addRestore();
  for (const construct of shop.node.findAll()) construct.node.validate();
  expect(warnings(shop.node.findAll())).toEqual([
    'warning: shop/bare: nothing can restore bare after a disaster: call addRestore()',
    'warning: shop/bare: nothing proves that bare can be restored: call addVerification()',
  ]);
});

test('a backup that somebody else starts is suspended', () => {
  const cron = (schedule: Schedule) => backup(chart(), { schedule }).cronJob.toJson().spec;
  expect(cron(Schedule.never())).toMatchObject({ suspend: true, schedule: '0 0 31 2 *' });
  expect(cron(Schedule.daily())).not.toHaveProperty('suspend');
});

test('fails: two verifications of one backup', () => {
  const orders = backup(chart());
  orders.addVerification();
  expect(() => orders.addVerification()).toThrow(
    'shop/orders: addVerification is "called twice": the backup already has a verification named verify',
  );
});

describe('limits', () => {
  test('reach the scripts', () => {
    const shop = chart();
    backup(shop, {
      minimumSize: Size.mebibytes(3),
      sizeDropLimit: 20,
      readyTimeout: Duration.minutes(2),
      repositoryWait: Duration.minutes(3),
      retention: Retention.days(14),
    });
    expect(environment(objects(shop)['CronJob/orders-backup'])).toMatchObject({
      MINIMUM_BYTES: String(3 * 1024 * 1024),
      SIZE_DROP_LIMIT: '20',
      READY_TIMEOUT: '120',
      REPOSITORY_WAIT: '180',
      RETENTION: 'last=0 hourly=0 daily=14 weekly=0 monthly=0 yearly=0 at-least=3',
    });
  });

  test('a frequent schedule is not started late by more than its interval', () => {
    const shop = chart();
    backup(shop, { schedule: Schedule.hourly() });
    expect(objects(shop)['CronJob/orders-backup'].spec.startingDeadlineSeconds).toBe(3600);
  });
});

test.each(['orders-db:5432', 'orders-db.shop:5432', 'postgres://orders-db'])('fails: host %s, as the port goes into port', host => {
  expect(() => backup(chart(), { host })).toThrow('a port goes into port');
  expect(() => backup(chart()).addRestore({ host })).toThrow('a port goes into port');
});

test('an address of IPv6 is a host', () => {
  expect(() => backup(chart(), { host: 'fd00::15' })).not.toThrow();
});

test.each([
  ['a deadline of nothing', { deadline: Duration.seconds(0) }, 'deadline is "0 s": a run needs time'],
  [
    'a starting deadline that no controller meets',
    { startingDeadline: Duration.seconds(5) },
    'startingDeadline is "5 s": the controller checks every ten seconds',
  ],
])('fails: %s', (_, different, message) => {
  expect(() => backup(chart(), different)).toThrow(message);
});

test('what is called twice says what to do', () => {
  const orders = backup(chart());
  orders.addRestore();
  expect(() => orders.addRestore()).toThrow(
    'addRestore is "called twice": the backup already has a restore of that name: give this one a name',
  );
  expect(() => orders.addRestore({ name: 'restore-to-staging' })).not.toThrow();
  orders.addPrune();
  expect(() => orders.addPrune()).toThrow('addPrune is "called twice"');
});

test('a chart without a namespace is warned of, once', () => {
  const nowhere = new Chart(new App(), 'nowhere');
  backup(nowhere, {}, 'one');
  backup(nowhere, {}, 'two');
  expect(warnings(nowhere.node.findAll()).filter(line => line.includes('namespace'))).toEqual([
    expect.stringContaining('warning: nowhere: the chart has no namespace'),
  ]);
});

test.each([
  ['https://backup.example/', 0],
  ['http://backup.acme.example:8000/', 1],
  ['http://192.0.2.1:8000/', 1],
  ['http://backup-server.backup:8000/', 0],
  ['http://backup-server:8000/', 0],
])('of credentials in the clear, %s: %s', (url, count) => {
  const location = ResticLocation.rest({ url, credentials: SecretRef.named('rest') });
  const orders = backup(chart(), { repository: Repository.restic({ location, password: SecretRef.named('key').key('password') }) });
  expect(warnings(orders.node.findAll()).filter(line => line.includes('unencrypted'))).toHaveLength(count);
});
