import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runScript, type ScriptOutcome } from '../shell/script';

// A server that stops answering in the middle of a script's questions. What it did not say must not be taken for an answer.

interface Questions {
  readonly client: string;
  readonly says: string;
  /** By a part of the question, in the order in which they are tried. */
  readonly answers: readonly (readonly [question: string, answer: string])[];
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'questions-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A client that answers the first questions, and then fails for good. */
function answering({ client, says, answers }: Questions, times: number): { [name: string]: string } {
  const lines = [
    `echo x >>'${directory}/asked'`,
    `[ "$(wc -l <'${directory}/asked')" -le ${times} ] || { echo "${says}" >&2; exit 2; }`,
    `case "$*" in`,
    ...answers.map(([question, answer]) => `*'${question}'*) printf '${answer}\\n' ;;`),
    'esac',
  ];
  return { [client]: lines.join('\n') };
}

/** Of a script that ends before it is done: not by a refusal, which no retry would mend, and with the client's own words in the verdict. */
function expectToFail({ code, reason, log }: ScriptOutcome, says: string): void {
  expect(code, log).not.toBe(0);
  expect(code, reason).not.toBe(78);
  expect(reason || readFileSync(join(directory, 'scratch/outcome/unexplained'), 'utf8')).toContain(says);
}

describe('a base backup of PostgreSQL', () => {
  const questions: Questions = {
    client: 'psql',
    says: 'psql: error: FATAL: sorry, too many clients already',
    answers: [
      ['server_version_num', '160004'],
      ['wal_level', 'replica'],
      ['rolreplication', 't'],
      ['pg_tablespace', ''],
      ['pg_is_in_recovery', 't'],
      ['pg_current_wal_lsn', '0/3000000'],
      ['pg_last_wal_replay_lsn', 't'],
      ['show server_version', '16.4'],
      ['pg_postmaster_start_time', '2026-08-01T00:00:00.000000Z'],
      ['rolname from pg_roles where oid = 10', 'superuser\\tpostgres'],
      ['summarize_wal', 'on'],
    ],
  };

  test.each([0, 1, 2, 3, 4, 5, 7, 8, 9])('after %i answers', times => {
    const outcome = runScript('postgres-physical', 'dump', {
      directory,
      programs: { ...answering(questions, times), pg_basebackup: 'echo "pg_basebackup (PostgreSQL) 16.4"' },
      environment: {
        ...{ PGHOST: 'orders-db', PGUSER: 'backup', MAINTENANCE_DATABASE: 'postgres', PRIMARY: 'primary', REPLAY_TIMEOUT: '1' },
        ...{ INCREMENTALS: '1', MAX_RATE: '', SAFETY: 'no' },
      },
    });
    expectToFail(outcome, questions.says);
  });
});

describe('the binary log of MariaDB', () => {
  const questions: Questions = {
    client: 'mariadb',
    says: 'ERROR 1040 (HY000): Too many connections',
    answers: [
      ['log_bin', 'log_bin\\tON'],
      ['show master status', 'binlog.000001\\t330\\t\\t'],
      ['log_slave_updates', 'log_slave_updates\\tOFF'],
      ['wsrep_on', ''],
      ['Slaves_running', '0'],
      ['gtid_slave_pos', 'gtid_slave_pos\\t'],
      ['binlog_expire_logs_seconds', '864000'],
      ['binlog_format', 'binlog_format\\tMIXED'],
      ['system_time_zone', 'system_time_zone\\tUTC'],
      ['time_zone', 'time_zone\\tSYSTEM'],
    ],
  };

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('after %i answers', times => {
    const outcome = runScript('mysql-physical', 'log-follow', {
      directory,
      programs: answering(questions, times),
      environment: {
        ...{ DIALECT: 'mariadb', SERVER_HOST: 'shop-db', SERVER_PORT: '3306', SERVER_USER: 'backup', SERVER_PASSWORD: 'x' },
        ...{ TLS: 'disabled', TLS_CA: '', DATA_DIRECTORY: join(directory, 'data'), SPOOL: join(directory, 'spool') },
      },
    });
    expectToFail(outcome, questions.says);
  });
});
