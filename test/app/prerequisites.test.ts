import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiObject, App, Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  BackupApp,
  BackupPlan,
  DatabaseBackup,
  DataVolume,
  Engine,
  MariadbVersion,
  MysqlVersion,
  PodDefaults,
  PostgresVersion,
  type Prerequisite,
  Prerequisites,
  Restore,
  RestoreForm,
  Retention,
  SecretRef,
} from '../../lib';
import { VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../lib/volumes';
import { podTemplates } from '../manifests/manifest';
import { PLATFORMS } from '../manifests/platforms';
import { backup, props, restic } from '../support/synth';

let outdir: string;
beforeEach(() => {
  outdir = mkdtempSync(join(tmpdir(), 'prerequisites-'));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(outdir, { recursive: true });
});

const page = () => readFileSync(join(outdir, 'PREREQUISITES.md'), 'utf8');
const named = ({ kind, namespace, name }: Prerequisite) => `${kind} ${namespace ?? '-'}/${name}`;
const find = ({ objects }: Prerequisites, kind: string, name: string) =>
  objects.find(each => each.kind === kind && each.name === name) as Prerequisite;

/** A pod of somebody's own. */
function pod(scope: Chart, id: string, spec: Partial<k8s.PodSpec>): void {
  const { containers = [{ name: 'main', image: 'busybox' }], ...rest } = spec;
  new k8s.KubePod(scope, id, { metadata: { name: id }, spec: { containers, ...rest } });
}

const variable = (name: string, secret: string, key: string, optional?: boolean): k8s.EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, ...(optional !== undefined && { optional }) } },
});

