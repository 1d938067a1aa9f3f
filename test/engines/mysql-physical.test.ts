import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { DataVolume, Engine, type IEngine, MariadbVersion, MysqlTls, MysqlVersion, SecretRef, XtrabackupVersion } from '../../lib';
import { programsOf } from '../../lib/engines/mysql-physical/mysql-physical';
import { linkShell } from '../support/shell-folder';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

const mariadb = Engine.mariadbPhysical({ version: MariadbVersion.V10_11 });
const dataVolume = DataVolume.claim('data-orders-db-0');
const jobs = (engine: IEngine, volume = dataVolume) => {
  const of = chart();
  const made = backup(of, { engine, dataVolume: volume, podLabels: { app: 'db' } });
  made.addVerification();
  made.addRestore();
  return objects(of);
};

describe('options that is invalid', () => {
  const version = MysqlVersion.V8_4;
  test.each([
    [
      Engine.mariadbPhysical({ version: MariadbVersion.V10_11, dataDirectory: 'data/' }),
      /engine\.dataDirectory is "data\/": write the server's datadir/,
    ],
    [Engine.mariadbPhysical({ version: MariadbVersion.V10_11, lockTimeout: Duration.seconds(0) }), /write a second or more/],
    [
      Engine.mysqlPhysical({ version, xtrabackup: XtrabackupVersion.V8_0 }),
      /engine\.xtrabackup is "8\.0": .*only files of the same MySQL series, and the server's is 8\.4 \(Percona/,
    ],
    [Engine.mysqlPhysical({ version: MysqlVersion.V9_7 }), /engine\.xtrabackup is not set: name a release for MySQL 9\.7/],
    [Engine.mysqlPhysical({ version, xtrabackup: XtrabackupVersion.of('8.4', 'percona/percona-xtrabackup') }), /pin a version/],
  ])('%#', (engine, error) => {
    expect(() => backup(chart(), { engine, dataVolume })).toThrow(error);
  });

  test('no data volume, a safety backup', () => {
    expect(() => backup(chart(), { engine: mariadb })).toThrow(/works on the server's files: name their volume/);
    expect(() => backup(chart(), { engine: mariadb, dataVolume }).addRestore({ safetyBackup: true })).toThrow(/needs the server stopped/);
  });
});

test("a backup reads the files where the server has them, on the server's node, and changes nothing about them", () => {
  const { 'CronJob/orders-backup': job } = jobs(mariadb, DataVolume.claim('data-orders-db-0', 'mysql'));
  expect(podSpec(job).volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-orders-db-0', readOnly: true } });
  expect(container(job).volumeMounts).toContainEqual({ name: 'data', mountPath: '/var/lib/mysql', readOnly: true, subPath: 'mysql' });
  expect(environment(job)).toMatchObject({ DATA_DIRECTORY: '/var/lib/mysql', DIALECT: 'mariadb' });
  expect(podSpec(job).affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector.matchLabels).toEqual({
    app: 'db',
  });
});

test('a restore may write beside the data directory', () => {
  const { 'CronJob/orders-restore': job } = jobs(mariadb, DataVolume.claim('data-orders-db-0', 'mysql'));
  expect(podSpec(job).volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-orders-db-0' } });
  expect(container(job).volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' });
  expect(environment(job)).toMatchObject({ DATA_DIRECTORY: '/data/mysql' });
});

test('a verification has neither the files nor the address of the server', () => {
  const tls = MysqlTls.verified(SecretRef.named('ca').key('ca.crt'));
  const { 'CronJob/orders-verify': job, 'CronJob/orders-backup': backs } = jobs(
    Engine.mariadbPhysical({ version: MariadbVersion.V10_11, tls }),
  );
  expect(environment(backs)).toMatchObject({ TLS: 'verified', TLS_CA: '/run/tls/mysql/ca.crt' });
  expect(podSpec(job).volumes.map((volume: { name: string }) => volume.name)).not.toContain('data');
  expect(Object.keys(environment(job)).filter(name => /^SERVER_|^TLS/.test(name))).toEqual([]);
});

test("MySQL's jobs run in the server's image, with XtraBackup of the same series beside it", () => {
  for (const job of ['backup', 'verify', 'restore'].map(
    operation => jobs(Engine.mysqlPhysical({ version: MysqlVersion.V8_4 }))[`CronJob/orders-${operation}`],
  )) {
    expect(container(job).image).toBe('mysql:8.4.11-oraclelinux9');
    expect(podSpec(job).initContainers[0]).toMatchObject({ name: 'xtrabackup', image: 'percona/percona-xtrabackup:8.4.0-6.1' });
  }
});

test("MariaDB's log is archived as a replica receives it; MySQL has none here", () => {
  const archive = backup(chart(), { engine: mariadb, dataVolume }).addLogArchive().deployment.toJson();
  expect(environment(archive)).toMatchObject({ SERIES: 'orders-log', REPLICA_ID: '4143674714', SPOOL: '/spool/received' });
  const mysql = backup(chart(), { engine: Engine.mysqlPhysical({ version: MysqlVersion.V8_4 }), dataVolume });
  expect(() => mysql.addLogArchive()).toThrow(/complete by themselves/);
});

test('two archives of one server are two replicas', () => {
  const replica = (name: string, options = {}) => {
    const engine = Engine.mariadbPhysical({ version: MariadbVersion.V10_11, ...options });
    const orders = backup(chart(), { engine, dataVolume, series: name });
    return Number(environment(orders.addLogArchive().deployment.toJson()).REPLICA_ID);
  };
  expect(replica('orders')).toBeGreaterThanOrEqual(2 ** 31);
  expect(replica('orders')).toBe(replica('orders'));
  expect(replica('orders')).not.toBe(replica('bills'));
  expect(replica('orders', { replicaId: 12 })).toBe(12);
  expect(() => replica('orders', { replicaId: 2 ** 32 })).toThrow(/engine.replicaId.*write a whole number from 1 to 4294967295/s);
});

test('what the client says of a statement that failed is told without what it quotes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'words-'));
  try {
    writeFileSync(join(directory, 'said'), "ERROR 1062 (23000) at line 7: Duplicate entry '4111 1111 1111 1111' for key 'card'\n");
    writeFileSync(join(directory, 'nothing'), "it's '4111'\n");
    linkShell(join(directory, 'shell'));
    const script = `. ${resolve('lib/engines/mysql-physical/physical.sh')}; client_words said 1; echo; client_words nothing 3`;
    const said = execFileSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        BACKUP_HOME: directory,
        SCRATCH: directory,
        SERIES: 'a',
        REPOSITORY_FOLDER: 'none',
        DIALECT: 'mariadb',
        TLS: '',
      },
    });
    expect(said).toBe('ERROR 1062 (23000) at line 7\nmariadb ended with exit code 3');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a program that is put beside another image runs there, with its own libraries and loader', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tools-'));
  try {
    chmodSync(directory, 0o755);
    const [shell, how, script = ''] = programsOf('tools', 'any:1', ['ls', 'gzip']).command;
    execFileSync(shell ?? '', [how ?? '', script.replaceAll('/tools', directory)]);
    // In a root with nothing but these files; `run_tool` of physical.sh starts programs like this.
    const said = execFileSync('chroot', [directory, `/lib/${loader(directory)}`, '--library-path', '/lib', '/gzip', '--version'], {
      encoding: 'utf8',
    });
    expect(said).toMatch(/^gzip \d/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function loader(directory: string): string {
  return (
    execFileSync('ls', [join(directory, 'lib')], { encoding: 'utf8' })
      .split('\n')
      .find(name => name.startsWith('ld-linux')) ?? ''
  );
}
