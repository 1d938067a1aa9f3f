import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chart, Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import type { DatabaseBackupProps, PostgresPhysicalEngineOptions } from '../../lib';
import { BackupApp, DatabaseBackup, DataVolume, Engine, PostgresVersion, RecoveryPoint, Repository, Retention, SecretRef } from '../../lib';
import { runScript } from '../shell/script';

function backup(options: Partial<PostgresPhysicalEngineOptions> = {}, different: Partial<DatabaseBackupProps> = {}) {
  const chart = new Chart(new BackupApp(), 'shop', { namespace: 'shop' });
  return new DatabaseBackup(chart, 'orders', {
    engine: Engine.postgresPhysical({ version: PostgresVersion.V17, ...options }),
    host: 'orders-db',
    credentials: SecretRef.named('orders'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
    dataVolume: DataVolume.claim('data-db-0', 'pgdata'),
    ...different,
  });
}
// biome-ignore lint/suspicious/noExplicitAny: manifests are looked into
const object = (of: { toJson(): any }) => of.toJson();
// biome-ignore lint/suspicious/noExplicitAny: as above
const podOf = (cronJob: any) => cronJob.spec.jobTemplate.spec.template.spec;
// biome-ignore lint/suspicious/noExplicitAny: as above
const environmentOf = (pod: any) => Object.fromEntries(pod.containers[0].env.map((each: any) => [each.name, each.value]));

describe('physical backups of PostgreSQL', () => {
  test('only a restore works on the data volume', () => {
    const orders = backup();
    const saving = podOf(object(orders.cronJob));
    const restoring = podOf(object(orders.addRestore().job));
    expect(saving.volumes.map((volume: { name: string }) => volume.name)).not.toContain('data');
    expect(restoring.volumes).toContainEqual({ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } });
    expect(environmentOf(restoring).DATA_DIRECTORY).toBe('/data/pgdata');
  });

  test('the log is archived by one pod that keeps what it received on a volume of its own', () => {
    const archive = object(backup().addLogArchive({ every: Duration.minutes(10), spoolSize: Size.gibibytes(20) }).deployment);
    expect(archive.metadata.name).toBe('orders-log');
    expect(archive.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    const pod = archive.spec.template.spec;
    expect(environmentOf(pod)).toMatchObject({
      SERIES: 'orders-log',
      ARCHIVE_EVERY: '600',
      SPOOL: '/spool/received',
      SLOT: 'backup',
      SLOT_LIMIT: '16384',
    });
    expect(pod.volumes).toContainEqual({ name: 'spool', persistentVolumeClaim: { claimName: 'orders-log' } });
    expect(pod.restartPolicy).toBeUndefined();
  });

  test('a verification wants the log to be stored until lately where it is archived, whichever was said first', () => {
    const age = (backup_: DatabaseBackup, verification = {}) =>
      environmentOf(podOf(object(backup_.addVerification(verification).cronJob))).MAXIMUM_LOG_AGE;
    const archived = (options = {}) => {
      const orders = backup();
      orders.addLogArchive(options);
      return orders;
    };
    expect(age(backup())).toBeUndefined();
    expect(age(archived())).toBe('3600');
    expect(age(archived({ every: Duration.hours(1) }))).toBe(String(6 * 3600));
    expect(age(archived(), { maximumLogAge: Duration.minutes(20) })).toBe('1200');
    expect(age(archived(), { name: 'copy', repository: Repository.files({ claimName: 'copies' }) })).toBe(String(25 * 3600));
    const orders = backup();
    const { cronJob } = orders.addVerification();
    const archive = object(orders.addLogArchive({ maximumLag: Duration.minutes(45) }).deployment);
    expect(environmentOf(podOf(object(cronJob))).MAXIMUM_LOG_AGE).toBe('5400');
    expect(environmentOf(archive.spec.template.spec)).toMatchObject({ ARCHIVE_STALE: '45', ARCHIVE_HEARTBEAT: '2700' });
    expect(() => backup().addLogArchive({ every: Duration.hours(1), maximumLag: Duration.minutes(30) })).toThrow(
      /maximumLag is "30 minutes": write a minute or more, and no less than every/,
    );
  });

  test('a replica is waited for, and both servers may be reached', () => {
    const orders = backup({ primary: 'orders-primary', replayTimeout: Duration.minutes(3) });
    expect(environmentOf(podOf(object(orders.cronJob)))).toMatchObject({ PRIMARY: 'orders-primary', REPLAY_TIMEOUT: '180' });
    const policy = orders.node.children.find(child => child.node.id === 'NetworkPolicy') as unknown as {
      toJson(): { spec: { egress: unknown[] } };
    };
    expect(policy.toJson().spec.egress).toHaveLength(3);
  });

  test('a moment is a recovery point', () => {
    const orders = backup();
    const request = orders.addRestore({ from: RecoveryPoint.at('2026-08-01T00:00:00Z') }).node.findChild('Defaults') as unknown as {
      toJson(): { data: unknown };
    };
    expect(request.toJson().data).toMatchObject({ RECOVERY_POINT: '2026-08-01T00:00:00Z', UNTIL: '' });
    expect(() => orders.addRestore({ name: 'other', from: RecoveryPoint.at('2026-13-01T00:00:00Z') })).toThrow(
      /from is "2026-13-01T00:00:00Z"/,
    );
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'a restore without the data volume',
      () => backup({}, { dataVolume: undefined }).addRestore(),
      /shop\/orders\/restore: dataVolume is not set: a restore of postgres-physical works on the server's files/,
    ],
    [
      'a safety backup of a stopped server',
      () => backup().addRestore({ safetyBackup: true }),
      /safetyBackup is true: .*needs the server stopped/,
    ],
    ['a slot with a dash', () => backup({ slot: 'my-slot' }), /engine\.slot is "my-slot"/],
    [
      'incremental backups of PostgreSQL 16',
      () => backup({ version: PostgresVersion.V16, incrementals: 6 }),
      /engine\.incrementals is 6: PostgreSQL 16 has no incremental backups/,
    ],
    ['half a job', () => backup({ jobs: 0.5 }), /engine\.jobs is 0\.5/],
    [
      'a rate that pg_basebackup refuses',
      () => backup({ maxRate: Size.gibibytes(2) }),
      /engine\.maxRate is "2Gi": write a size from 32Ki to 1Gi/,
    ],
    ['the host as its own primary', () => backup({ primary: 'orders-db' }), /engine\.primary is "orders-db": it is the host itself/],
    [
      'a batch every two days',
      () => backup().addLogArchive({ every: Duration.days(2) }),
      /every is .*: write a duration from a second to a day/,
    ],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  test('an engine without a log has none to archive', () => {
    const chart = new Chart(new BackupApp(), 'shop', { namespace: 'shop' });
    const logical = new DatabaseBackup(chart, 'orders', {
      engine: Engine.postgres({ version: PostgresVersion.V17 }),
      host: 'orders-db',
      credentials: SecretRef.named('orders'),
      repository: Repository.files({ claimName: 'backups' }),
      retention: Retention.keep({ daily: 7 }),
    });
    expect(() => logical.addLogArchive()).toThrow(
      /shop\/orders\/log: engine is "postgres": its recovery points are complete by themselves/,
    );
  });
});

describe('links in the data directory, which no base backup holds', () => {
  const say = (...said: string[]) => {
    const directory = mkdtempSync(join(tmpdir(), 'skipped-'));
    try {
      writeFileSync(join(directory, 'said'), said.map(line => `${line}\n`).join(''));
      writeFileSync(
        join(directory, 'say.sh'),
        `. "$BACKUP_HOME/engine/postgres.sh"; : >"$SCRATCH/caveats"; say_skipped <'${directory}/said'`,
      );
      const { code, reason } = runScript('postgres-physical', '../../say', { directory });
      return { code, says: reason || readFileSync(join(directory, 'scratch/caveats'), 'utf8') };
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  test('are named where they are no data, in whatever language the server speaks', () => {
    expect(
      say('WARNING:  skipping special file "./postgresql.conf"', 'WARNUNG:  besondere Datei »./pg_hba.conf« wird übersprungen'),
    ).toMatchObject({
      code: 0,
      says: expect.stringMatching(/^links in the data directory are left out: pg_hba\.conf postgresql\.conf\. /),
    });
  });

  test('are refused where data is', () => {
    for (const path of ['base/5/16384', 'base/5', 'pg_xact/0000', 'global/1262']) {
      expect(say(`WARNING:  skipping special file "./${path}"`)).toMatchObject({
        code: 78,
        says: expect.stringContaining(`no base backup holds what is there: ${path}. Move it back`),
      });
    }
  });

  test('are not spoken of where they are sockets, or lead to what the server says of itself', () => {
    const said = ['"./.s.PGSQL.5432"', '"./log"'].map(path => `WARNING:  skipping special file ${path}`);
    expect(say(...said, 'NOTICE:  WAL archiving is not enabled; you must ensure that all required WAL segments are copied')).toEqual({
      code: 0,
      says: '',
    });
  });
});

test('what is stored of one server is not taken for what another one writes under the same name', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'));
  try {
    const spool = join(directory, 'spool');
    const segment = '00000001000000000000000A';
    mkdirSync(spool);
    for (const [name, content] of Object.entries({ system: '111\n', stored: `${segment}\n`, [segment]: 'of the first server' })) {
      writeFileSync(join(spool, name), content);
    }
    const environment = { SPOOL: spool, SLOT: 'backup', SLOT_LIMIT: '1024', MAINTENANCE_DATABASE: 'postgres' };
    const programs = {
      psql: 'case $* in *max_slot_wal_keep_size*) echo 512 ;; *system_identifier*) echo 222 ;; *) echo 0 ;; esac',
      pg_receivewal: `case $* in *--create-slot*) ;; *) echo 'of the second server' >'${join(spool, segment)}' ;; esac`,
    };
    expect(runScript('postgres-physical', 'log-follow', { directory, programs, environment })).toMatchObject({ code: 0 });
    expect(runScript('postgres-physical', 'log-choose', { directory, environment }).output).toBe(`${segment}\n`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