describe('of a backup', () => {
  const make = () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const orders = new DatabaseBackup(shop, 'orders', props({ repository: restic }));
    orders.addVerification();
    orders.addRestore({ credentials: SecretRef.named('orders-owner') });
    app.synth();
    return { app, orders };
  };

  test('there are its Secrets, with their keys, what these become, and what they are for', () => {
    const { orders } = make();
    const needed = Prerequisites.of(orders);
    expect(needed.objects.map(named)).toEqual([
      'Namespace -/shop',
      'Secret shop/key',
      'Secret shop/orders-backup',
      'Secret shop/orders-owner',
      'Secret shop/s3',
    ]);
    expect(find(needed, 'Secret', 'orders-backup')).toEqual({
      kind: 'Secret',
      name: 'orders-backup',
      namespace: 'shop',
      keys: [
        { key: 'password', isFile: false, usedAs: ['PGPASSWORD of CronJob orders-backup'] },
        { key: 'username', isFile: false, usedAs: ['PGUSER of CronJob orders-backup'] },
      ],
      purposes: ['signs in at the server of orders'],
      usedBy: ['CronJob orders-backup'],
      isOptional: false,
      pullsImages: false,
    });
    expect(find(needed, 'Secret', 'key')).toMatchObject({
      keys: [{ key: 'password', isFile: true, usedAs: ['the file password of CronJob orders-backup, orders-restore, orders-verify'] }],
      purposes: ['opens a repository of orders'],
    });
  });

  test('there is a role for what backs up, and one for what restores', () => {
    const { orders } = make();
    expect(Prerequisites.of(orders).roles.map(({ does, secret, grants }) => [does, secret, grants.join('\n')])).toEqual([
      [['backs up orders (postgres at orders-db)'], 'orders-backup', expect.stringContaining('grant pg_read_all_data to "<username>";')],
      [['restores orders (postgres at orders-db)'], 'orders-owner', expect.stringContaining('createdb createrole;')],
    ]);
  });

  test('the page has a command for each Secret, in which values are to be put in', () => {
    make();
    expect(page()).toContain('kubectl create namespace shop\n');
    expect(page()).toContain(
      [
        'kubectl -n shop create secret generic orders-owner \\',
        "  --from-literal=password='<password>' \\",
        "  --from-literal=username='<username>'\n",
      ].join('\n'),
    );
    expect(page()).toContain("kubectl -n shop create secret generic key \\\n  --from-file=password='<file>'\n");
  });

  test('the same data is had from any app, and of less than all of it', () => {
    const app = new App({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const plan = new BackupPlan(shop, 'nightly', { repository: restic, retention: Retention.keep({ daily: 7 }) });
    const { engine, host, credentials } = props();
    const orders = plan.addBackup('orders', { engine, host, credentials });
    const users = plan.addBackup('users', { engine, host, credentials: SecretRef.named('users-backup') });
    app.synth();
    expect(existsSync(join(outdir, 'PREREQUISITES.md'))).toBe(false);
    const secrets = (of: App | Chart | BackupPlan | DatabaseBackup) =>
      Prerequisites.of(of).objects.flatMap(({ kind, name }) => (kind === 'Secret' ? [name] : []));
    expect(secrets(orders)).toEqual(['key', 'orders-backup', 's3']);
    expect(secrets(users)).toEqual(['key', 's3', 'users-backup']);
    for (const all of [plan, shop, app]) expect(secrets(all)).toEqual(['key', 'orders-backup', 's3', 'users-backup']);
    expect(find(Prerequisites.of(app), 'Secret', 'key').purposes).toEqual(['opens a repository of orders, users']);
  });

  test('what add-ons need is there, and nothing is said before they are bound', () => {
    const app = new BackupApp({ outdir });
    const orders = new DatabaseBackup(new Chart(app, 'shop', { namespace: 'shop' }), 'orders', props());
    orders.add(Restore.onDemand({ credentials: SecretRef.named('orders-owner') }));
    expect(() => Prerequisites.of(app)).toThrow(
      'shop/orders: Prerequisites.of is "called before synthesis": the objects of its add-ons do not exist yet: call app.synth() first',
    );
    app.synth();
    expect(find(Prerequisites.of(app), 'Secret', 'orders-owner').usedBy).toEqual(['CronJob orders-restore']);
  });

  test('what somebody asks of a restore is made on the day', () => {
    const app = new BackupApp({ outdir });
    const orders = new DatabaseBackup(new Chart(app, 'shop', { namespace: 'shop' }), 'orders', props());
    orders.addRestore();
    orders.addRestore({ name: 'once', form: RestoreForm.JOB });
    app.synth();
    expect(Prerequisites.of(app).objects.map(named)).toEqual([
      'Namespace -/shop',
      'PersistentVolumeClaim shop/backups',
      'Secret shop/orders-backup',
    ]);
  });

  test('a claim that several jobs mount says which access mode that takes', () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const orders = new DatabaseBackup(shop, 'orders', props());
    pod(shop, 'web', { volumes: [{ name: 'own', persistentVolumeClaim: { claimName: 'own' } }] });
    orders.addRestore();
    app.synth();
    const line = (claim: string) =>
      page()
        .split('\n')
        .find(each => each.startsWith(`- PersistentVolumeClaim \`${claim}\``));
    expect(line('backups')).toBe(
      '- PersistentVolumeClaim `backups`: several mount it: it is ReadWriteMany, or all of them run on one node; for CronJob orders-backup, orders-restore',
    );
    expect(line('own')).not.toContain('ReadWriteMany');
  });

  test.each([
    [
      Engine.postgresPhysical({ version: PostgresVersion.V17, incrementals: 6 }),
      ["max_slot_wal_keep_size = '16384MB'", 'summarize_wal = on'],
    ],
    [Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), ['log_bin, server_id', 'binlog_expire_logs_seconds']],
  ])('what an archive of the log asks of the server is there', (engine, settings) => {
    const app = new App({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const orders = new DatabaseBackup(shop, 'orders', props({ engine, dataVolume: DataVolume.claim('data') }));
    orders.addLogArchive();
    app.synth();
    const archives = Prerequisites.of(app).roles.filter(({ does }) => does.some(what => what.startsWith('archives the log')));
    expect(archives).toHaveLength(1);
    for (const setting of settings) expect(archives[0]?.grants.join('\n')).toContain(setting);
  });

  test('a position in the binary log takes a privilege more', () => {
    const app = new App({ outdir });
    const engine = Engine.mysql({ version: MysqlVersion.V8_4, binlogPosition: true });
    const orders = new DatabaseBackup(new Chart(app, 'shop', { namespace: 'shop' }), 'orders', props({ engine }));
    expect(Prerequisites.of(orders).roles[0]?.grants.at(-1)).toBe(
      "grant select, show view, trigger, event, process, replication client, reload on *.* to '<username>'@'%';",
    );
  });
});

describe('of what anybody makes', () => {
  test('a Secret whose keys are used in two places is one, with all its keys', () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    pod(shop, 'web', { containers: [{ name: 'web', image: 'web', env: [variable('DATABASE_PASSWORD', 'db', 'password')] }] });
    pod(shop, 'worker', {
      containers: [{ name: 'worker', image: 'worker', env: [variable('PASSWORD', 'db', 'password')] }],
      volumes: [{ name: 'tls', projected: { sources: [{ secret: { name: 'db', items: [{ key: 'ca.crt', path: 'ca.pem' }] } }] } }],
    });
    app.synth();
    expect(find(Prerequisites.of(app), 'Secret', 'db').keys).toEqual([
      { key: 'ca.crt', isFile: true, usedAs: ['the file ca.pem of Pod worker'] },
      { key: 'password', isFile: false, usedAs: ['DATABASE_PASSWORD of Pod web', 'PASSWORD of Pod worker'] },
    ]);
    expect(page()).toContain("create secret generic db \\\n  --from-file=ca.crt='<file>' \\\n  --from-literal=password='<password>'\n");
  });

  test('a key that is exchanged is needed for that, and not before the first night', () => {
    const app = new BackupApp({ outdir });
    const orders = backup(new Chart(app, 'shop', { namespace: 'shop' }), { repository: restic });
    orders.addKeyRotation({ add: SecretRef.named('next').key('password'), remove: SecretRef.named('old').key('password') });
    app.synth();
    for (const [secret, what] of [
      ['next', 'added to'],
      ['old', 'removed from'],
    ]) {
      expect(page()).toContain(
        `### Secret ${secret}\n\nIs not needed before the first night: fill it in before its key is ${what} the repository of orders; `,
      );
    }
  });

  test('a key in escrow is needed for its drill, and not before the first night', () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    backup(shop, { repository: restic }).addKeyDrill({ key: SecretRef.named('escrow').key('identity') });
    app.synth();
    expect(page()).toContain(
      '### Secret escrow\n\nIs not needed before the first night: fill it in with `identity` before, and empty it after, a drill of orders; opens a repository of orders.\n',
    );
  });

  test('what is optional in one place and not in another is not optional', () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const env = [variable('A', 'sometimes', 'a', true), variable('B', 'always', 'b', true), variable('B', 'always', 'b')];
    pod(shop, 'web', {
      containers: [{ name: 'web', image: 'web', env }],
      volumes: [{ name: 'x', configMap: { name: 'x', optional: true } }],
    });
    app.synth();
    const needed = Prerequisites.of(app);
    expect(needed.objects.filter(({ isOptional }) => isOptional).map(named)).toEqual(['ConfigMap shop/x', 'Secret shop/sometimes']);
    expect(page()).toContain('### Secret sometimes\n\nOptional: pods start without it.\n');
    expect(page()).toContain('- ConfigMap `x`: for Pod web; optional: pods start without it\n');
  });

  test('what the app makes itself is not needed, in whichever chart it is', () => {
    const app = new BackupApp({ outdir });
    const config = new Chart(app, 'config', { namespace: 'shop' });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const elsewhere = new Chart(app, 'elsewhere', { namespace: 'elsewhere' });
    pod(shop, 'web', {
      containers: [{ name: 'web', image: 'web', envFrom: [{ configMapRef: { name: 'settings' } }] }],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'own', persistentVolumeClaim: { claimName: 'data-db-1' } },
        { name: 'other', persistentVolumeClaim: { claimName: 'data-db-x' } },
      ],
    });
    pod(elsewhere, 'web', { containers: [{ name: 'web', image: 'web', envFrom: [{ configMapRef: { name: 'settings' } }] }] });
    new k8s.KubeConfigMap(config, 'settings', { metadata: { name: 'settings' } });
    new k8s.KubePersistentVolumeClaim(config, 'data', { metadata: { name: 'data' } });
    new k8s.KubeNamespace(config, 'namespace', { metadata: { name: 'elsewhere' } });
    new k8s.KubeStatefulSet(config, 'db', {
      metadata: { name: 'db' },
      spec: {
        ...{ serviceName: 'db', selector: {}, template: {} },
        volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'fast' } }],
      },
    });
    app.synth();
    expect(Prerequisites.of(shop).objects.map(named)).toEqual(['Namespace -/shop', 'PersistentVolumeClaim shop/data-db-x']);
    expect(Prerequisites.of(app).objects.map(named)).toEqual([
      'Namespace -/shop',
      'StorageClass -/fast',
      'ConfigMap elsewhere/settings',
      'PersistentVolumeClaim shop/data-db-x',
    ]);
  });

  test('what pods ask of the cluster is there, but for what every cluster has', () => {
    const app = new BackupApp({ outdir });
    PodDefaults.of(app).add({ imagePullSecrets: ['registry'] });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    new DatabaseBackup(shop, 'orders', props());
    pod(shop, 'web', { serviceAccountName: 'web', priorityClassName: 'high', runtimeClassName: 'gvisor' });
    pod(shop, 'plain', { serviceAccountName: 'default', priorityClassName: 'system-node-critical' });
    app.synth();
    expect(Prerequisites.of(app).objects.map(named)).toEqual([
      'Namespace -/shop',
      'PriorityClass -/high',
      'RuntimeClass -/gvisor',
      'PersistentVolumeClaim shop/backups',
      'Secret shop/orders-backup',
      'Secret shop/registry',
      'ServiceAccount shop/web',
    ]);
    expect(page()).toContain("kubectl -n shop create secret docker-registry registry \\\n  --docker-server='<server>'");
  });

  test('kinds of others need their definition, also those that a Role names', () => {
    const app = new BackupApp({ outdir });
    const shop = new Chart(app, 'shop', { namespace: 'shop' });
    const of = (id: string, kind: string, apiVersion: string, spec = {}) =>
      new ApiObject(shop, id, { apiVersion, kind, metadata: { name: id }, spec });
    of('policy', 'SecurityPolicy', 'acme.example/v1');
    of('gadget', 'Gadget', 'made.example/v1');
    of('definition', 'CustomResourceDefinition', 'apiextensions.k8s.io/v1', { group: 'made.example', names: { kind: 'Gadget' } });
    // A Secret that such an object makes: it is no pod's.
    of('certificate', 'Certificate', 'cert-manager.io/v1', { secretName: 'made-by-it' });
    new k8s.KubeRole(shop, 'role', {
      metadata: { name: 'role' },
      rules: [
        { apiGroups: ['', 'batch', 'rollouts.example'], resources: ['canaries/status'], verbs: ['get'] },
        { apiGroups: ['*'], resources: ['*'], verbs: ['get'] },
      ],
    });
    app.synth();
    expect(Prerequisites.of(app).objects.map(named)).toEqual([
      'CustomResourceDefinition -/canaries.rollouts.example',
      'CustomResourceDefinition -/certificates.cert-manager.io',
      'CustomResourceDefinition -/securitypolicies.acme.example',
      'Namespace -/shop',
    ]);
  });

  test('a chart that renders itself is read as it is rendered', () => {
    class Rendered extends Chart {
      public override toJson() {
        return [
          {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name: 'web' },
            spec: { containers: [{ envFrom: [{ secretRef: { name: 'all' } }] }] },
          },
        ];
      }
    }
    const app = new BackupApp({ outdir });
    const chart = new Rendered(app, 'shop');
    pod(chart, 'dropped', { serviceAccountName: 'dropped' });
    app.synth();
    expect(Prerequisites.of(app).objects.map(named)).toEqual(['Secret -/all']);
    expect(page()).toContain('## The namespace that is applied to\n\n### Secret all\n\n- `*`: variables of Pod web\n');
    expect(page()).toContain("kubectl create secret generic all \\\n  --from-env-file='<file of lines KEY=value>'\n");
  });
});

