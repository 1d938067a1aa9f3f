import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chart, Duration, Size } from 'cdk8s';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DatabaseBackupProps, PostgresPhysicalEngineOptions } from '../../lib';
import {
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Engine,
  PostgresVersion,
  RecoveryPoint,
  Repository,
  Retention,
  Schedule,
  SecretRef,
} from '../../lib';
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
      /maximumLag is "30 minutes": write a minute or more, and at least every /,
    );
  });

  test.each<[string, object, number | undefined]>([
    ['an hour, and a day that a run may take, where it runs hourly', {}, 1 + 1 + 24],
    ['a day', { schedule: Schedule.daily(), deadline: Duration.hours(6) }, 1 + 24 + 6],
    ['a week', { schedule: Schedule.weekly(), deadline: Duration.hours(12) }, 1 + 7 * 24 + 12],
    ['a month', { schedule: Schedule.cron('0 3 1 * *') }, 1 + 31 * 24 + 24],
    ['any age where somebody starts it', { schedule: Schedule.never() }, undefined],
  ])('in a mirror the log may be as old as its runs are apart: %s', (_, mirror, hours) => {
    const orders = backup();
    const copies = Repository.files({ claimName: 'copies' });
    const { cronJob } = orders.addMirror(copies, { name: 'near', retention: Retention.all(), ...mirror }).addVerification();
    orders.addLogArchive();
    expect(environmentOf(podOf(object(cronJob))).MAXIMUM_LOG_AGE).toBe(hours && String(hours * 3600));
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
    [
      'the host as its own primary',
      () => backup({ primary: 'orders-db' }),
      /engine\.primary is "orders-db": it is the same server as host/,
    ],
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
    expect(() => logical.addLogArchive()).toThrow(/shop\/orders\/log: engine is "postgres": this engine archives no log/);
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
      says: expect.stringMatching(/^links in the data directory are left out, .*: pg_hba\.conf postgresql\.conf\. /),
    });
  });

  test('are refused where data is', () => {
    for (const path of ['base/5/16384', 'base/5', 'pg_xact/0000', 'global/1262']) {
      expect(say(`WARNING:  skipping special file "./${path}"`)).toMatchObject({
        code: 78,
        says: expect.stringContaining(`which no base backup holds: ${path}. Move the data back`),
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

test('a replay is not whole where a batch is gone after which only such were stored that hold nothing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'replay-'));
  try {
    const replay = (until: string, missing: string) => {
      const body = `. "$BACKUP_HOME/engine/postgres.sh"
        . "$BACKUP_HOME/engine/copy.sh"
        start_server() { server_rc=0; : >"$SCRATCH/server.log"; }
        stop_server() { :; }
        mkdir -p data/pg_wal "$SCRATCH/log" "$SCRATCH/wal"
        : >"$SCRATCH/caveats"; : >"$SCRATCH/log/batches"; printf '%s' '${missing}' >"$SCRATCH/log/missing"
        UNTIL=${until} TIMELINE= BATCHES=3 timeline=1 base_timeline=1 base_end=0000000001000028 SEGMENT_BYTES=16777216 target=
        recover data`;
      writeFileSync(join(directory, 'replay.sh'), body);
      const { code, reason } = runScript('postgres-physical', '../../replay', { directory, repository: { server: '' } });
      return { code, reason, caveats: readFileSync(join(directory, 'scratch/caveats'), 'utf8') };
    };
    expect(replay('latest', '')).toEqual({ code: 0, reason: '', caveats: '' });
    const says = 'the archived log has a gap: the repository lacks batch two, after which three was stored';
    expect(replay('latest', 'two, after which three was stored')).toMatchObject({ code: 1, reason: expect.stringContaining(says) });
    expect(replay('gap', 'two, after which three was stored')).toMatchObject({ code: 0, caveats: expect.stringContaining(says) });
    expect(replay('2026-08-01T00:00:00Z', 'two, after which three was stored')).toMatchObject({ code: 0, caveats: '' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('the spool of a log archive', () => {
  const [A, B] = ['00000001000000000000000A', '00000001000000000000000B'];
  let directory: string;
  let spool: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spool-'));
    spool = join(directory, 'spool');
    mkdirSync(spool);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const holds = (files: { [name: string]: string }) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(spool, name), content);
  };
  const inSpool = () =>
    readdirSync(spool, { recursive: true, encoding: 'utf8' })
      .filter(name => /[0-9A-F]{24}/.test(name))
      .sort();
  const script = (name: string, programs = {}, environment = {}) =>
    runScript('postgres-physical', name, {
      directory,
      programs,
      environment: {
        ...{ SPOOL: spool, SLOT: 'backup', SLOT_LIMIT: '1024', MAINTENANCE_DATABASE: 'postgres', POD_NAME: 'orders-log-1' },
        ...{ ARCHIVE_PATIENCE: '0', ...environment },
      },
    });
  /** What a server answers. Segments are of 20 bytes. */
  const server = ({ system = '111', timeline = 1, history = '', slot = 'physical', limit = 512 }) => ({
    psql: `case $* in *' -f -'*) sql=$(cat) ;; *) sql=$* ;; esac
      case $sql in
        *max_slot_wal_keep_size*) echo ${limit} ;;
        *IDENTIFY_SYSTEM*) echo '${system}|${timeline}|0/A000000|' ;;
        *TIMELINE_HISTORY*) printf '%s|%s\n' '0000000${timeline}.history' '${history}' ;;
        *slot_type*) echo '${slot}' ;;
        *wal_segment_size*) echo 20 ;;
        *) echo 0 ;;
      esac`,
  });
  /** One that receives a segment, or says why not. */
  const receives = (segment: string, content: string, says = '') => ({
    pg_receivewal: `case $* in *--create-slot*) exit 0 ;; *--endpos*) exit 1 ;; esac
      [ -z "${says}" ] || { echo '${says}' >&2; exit 1; }
      echo '${content}' >'${join(spool, segment)}'`,
  });
  const follow = (of: Parameters<typeof server>[0], receiver: { pg_receivewal: string }) =>
    script('log-follow', { ...server(of), ...receiver });
  /** One that is told the names of what was chosen. */
  const step = (name: string) =>
    runScript('postgres-physical', name, { directory, arguments: [join(directory, 'names')], environment: { SPOOL: spool } });
  /** Stores batch after batch until nothing is left; each as what it holds. */
  const store = () => {
    const batches: { [name: string]: string }[] = [];
    for (;;) {
      const { output } = script('log-choose');
      if (output === '') return batches;
      writeFileSync(join(directory, 'names'), output);
      const packed = join(directory, 'packed');
      rmSync(packed, { recursive: true, force: true });
      mkdirSync(packed);
      for (const name of ['log-pack', 'log-stored']) expect(step(name)).toMatchObject({ code: 0, reason: '' });
      execFileSync('tar', ['-xf', join(directory, 'members/wal.tar'), '-C', packed]);
      batches.push(
        Object.fromEntries(
          readdirSync(packed)
            .sort()
            .map(name => [name, readFileSync(join(packed, name), 'utf8').trim()]),
        ),
      );
    }
  };

  test('is not taken for what another server writes under the same name', () => {
    holds({ system: '111\n', stored: `${A}\n`, [A]: 'of the first server' });
    expect(follow({ system: '222' }, receives(A, 'of the second server'))).toMatchObject({ code: 0 });
    expect(script('log-choose').output).toBe(`${A}\n`);
    expect(store()).toEqual([{ [A]: 'of the second server' }]);
  });

  test('keeps what two servers have left behind, one after the other, until each is stored', () => {
    holds({ system: '111\n', [A]: 'of the first server', [`${B}.partial`]: 'begun by the first' });
    expect(follow({ system: '222' }, receives(A, 'of the second server'))).toMatchObject({ code: 0 });
    expect(follow({ system: '333' }, receives(A, 'of the third server'))).toMatchObject({ code: 0 });
    expect(store()).toEqual([
      { [A]: 'of the first server', [`${B}.partial`]: 'begun by the first' },
      { [A]: 'of the second server' },
      { [A]: 'of the third server' },
    ]);
    expect(inSpool()).toEqual([A]);
  });

  test('is stored in order: what is unfinished comes after all that was finished before it', () => {
    const name = (n: number) => `00000001000000000000${n.toString(16).toUpperCase().padStart(4, '0')}`;
    holds(Object.fromEntries(Array.from({ length: 70 }, (_, n) => [name(n + 1), 'x'])));
    holds({ [`${name(71)}.partial`]: 'y' });
    const [first = {}, second = {}] = store().map(Object.keys);
    expect(first).toHaveLength(64);
    expect(second).toEqual([65, 66, 67, 68, 69, 70].map(name).concat(`${name(71)}.partial`));
  });

  test('lets nothing go that has taken the name of what was stored meanwhile', () => {
    holds({ [A]: 'of the first server' });
    writeFileSync(join(directory, 'names'), script('log-choose').output);
    expect(step('log-pack')).toMatchObject({ code: 0 });
    renameSync(join(spool, A), join(directory, 'elsewhere'));
    holds({ [A]: 'of the second server', [B]: 'its next' });
    expect(step('log-stored')).toMatchObject({ code: 0 });
    expect(store()).toEqual([{ [A]: 'of the second server', [B]: 'its next' }]);
  });

  test('is stored whole: what is finished while a batch is packed is in it', () => {
    holds({ [`${A}.partial`]: 'begun' });
    writeFileSync(join(directory, 'names'), script('log-choose').output);
    renameSync(join(spool, `${A}.partial`), join(spool, A));
    expect(step('log-pack')).toMatchObject({ code: 0 });
    expect(execFileSync('tar', ['-tf', join(directory, 'members/wal.tar')], { encoding: 'utf8' })).toContain(A);
    expect(step('log-stored')).toMatchObject({ code: 0 });
    expect(script('log-choose').output).toBe('');
  });

  test('holds nothing to store in a segment of which nothing has come', () => {
    holds({ [`${A}.partial`]: '\0'.repeat(20) });
    expect(script('log-choose').output).toBe('');
  });

  test('keeps its newest whole segment, by which the receiver goes on, and nothing else that is stored', () => {
    holds({ [A]: 'one', [B]: 'two', '00000001000000000000000C': 'three' });
    expect(store()).toHaveLength(1);
    expect(inSpool()).toEqual(['00000001000000000000000C']);
    expect(readFileSync(join(spool, 'stored'), 'utf8')).toBe('00000001000000000000000C\n');
  });

  test('of a volume that was full holds no beginning of a segment on which the receiver would stop', () => {
    holds({ system: '111\n', [A]: 'x'.repeat(20), [`${B}.partial`]: 'xxxx' });
    expect(follow({}, receives(B, 'whole'))).toMatchObject({ code: 0 });
    expect(inSpool()).toEqual([A, B]);
    holds({ '00000001000000000000000C.partial': 'y'.repeat(20) });
    follow({}, receives(B, 'whole'));
    expect(inSpool()).toContain('00000001000000000000000C.partial');
  });

  test('is left for another timeline of the same number, whose history is received', () => {
    holds({ system: '111\n', '00000002.history': '1\t0/A000000\tpromoted here\n', [A.replace('1', '2')]: 'of the first' });
    const told = follow({ timeline: 2, history: '1\t0/B000000\tpromoted there' }, receives(B.replace('1', '2'), 'of the second'));
    expect(told.log).toContain('timeline 2 of the server is not the one that was received before');
    holds({ '00000002.history': '1\t0/B000000\tpromoted there\n' });
    expect(store()).toEqual([
      { [A.replace('1', '2')]: 'of the first', '00000002.history': '1\t0/A000000\tpromoted here' },
      { [B.replace('1', '2')]: 'of the second', '00000002.history': '1\t0/B000000\tpromoted there' },
    ]);
    expect(follow({ timeline: 2, history: '1\t0/B000000\tpromoted there' }, receives(B, 'more')).log).not.toContain('another one');
  });

  test('is left where the server is on a timeline to which that does not lead, and goes on where it does', () => {
    const second = A.replace('1', '2');
    holds({ system: '111\n', [second]: 'of the second' });
    const forked = (from: number) => ({ timeline: 3, history: `${from}\t0/A000000\tpromoted` });
    expect(follow(forked(2), receives(B.replace('1', '3'), 'of the third')).log).not.toContain('begins anew');
    rmSync(join(spool, B.replace('1', '3')));
    expect(follow(forked(1), receives(B.replace('1', '3'), 'of the third')).log).toMatch(
      /on timeline 3, to which the received timeline 2 does not lead: the archive starts over; take a backup now/,
    );
    expect(inSpool()).toEqual([B.replace('1', '3'), `former/1/${second}`]);
  });

  test.each([
    [
      'pg_receivewal: error: could not send replication command "START_REPLICATION": ERROR:  requested starting point 0/B000000 is ahead of the WAL flush position of this server 0/A000000',
      true,
    ],
    [
      'pg_receivewal: error: could not send replication command "START_REPLICATION": FEHLER:  Startpunkt 0/B000000 liegt vor der Flush-Position 0/A000000',
      true,
    ],
    [
      'pg_receivewal: error: unexpected termination of replication stream: ERROR:  requested starting point 0/6000000 is ahead of the WAL flush position of this server 0/50002D8',
      true,
    ],
    [
      'pg_receivewal: error: unexpected termination of replication stream: FEHLER:  WAL-Segment 00000001000000000000000A ist schon entfernt',
      true,
    ],
    [
      'pg_receivewal: error: unexpected termination of replication stream: ERROR:  could not open file "pg_wal/00000001000000000000000A": Permission denied',
      false,
    ],
    [
      'pg_receivewal: error: unexpected termination of replication stream: ERROR:  could not read from WAL segment 00000001000000000000000A, offset 8192: read 0 of 8192',
      false,
    ],
    [
      'pg_receivewal: error: could not send replication command "START_REPLICATION": ERROR:  replication slot "backup" is active for PID 77',
      false,
    ],
  ])('is begun anew where the server cannot go on, in whatever language it says so: %s', (says, anew) => {
    holds({ system: '111\n', [A]: 'received' });
    const { code, log } = follow({}, receives(B, '', says));
    expect(code).not.toBe(0);
    expect(log.includes('the archive starts over')).toBe(anew);
    expect(inSpool()).toEqual([anew ? `former/1/${A}` : A]);
  });

  test('is not begun where the server keeps log without a limit, but goes on where it keeps it already: nobody else frees it', () => {
    const unlimited = { limit: -1 };
    expect(follow({ ...unlimited, slot: '' }, receives(A, 'received'))).toMatchObject({
      code: 78,
      reason: expect.stringMatching(/^max_slot_wal_keep_size is -1 MB on the server/),
    });
    expect(follow(unlimited, receives(A, 'received'))).toMatchObject({
      code: 0,
      log: expect.stringContaining('WARNING: max_slot_wal_keep_size'),
    });
    expect(inSpool()).toEqual([A]);

    const endangered = (limit: number) => {
      const { psql } = server({ limit });
      const { code } = script('log-received', { psql: psql.replace('*) echo 0 ;;', '*) echo all ;;') });
      expect(code).toBe(0);
      return readFileSync(join(directory, 'scratch/endangered'), 'utf8');
    };
    expect(endangered(512)).toBe('');
    expect(endangered(-1)).toMatch(/^max_slot_wal_keep_size is -1 MB on the server/);
  });

  test('is not begun, and nothing is dropped, where a slot of its name is somebody else’s', () => {
    const { code, reason } = follow({ slot: 'logical' }, receives(A, ''));
    expect(code).toBe(78);
    expect(reason).toMatch(/^the server has a logical replication slot named backup, .* choose another name \(slot\)$/);
  });
});
