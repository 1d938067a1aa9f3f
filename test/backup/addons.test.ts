import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { App, Chart, Duration, Size } from 'cdk8s';
import { describe, expect, test, vi } from 'vitest';
import {
  Assertion,
  BackupApp,
  BackupPlan,
  type DatabaseBackup,
  DataVolume,
  Engine,
  type IBackupAddon,
  KeyDrill,
  LogArchive,
  Mirror,
  PostgresVersion,
  Prune,
  RepositoryAccess,
  Restore,
  Retention,
  Schedule,
  ScriptFolder,
  SecretRef,
  Verification,
} from '../../lib';
import { warnings } from '../../lib/core/warning';
import { networkPolicies } from '../manifests/manifest';
import { networkPolicyCovers } from '../manifests/rules/network-policy';
import { backup, chart, container, environment, files, objects, podSpec, props, restic } from '../support/synth';

const retention = Retention.keep({ daily: 7 });
const { repository: _, retention: __, ...database } = props();
const plan = (of: Chart) => new BackupPlan(of, 'nightly', { repository: restic, retention });
const names = (of: Chart) => Object.keys(objects(of)).filter(name => /^(CronJob|Deployment)/.test(name));

describe('what a plan adds', () => {
  test('every backup of it has, those that come later too', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.addBackup('a', database);
    nightly.add(
      Verification.weekly(),
      Restore.onDemand(),
      Mirror.to(files, { name: 'near', retention, verification: {}, restore: {} }),
      Prune.weekly(),
      KeyDrill.onDemand({ key: SecretRef.named('escrow').key('password') }),
    );
    nightly.addBackup('b', database);
    const expected = ['backup', 'verify', 'restore', 'mirror-near', 'verify-near', 'restore-near', 'prune', 'drill'];
    expect(names(shop)).toEqual(['a', 'b'].flatMap(series => expected.map(each => `CronJob/${series}-${each}`)));
    expect(warnings(shop.node.findAll())).toEqual([]);
  });

  test('is the same by a stock app, by ours, and when it is synthesized again', () => {
    const made = (app: App) => {
      const nightly = plan(new Chart(app, 'shop', { namespace: 'shop' }));
      nightly.add(Verification.weekly(), Restore.onDemand());
      nightly.addBackup('orders', database);
      return [app.synthYaml(), app.synthYaml()];
    };
    const [first, again] = made(new App());
    expect(first).toContain('name: orders-verify');
    expect(again).toBe(first);
    expect(made(new BackupApp())).toEqual([first, first]);
  });

  test('is judged as all else is, and what is missing beside it is told', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'addons-'));
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const app = new BackupApp({ outdir });
      const nightly = plan(new Chart(app, 'shop', { namespace: 'shop' }));
      nightly.add(Verification.weekly(), Restore.onDemand(), Mirror.to(files, { name: 'near', retention, restore: {} }));
      nightly.addBackup('orders', database);
      app.synth();
      expect(told.mock.calls.map(([line]) => line)).toEqual([
        'warning: shop/nightly/orders/mirror-near: nothing proves that orders can be restored from its mirror near: call addVerification() on the mirror\n',
      ]);
    } finally {
      told.mockRestore();
      rmSync(outdir, { recursive: true });
    }
  });

  test('a backup says more precisely, field by field', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(
      Verification.weekly({ schedule: Schedule.weekly({ at: '09:00' }), pods: { memoryLimit: Size.gibibytes(3), cpuRequest: '1' } }),
      Restore.onDemand({ safetyBackup: true }),
    );
    const orders = nightly.addBackup('orders', database);
    orders.addVerification({
      assertions: [Assertion.atLeast('select count(*) from orders', 1000)],
      pods: { memoryLimit: Size.gibibytes(5) },
    });
    orders.addRestore({ credentials: SecretRef.named('orders-owner') });
    nightly.addBackup('users', database);
    const made = objects(shop);
    expect(made['CronJob/orders-verify'].spec.schedule).toBe('0 9 * * 0');
    const [, workbench] = podSpec(made['CronJob/orders-verify']).containers;
    expect(workbench.resources).toMatchObject({ limits: { memory: '5Gi' }, requests: { cpu: '1' } });
    expect(podSpec(made['CronJob/orders-verify']).volumes.map(({ name }: { name: string }) => name)).toContain('scripts-assertions');
    expect(podSpec(made['CronJob/users-verify']).volumes.map(({ name }: { name: string }) => name)).not.toContain('scripts-assertions');
    expect(environment(made['CronJob/orders-restore'])).toMatchObject({
      PGPASSWORD: { secretKeyRef: { name: 'orders-owner' } },
    });
    const defaults = (series: string) =>
      made[`ConfigMap/${podSpec(made[`CronJob/${series}-restore`]).containers[0].envFrom[0].configMapRef.name}`].data;
    expect(defaults('orders').SAFETY_BACKUP).toBe('yes');
    expect(defaults('users').SAFETY_BACKUP).toBe('yes');
  });

  test('may be a mirror, or a drill, and is refined member by member', () => {
    const shop = chart();
    const nightly = plan(shop);
    const key = SecretRef.named('escrow').key('password');
    nightly.add(
      Mirror.to(files, {
        ...{ name: 'near', retention, schedule: Schedule.daily({ at: '04:00' }) },
        verification: { schedule: Schedule.weekly({ at: '09:00' }), pods: { cpuRequest: '1' } },
      }),
      KeyDrill.onDemand({ key, deadline: Duration.hours(3) }),
    );
    const orders = nightly.addBackup('orders', database);
    const assertions = [Assertion.atLeast('select count(*) from orders', 1000)];
    const mirror = orders.addMirror(files, {
      name: 'near',
      retention,
      verification: { assertions, pods: { memoryRequest: Size.gibibytes(2) } },
    });
    orders.addKeyDrill({ key, assertions });
    nightly.addBackup('users', database);
    const made = objects(shop);
    const asserts = (job: string) =>
      podSpec(made[`CronJob/${job}`]).volumes.some(({ name }: { name: string }) => name === 'scripts-assertions');
    const jobs = ['verify-near', 'drill'].flatMap(job => ['orders', 'users'].map(series => `${series}-${job}`));
    expect(jobs.filter(asserts)).toEqual(['orders-verify-near', 'orders-drill']);
    for (const series of ['orders', 'users']) {
      expect(made[`CronJob/${series}-mirror-near`].spec.schedule).toBe('0 4 * * *');
      expect(made[`CronJob/${series}-verify-near`].spec.schedule).toBe('0 9 * * 0');
      expect(made[`CronJob/${series}-drill`].spec.jobTemplate.spec.activeDeadlineSeconds).toBe(3 * 3600);
    }
    const [, workbench] = podSpec(made['CronJob/orders-verify-near']).containers;
    expect(workbench.resources.requests).toMatchObject({ cpu: '1', memory: '2Gi' });
    expect(mirror.node.id).toBe('mirror-near');
  });

  test('is not unsaid by what is undefined', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(Verification.weekly({ schedule: Schedule.weekly({ at: '09:00' }), deadline: undefined }));
    const orders = nightly.addBackup('orders', { ...database, retries: undefined, repository: undefined });
    orders.addVerification({ schedule: undefined, name: undefined });
    const mirror = orders.addMirror(files, { name: 'near', retention });
    mirror.addVerification({ repository: undefined });
    mirror.addRestore({ repository: undefined });
    const made = objects(shop);
    expect(made['CronJob/orders-verify'].spec.schedule).toBe('0 9 * * 0');
    for (const job of ['verify-near', 'restore-near']) expect(environment(made[`CronJob/orders-${job}`])).toHaveProperty('REPOSITORY_PATH');
  });

  test('that fails, fails again when the app is synthesized again', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(LogArchive.every(Duration.minutes(1)));
    nightly.addBackup('orders', database);
    for (const _ of ['once', 'again']) expect(() => objects(shop)).toThrow(/shop\/nightly\/orders/);
  });

  test('is not refined by what came before it, and says so', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.addBackup('orders', database).addVerification();
    nightly.add(Verification.weekly());
    expect(() => objects(shop)).toThrow(
      'shop/nightly/orders: addVerification is "called twice": the backup already has a verification named verify: leave one out, or give it another name. To refine an add-on of its plan, call plan.add() first',
    );
  });

  test('cannot be twice', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(Verification.weekly(), Verification.daily());
    nightly.addBackup('orders', database);
    expect(() => objects(shop)).toThrow('addVerification is "called twice"');
  });

  test('is refused, where it cannot be, with the path of what was made', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(LogArchive.every(Duration.minutes(1)));
    nightly.addBackup('orders', database);
    expect(() => objects(shop)).toThrow('shop/nightly/orders/log: engine is "postgres": this engine archives no log');
  });

  test('is refused with all others that cannot be, each with the line that has asked for it', () => {
    const app = new BackupApp();
    const nightly = plan(new Chart(app, 'shop', { namespace: 'shop' }));
    nightly.add(LogArchive.every(Duration.minutes(1)), Verification.weekly(), Verification.daily());
    for (const id of ['orders', 'users']) nightly.addBackup(id, database);
    class Own implements IBackupAddon {
      bind(backup: DatabaseBackup) {
        backup.addJob('own job', { scripts: ScriptFolder.at('own', join(__dirname, '..', 'engines', 'toy')) });
      }
    }
    nightly.backups[1]?.add(new Own());
    nightly.backups[1]?.add(Restore.onDemand({ request: { target: 'x' } }));
    const problems = () => {
      try {
        app.synthYaml();
      } catch (error) {
        return String(error).split('\n').slice(1);
      }
      throw new Error('nothing was refused');
    };
    const at = (code: string) => `(${relative(process.cwd(), __filename)}:${lineOf(code)})`;
    const said = problems().map(line => line.replace(/ is .* \(/, ' … ('));
    const plans = at(`nightly.add(Log${'Archive'}.every(Duration.minutes(1)), `);
    expect(said).toEqual([
      `  shop/nightly/orders/log, shop/nightly/users/log: engine … ${plans}`,
      `  shop/nightly/orders, shop/nightly/users: addVerification … ${plans}`,
      `  shop/nightly/users/own job: name … ${at(`backup.addJob('own${' '}job'`)}`,
      `  shop/nightly/users/restore: request.target … ${at(`?.add(Restore.${'onDemand'}`)}`,
    ]);
  });

  test('is refused once, however many backups have it', () => {
    const app = new BackupApp();
    const nightly = plan(new Chart(app, 'shop', { namespace: 'shop' }));
    nightly.add(LogArchive.every(Duration.minutes(1)));
    for (let index = 1; index < 10; index++) nightly.addBackup(`db-${index}`, database);
    const paths = [1, 2, 3, 4, 5].map(index => `shop/nightly/db-${index}/log`).join(', ');
    expect(() => app.synthYaml()).toThrow(`following errors:\n  ${paths} and 4 more: engine is "postgres": `);
  });

  test('that breaks in code of its own is no refusal: its stack trace is kept', () => {
    const shop = chart();
    const broken = new Error('not of this library');
    backup(shop).add({
      bind() {
        throw broken;
      },
    });
    expect(() => (shop.node.root as App).synthYaml()).toThrow(broken);
  });

  test('may be an archive of the log', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(LogArchive.every(Duration.minutes(1)), Verification.weekly(), Restore.onDemand());
    const engine = Engine.postgresPhysical({ version: PostgresVersion.V17 });
    nightly.addBackup('books', { ...database, engine, dataVolume: DataVolume.claim('data-books-0'), podLabels: { app: 'books' } });
    const made = objects(shop);
    expect(environment(made['Deployment/books-log']).ARCHIVE_EVERY).toBe('60');
    // Made before the archive, it knows of it all the same.
    expect(environment(made['CronJob/books-verify']).MAXIMUM_LOG_AGE).toBe('3600');
  });
});