test('a claim that a verification makes for its check is not needed; those that are snapshotted are', () => {
  const app = new App({ outdir });
  const gallery = new Chart(app, 'gallery', { namespace: 'gallery' });
  new VolumeSnapshotGroup(gallery, 'gallery', {
    members: [VolumeSnapshotMember.claims(['pictures'])],
    retention: Retention.keep({ daily: 3 }),
    snapshotClassName: 'disks',
  }).addVerification({ checks: [VolumeCheck.files()], storageClassName: 'cheap' });
  expect(Prerequisites.of(app).objects.map(named)).toEqual([
    'CustomResourceDefinition -/volumesnapshots.snapshot.storage.k8s.io',
    'Namespace -/gallery',
    'StorageClass -/cheap',
    'VolumeSnapshotClass -/disks',
    'PersistentVolumeClaim gallery/pictures',
  ]);
});

test('where nothing is needed there is no page', () => {
  const app = new BackupApp({ outdir });
  new ApiObject(new Chart(app, 'shop'), 'nothing', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nothing' } });
  app.synth();
  expect(Prerequisites.of(app).toMarkdown()).toBe('');
  expect(existsSync(join(outdir, 'PREREQUISITES.md'))).toBe(false);
});

test('Helm finds no page among the templates of a chart', () => {
  mkdirSync(join(outdir, 'templates'));
  writeFileSync(join(outdir, 'Chart.yaml'), 'apiVersion: v2\n');
  const app = new BackupApp({ outdir: join(outdir, 'templates') });
  new DatabaseBackup(new Chart(app, 'shop', { namespace: 'shop' }), 'orders', props());
  app.synth();
  expect(existsSync(join(outdir, 'templates', 'PREREQUISITES.md'))).toBe(false);
  expect(page()).toContain('### Secret orders-backup\n');
});

describe.each(PLATFORMS)('$name', ({ dist, manifests }) => {
  const text = readFileSync(join(dist, 'PREREQUISITES.md'), 'utf8');

  test('names every Secret that its pods have, and every key', () => {
    const spelt = podTemplates(manifests).flatMap(({ namespace, pod: { volumes = [] }, containers }) => [
      ...containers.flatMap(({ env = [] }) =>
        env.flatMap(({ valueFrom }) => {
          const { secretKeyRef } = valueFrom ?? {};
          return secretKeyRef?.name ? [{ namespace, name: secretKeyRef.name, key: secretKeyRef.key }] : [];
        }),
      ),
      ...volumes.flatMap(({ secret }) => (secret?.items ?? []).map(({ key }) => ({ namespace, name: secret?.secretName ?? '', key }))),
    ]);
    expect(spelt.length).toBeGreaterThan(0);
    const sectionOf = (namespace = '') => text.split(/^## /m).find(section => section.startsWith(`Namespace ${namespace}\n`)) ?? '';
    const missing = spelt.filter(({ namespace, name, key }) => {
      const secret = sectionOf(namespace)
        .split(/^### /m)
        .find(paragraph => paragraph.startsWith(`Secret ${name}\n`));
      return !secret?.includes(`\n- \`${key}\`: `) || !new RegExp(`--from-(literal|file)=${key.replaceAll('.', '\\.')}='<`).test(secret);
    });
    expect(missing).toEqual([]);
  });

  test('what it says to type is what a shell makes of it', () => {
    writeFileSync(join(outdir, 'kubectl'), '#!/bin/sh\nprintf "%s|" "$@"\necho\n', { mode: 0o755 });
    const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, command]) => command).join('');
    const typed = execFileSync('sh', ['-euc', commands], { encoding: 'utf8', env: { PATH: `${outdir}:${process.env.PATH}` } });
    const kinds = typed.trimEnd().split('\n');
    expect(kinds.length).toBe(text.match(/^kubectl /gm)?.length);
    const word =
      /^(create\|namespace\|[a-z0-9-]+\||-n\|[a-z0-9-]+\|create\|secret\|generic\|[a-z0-9.-]+\|(--from-(literal|file)=[\w.-]+=<[\w.]+>\|)+)$/;
    expect(kinds.filter(each => !word.test(each))).toEqual([]);
  });
});

test('no role of an engine is without its grants in docs/engines.md', () => {
  const privileges = readFileSync('docs/engines.md', 'utf8').replaceAll('`', '');
  const [platform] = PLATFORMS;
  const text = readFileSync(join(platform?.dist ?? '', 'PREREQUISITES.md'), 'utf8');
  for (const said of [
    'pg_read_all_data',
    'show view',
    '+ping +replconf +sync +psync',
    'administrator',
    'binlog monitor',
    'login replication',
  ]) {
    expect(privileges).toContain(said);
    expect(text).toContain(said);
  }
});
