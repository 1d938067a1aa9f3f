import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import { Deployment } from 'cdk8s-plus-27';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MariadbVersion, PostgresVersion, Schedule, SecretRef } from '../../lib';
import { warnings } from '../../lib/core/warning';
import {
  ProtectedStatefulSet,
  VeleroHook,
  type VeleroHookOptions,
  VeleroOnError,
  VeleroProtection,
  type VeleroProtectionOptions,
  VeleroSchedule,
  VeleroVolume,
} from '../../lib/velero';
import { Quiesce } from '../../lib/volumes';
import { chart, objects } from '../support/synth';
import { annotationsOf, frontend, refusal, server } from './workloads';

const CREDENTIALS = SecretRef.named('orders-quiesce');
const quiesce = (limit = Duration.minutes(2)) =>
  Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials: CREDENTIALS, wait: Duration.seconds(15), limit });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hooks-'));
  writeFileSync(join(folder, 'dump.sh'), 'set -eu\npg_dump -Fc -f /dumps/orders.dump orders\n');
  writeFileSync(join(folder, 'lock.sh'), "set -eu\n# UNLOCK TABLES comes later\nmysql -e 'FLUSH TABLES WITH READ LOCK'\n");
  writeFileSync(join(folder, 'whole.sh'), "mysql -e 'FLUSH TABLES WITH READ LOCK; system sync; UNLOCK TABLES'\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

const command = (options: VeleroHookOptions & { command?: string[] } = {}) =>
  VeleroHook.command({ container: 'postgres', command: ['sync'], ...options });

function protect(options: VeleroProtectionOptions, different?: object): { [annotation: string]: string } {
  const workload = server(chart(), different);
  VeleroProtection.of(workload, options);
  return annotationsOf(workload);
}

describe('the pod template says', () => {
  test('which volumes are copied, and which are not', () => {
    expect(protect({ volumes: [VeleroVolume.dump('dumps'), VeleroVolume.snapshot('data')], preHook: command() })).toMatchObject({
      'backup.velero.io/backup-volumes': 'dumps',
      'backup.velero.io/backup-volumes-excludes': 'data',
    });
  });

  test('the hooks, with a timeout that has a unit, and a command that is a list', () => {
    const preHook = command({ command: ['sh', '-c', 'redis-cli save && sync'], timeout: Duration.minutes(10) });
    expect(protect({ preHook, postHook: command({ onError: VeleroOnError.CONTINUE }) })).toEqual({
      'pre.hook.backup.velero.io/container': 'postgres',
      'pre.hook.backup.velero.io/command': '["sh","-c","redis-cli save && sync"]',
      'pre.hook.backup.velero.io/on-error': 'Fail',
      'pre.hook.backup.velero.io/timeout': '600s',
      'post.hook.backup.velero.io/container': 'postgres',
      'post.hook.backup.velero.io/command': '["sync"]',
      'post.hook.backup.velero.io/on-error': 'Continue',
      'post.hook.backup.velero.io/timeout': '300s',
    });
  });

  test('the hooks of a restore, by their true names', () => {
    const restoreInit = { image: 'busybox:1.37.0', command: ['sh', '-c', 'echo restored'] };
    expect(protect({ restoreHook: command({ command: ['vacuumdb', '--analyze-only', '--all'] }), restoreInit })).toEqual({
      'post.hook.restore.velero.io/container': 'postgres',
      'post.hook.restore.velero.io/command': '["vacuumdb","--analyze-only","--all"]',
      'post.hook.restore.velero.io/on-error': 'Fail',
      'post.hook.restore.velero.io/exec-timeout': '300s',
      'post.hook.restore.velero.io/wait-timeout': '1800s',
      'post.hook.restore.velero.io/wait-for-ready': 'true',
      'init.hook.restore.velero.io/container-image': 'busybox:1.37.0',
      'init.hook.restore.velero.io/container-name': 'velero-init',
      'init.hook.restore.velero.io/command': '["sh","-c","echo restored"]',
    });
  });

  test('a script that is mounted, from a ConfigMap that cannot be changed', () => {
    const shop = chart();
    VeleroProtection.of(server(shop), {
      preHook: VeleroHook.script({ container: 'postgres', path: join(folder, 'dump.sh'), arguments: ['orders'] }),
    });
    const synthesized = objects(shop);
    const { template } = synthesized['StatefulSet/orders-db'].spec;
    const [postgres] = template.spec.containers;
    const { name } = template.spec.volumes.find((volume: { name: string }) => volume.name === 'velero-hook-pre').configMap;
    expect(template.metadata.annotations['pre.hook.backup.velero.io/command']).toBe('["sh","/opt/velero-hooks/pre/dump.sh","orders"]');
    expect(postgres.volumeMounts.at(-1)).toEqual({ name: 'velero-hook-pre', mountPath: '/opt/velero-hooks/pre', readOnly: true });
    expect(name).toMatch(/^backup-scripts-velero-hook-pre-[0-9a-f]{10}$/);
    expect(synthesized[`ConfigMap/${name}`]).toMatchObject({ immutable: true, data: { 'dump.sh': expect.stringContaining('pg_dump') } });
  });

  test('nothing about the workload itself, where Velero does not look', () => {
    const shop = chart();
    VeleroProtection.of(server(shop), { preHook: command() });
    expect(objects(shop)['StatefulSet/orders-db'].metadata.annotations).toBeUndefined();
  });

  test('the same of a workload of cdk8s-plus', () => {
    const deployment = new Deployment(chart(), 'shop', { containers: [{ image: 'shop:1', name: 'shop' }] });
    VeleroProtection.of(deployment, { preHook: VeleroHook.command({ command: ['sync'] }) });
    expect(annotationsOf(deployment)).toMatchObject({ 'pre.hook.backup.velero.io/container': 'shop' });
  });
});

describe('a server that is held', () => {
  const held = { quiesce: quiesce(), volumes: [VeleroVolume.snapshot('data')] };

  test('is held and let go by its agent, and either that fails the backup or the lock was whole', () => {
    expect(protect(held)).toMatchObject({
      'pre.hook.backup.velero.io/container': 'quiesce',
      'pre.hook.backup.velero.io/command': expect.stringMatching(/^\["sh","\/opt\/quiesce\/agent\/hold.sh",".+"\]$/),
      'pre.hook.backup.velero.io/on-error': 'Fail',
      'pre.hook.backup.velero.io/timeout': '35s',
      'post.hook.backup.velero.io/container': 'quiesce',
      'post.hook.backup.velero.io/command': expect.stringMatching(/^\["sh","\/opt\/quiesce\/agent\/release.sh",".+"\]$/),
      'post.hook.backup.velero.io/on-error': 'Fail',
      'post.hook.backup.velero.io/timeout': '60s',
    });
  });

  test('has no post hook where nothing is held', () => {
    const checkpoint = Quiesce.postgres({ version: PostgresVersion.V16, credentials: CREDENTIALS });
    const annotations = Object.keys(protect({ ...held, quiesce: checkpoint }));
    expect(annotations).toContain('pre.hook.backup.velero.io/command');
    expect(annotations.filter(annotation => annotation.startsWith('post'))).toEqual([]);
  });

  test('is one of several: somebody should know that they are held one after the other', () => {
    const workload = server(chart(), { replicas: 3 });
    VeleroProtection.of(workload, held);
    expect(warnings(workload.node.findAll()).join()).toContain(
      'orders-db has 3 pods, which Velero holds and snapshots one after the other',
    );
  });

  test('is held with all the others when its claims are a group', () => {
    const workload = server(chart(), { replicas: 3 });
    VeleroProtection.of(workload, { ...held, volumeGroup: 'orders' });
    expect(warnings(workload.node.findAll())).toEqual([]);
    expect(workload.toJson().spec.volumeClaimTemplates[0].metadata).toEqual({
      name: 'data',
      labels: { 'velero.io/volume-group': 'orders' },
    });
  });

  test.each<[string, VeleroProtectionOptions, string]>([
    ['a hook of its own beside it', { ...held, preHook: command() }, 'preHook is "a hook of your own": Velero runs one pre hook'],
    ['no volume that is snapshotted', { quiesce: quiesce() }, "name its volumes, for example volumes: [VeleroVolume.snapshot('data')]"],
    ['a dump that nobody writes', { ...held, volumes: [VeleroVolume.dump('dumps')] }, 'the pre hook is the quiesce, which writes no dump'],
  ])('cannot have %s', (_, options, says) => {
    expect(refusal(() => protect(options))).toContain(says);
  });

  test('is not held for longer than the backup waits for its snapshot', () => {
    expect(refusal(() => protect({ ...held, quiesce: quiesce(Duration.minutes(30)) }))).toContain(
      'quiesce.limit is "30 minutes": the backup gives up a snapshot after 10 minutes',
    );
  });
});

describe('refused is', () => {
  test.each<[string, VeleroProtectionOptions, string]>([
    [
      'half a second',
      { preHook: command({ timeout: Duration.millis(500) }) },
      'preHook.timeout is "0.5 seconds": write a whole number of seconds',
    ],
    ['no time', { preHook: command({ timeout: Duration.seconds(0) }) }, 'preHook.timeout is "0 seconds"'],
    ['more than four hours', { postHook: command({ timeout: Duration.hours(5) }) }, 'Velero lets no hook run longer than 4 hours'],
    ['an unknown container', { preHook: command({ container: 'redis' }) }, "name one of the pod's containers: postgres, exporter"],
    ['no container of several', { preHook: VeleroHook.command({ command: ['sync'] }) }, 'preHook.container is not set: name one of'],
    ['no command', { preHook: command({ command: [] }) }, "write the program and its arguments, for example ['redis-cli', 'save']"],
    [
      'a line for a shell',
      { preHook: command({ command: ['pg_dump orders > /dumps/x'] }) },
      "write ['sh', '-c', \"pg_dump orders > /dumps/x\"]",
    ],
    ['no script', { preHook: VeleroHook.script({ path: '/nowhere/dump.sh' }) }, 'path is "/nowhere/dump.sh": it cannot be read (ENOENT)'],
    ['an unknown volume', { volumes: [VeleroVolume.snapshot('pgdata')] }, 'the pods have no such volume: name one of dumps, data'],
    [
      'a volume twice',
      { volumes: [VeleroVolume.files('dumps'), VeleroVolume.snapshot('dumps')] },
      'volumes[1] is "dumps": it is named twice',
    ],
    ['a dump that nobody writes', { volumes: [VeleroVolume.dump('dumps')] }, 'nothing writes the dump: write a preHook that writes it'],
    ['a wait for nothing', { restoreWait: Duration.hours(1) }, 'there is no restoreHook that could wait'],
    [
      'an init container of a known name',
      { restoreInit: { image: 'a:1', command: ['a'], name: 'postgres' } },
      'restoreInit.name is "postgres"',
    ],
    [
      'an init container of no known version',
      { restoreInit: { image: 'busybox', command: ['a'] } },
      'restoreInit.image is "busybox": pin a version',
    ],
    ['a group that is no label', { volumeGroup: 'the orders' }, 'volumeGroup is "the orders": write at most 63 letters'],
  ])('%s', (_, options, says) => {
    expect(refusal(() => protect(options))).toContain(says);
  });

  test('a hook that takes longer than the backup gives it', () => {
    const shop = chart();
    const backup = new VeleroSchedule(shop, 'nightly', { schedule: Schedule.daily(), itemOperationTimeout: Duration.minutes(20) });
    expect(refusal(() => protect({ preHook: command({ timeout: Duration.hours(1) }), backup }))).toContain(
      'the backup gives up an operation after 20 minutes',
    );
  });

  test('a second protection', () => {
    const workload = server(chart());
    VeleroProtection.of(workload, { preHook: command() });
    expect(refusal(() => new VeleroProtection(workload, 'Second', { workload, postHook: command() }))).toContain(
      'its pods have annotations for Velero already (pre.hook.backup.velero.io/container',
    );
  });

  test('a group of claims that are no templates', () => {
    expect(refusal(() => VeleroProtection.of(frontend(chart()), { volumeGroup: 'shop' }))).toContain(
      'Deployment shop has no claim templates',
    );
  });
});

describe('a copy file by file of what a server writes is refused', () => {
  const mount = (image: string, mountPath: string, more: object = {}) => ({
    template: {
      spec: {
        containers: [{ name: 'server', image, volumeMounts: [{ name: 'files', mountPath }], ...more }],
        volumes: [{ name: 'files', persistentVolumeClaim: { claimName: 'files' } }],
      },
    },
  });

  test.each<[string, object]>([
    ['of PostgreSQL', mount('postgres:16', '/var/lib/postgresql/data')],
    ['of MySQL', mount('mysql:9', '/var/lib/mysql')],
    ['of MongoDB', mount('mongo:7', '/data/db')],
    ['of MongoDB, from above', mount('mongo:7', '/data')],
    ['of Redis', mount('redis:8', '/data')],
    ['of Valkey', mount('valkey/valkey:8', '/data')],
    ['of etcd', mount('quay.io/coreos/etcd:v3.5', '/var/lib/etcd')],
    ['of an image of Bitnami', mount('bitnami/postgresql:16', '/bitnami/postgresql')],
    ['where a variable says so', mount('acme/db:1', '/srv', { env: [{ name: 'PGDATA', value: '/srv/pg' }] })],
    ['where an option says so', mount('acme/db:1', '/srv', { args: ['--datadir=/srv/mysql'] })],
    ['where an option and its value say so', mount('acme/db:1', '/srv', { command: ['mongod', '--dbpath', '/srv/db'] })],
  ])('%s', (_, different) => {
    for (const volume of [VeleroVolume.files('files'), VeleroVolume.dump('files')]) {
      const said = refusal(() => protect({ volumes: [volume], preHook: VeleroHook.command({ command: ['sync'] }) }, different));
      expect(said).toContain('a file-by-file copy of a running server is torn');
    }
    expect(protect({ volumes: [VeleroVolume.snapshot('files')] }, different)).toEqual({
      'backup.velero.io/backup-volumes-excludes': 'files',
    });
  });

  test.each<[string, object, VeleroVolume, string]>([
    [
      'what is no claim, by a snapshot',
      { emptyDir: {} },
      VeleroVolume.snapshot('files'),
      'it is not a claim, and only claims can be snapshotted',
    ],
    ['a directory of the node', { hostPath: { path: '/srv' } }, VeleroVolume.files('files'), 'it is a directory of the node (hostPath)'],
  ])('and so is what Velero leaves out: %s', (_, source, volume, because) => {
    const different = mount('shop:1', '/data');
    const volumes = [{ name: 'files', ...source }];
    const template = { spec: { ...different.template.spec, volumes } };
    expect(refusal(() => protect({ volumes: [volume] }, { template }))).toContain(because);
  });

  test('and so is what Velero leaves out: a volume that no container mounts', () => {
    const { template } = mount('shop:1', '/data');
    const spec = { ...template.spec, containers: [{ name: 'server', image: 'shop:1' }] };
    expect(refusal(() => protect({ volumes: [VeleroVolume.files('files')] }, { template: { spec } }))).toContain('no container mounts it');
  });

  test('but not of uploads', () => {
    const different = mount('shop:1', '/data');
    expect(protect({ volumes: [VeleroVolume.files('files')] }, different)).toEqual({ 'backup.velero.io/backup-volumes': 'files' });
  });

  test('also where the backup would do it by itself', () => {
    const backup = new VeleroSchedule(chart(), 'nightly', { schedule: Schedule.daily(), defaultVolumesToFsBackup: true });
    expect(refusal(() => protect({ backup }))).toContain("use VeleroVolume.snapshot('data')");
    expect(protect({ backup, volumes: [VeleroVolume.snapshot('data')] })).toEqual({ 'backup.velero.io/backup-volumes-excludes': 'data' });
  });
});

describe('a lock that one hook takes and another releases is refused', () => {
  test.each([
    "mysql -e 'FLUSH TABLES WITH READ LOCK'",
    "mysql -e 'flush local tables orders with read lock'",
    "mysql -e 'LOCK TABLES orders READ'",
    "mysql -e 'UNLOCK TABLES'",
    "mariadb -e 'BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT'",
    "mysql -e 'LOCK INSTANCE FOR BACKUP'",
    'psql -c "select pg_backup_start(\'velero\')"',
    'psql -c "select pg_start_backup(\'velero\')"',
    'psql -c "select pg_backup_stop()"',
    "mysql -e 'SET GLOBAL read_only = ON'",
    "mongosh --eval 'db.fsyncLock()'",
    'fsfreeze -f /var/lib/mysql',
  ])('%s', line => {
    expect(refusal(() => protect({ preHook: command({ command: ['sh', '-c', line] }) }))).toContain('write `quiesce` instead');
  });

  test('in a script as well, whatever its comments say', () => {
    const preHook = VeleroHook.script({ container: 'postgres', path: join(folder, 'lock.sh') });
    expect(refusal(() => protect({ preHook }))).toContain(
      'preHook.path is "FLUSH TABLES WITH READ LOCK": its lock lasts only as long as its session',
    );
  });

  test('but not one that is released in the same session, nor a dump that locks for itself', () => {
    const preHook = VeleroHook.script({ container: 'postgres', path: join(folder, 'whole.sh') });
    expect(protect({ preHook })).toHaveProperty(['pre.hook.backup.velero.io/command']);
    expect(protect({ preHook: command({ command: ['mysqldump', '--lock-tables=false', 'shop'] }) })).toHaveProperty([
      'pre.hook.backup.velero.io/command',
    ]);
  });
});

describe('a protected StatefulSet', () => {
  const props = {
    containers: [{ name: 'db', image: 'postgres:16', portNumber: 5432 }],
    claims: [{ name: 'data', size: Size.gibibytes(20), mountPath: '/var/lib/postgresql/data', storageClass: 'fast' }],
    protection: { volumes: [VeleroVolume.snapshot('data')], volumeGroup: 'orders' },
  };

  test('has a claim for each pod, mounted and protected', () => {
    const shop = chart();
    new ProtectedStatefulSet(shop, 'orders-db', { metadata: { name: 'orders-db' }, replicas: 2, ...props });
    const { spec } = objects(shop)['StatefulSet/orders-db'];
    expect(spec.volumeClaimTemplates).toEqual([
      {
        metadata: { name: 'data', labels: { 'velero.io/volume-group': 'orders' } },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '20Gi' } } },
      },
    ]);
    expect(spec.template.spec.containers[0]).toMatchObject({
      volumeMounts: [{ name: 'data', mountPath: '/var/lib/postgresql/data' }],
      securityContext: { capabilities: { drop: ['ALL'] }, runAsNonRoot: true },
    });
    expect(spec.template.metadata.annotations).toEqual({ 'backup.velero.io/backup-volumes-excludes': 'data' });
  });

  test('names a container that it has', () => {
    const claims = [{ name: 'data', size: Size.gibibytes(1), mountPath: '/data', container: 'postgres' }];
    expect(refusal(() => new ProtectedStatefulSet(chart(), 'db', { ...props, claims }))).toContain(
      'claims[\'data\'].container is "postgres"',
    );
  });
});