describe('an add-on of a team’s own', () => {
  const scripts = ScriptFolder.of('export', { 'export.sh': '. "$BACKUP_HOME/shell/lib.sh"\nopen_point newest-verified\n' });

  /** Hands the newest recovery point to those who evaluate it. */
  class Export implements IBackupAddon {
    public bind(orders: DatabaseBackup): void {
      orders.addJob('export', {
        scripts,
        schedule: Schedule.daily({ at: '07:00' }),
        environment: { TO: 'warehouse' },
        secretFiles: { token: SecretRef.named('warehouse').key('token') },
        destinations: [{ host: 'warehouse.analytics', port: 8443 }],
      });
    }
  }

  test('makes a job with the labels, the verdict, the rights and the policy that all jobs have', () => {
    const shop = chart();
    const nightly = plan(shop);
    nightly.add(new Export());
    nightly.addBackup('orders', { ...database, repository: files });
    const made = objects(shop);
    const job = made['CronJob/orders-export'];
    expect(job.metadata.labels).toMatchObject({ 'cdk8s-backup/series': 'orders', 'cdk8s-backup/operation': 'export' });
    expect(container(job).command).toEqual(['sh', '/opt/backup/shell/run.sh', 'export']);
    expect(environment(job)).toMatchObject({ OPERATION_FOLDER: 'job', TO: 'warehouse', SERIES: 'orders' });
    // Neither the way to the server nor its credentials, and of the repository no more than reading.
    expect(JSON.stringify(job)).not.toMatch(/orders-db|orders-backup"/);
    expect(container(job).volumeMounts).toEqual(
      expect.arrayContaining([
        { name: 'repository', mountPath: '/repository', readOnly: true },
        { name: 'scripts-job', mountPath: '/opt/backup/job', readOnly: true },
        { name: 'token', mountPath: '/run/secrets/job/token', readOnly: true },
      ]),
    );
    const all = Object.values(made);
    expect(networkPolicyCovers(all)).toEqual([]);
    const policy = networkPolicies(all).find(({ metadata }) => metadata.name === 'orders-export');
    expect(policy?.spec?.egress?.at(-1)?.ports).toEqual([{ port: 8443, protocol: 'TCP' }]);
  });

  test('gets the server, and more of the repository, where it asks for them', () => {
    const shop = chart();
    backup(shop).addJob('export', { scripts, asksServer: true, access: RepositoryAccess.APPEND });
    const job = objects(shop)['CronJob/orders-export'];
    expect(job.spec.suspend).toBe(true);
    expect(environment(job)).toMatchObject({ PGHOST: 'orders-db', READY_TIMEOUT: '300' });
    expect(container(job).volumeMounts).toContainEqual({ name: 'repository', mountPath: '/repository' });
  });

  test.each([
    [
      'a name of ours',
      'verify-far',
      'name is "verify-far": write a name of lower-case letters, digits and hyphens that no job of this library uses',
    ],
    ['a name that is none', 'Export', 'name is "Export"'],
    ['a name of a verdict of ours', 'mirror', 'name is "mirror"'],
    ['a name that is taken', 'export', 'addJob is "called twice"'],
  ])('is refused %s', (_, name, says) => {
    const orders = backup(chart());
    orders.addJob('export', { scripts });
    expect(() => orders.addJob(name, { scripts })).toThrow(says);
  });

  test('a name that a container of its pod has is refused', () => {
    const scripts = ScriptFolder.of('own', { 'restic.sh': ':' });
    const says = 'name is "restic": a container of its pod that brings a tool has that name: choose another one';
    expect(() => backup(chart(), { repository: restic }).addJob('restic', { scripts })).toThrow(says);
    expect(() => backup(chart()).addJob('restic', { scripts })).not.toThrow();
  });

  test('is refused a folder without its script', () => {
    expect(() => backup(chart()).addJob('hand-over', { scripts })).toThrow(
      'shop/orders/hand-over: scripts is "export": the job hand-over needs hand-over.sh, which this folder lacks: write it',
    );
  });

  test.each(['repository', 'scratch', 'scripts-job', 'Token'])('is refused a file of a Secret called %s', name => {
    const secretFiles = { [name]: SecretRef.named('warehouse').key('token') };
    expect(() => backup(chart()).addJob('export', { scripts, secretFiles })).toThrow(
      `shop/orders/export: secretFiles is "${name}": write a name`,
    );
  });
});

/** The line of this file that has the code, from 1. */
function lineOf(code: string): number {
  return (
    readFileSync(__filename, 'utf8')
      .split('\n')
      .findIndex(line => line.includes(code)) + 1
  );
}
