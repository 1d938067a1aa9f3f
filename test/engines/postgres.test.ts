import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CaCertificates, Engine, type PostgresEngineOptions, PostgresVersion, SecretRef } from '../../lib';
import { AWKS } from '../shell/awk';
import { linkShell } from '../support/shell-folder';
import { backup, chart, environment, type Manifest, podSpec } from '../support/synth';

const engine = (options: Partial<PostgresEngineOptions>) => ({ engine: Engine.postgres({ version: PostgresVersion.V17, ...options }) });

describe('the server’s certificate', () => {
  const authorities = { sslMode: 'verify-full', caCertificates: CaCertificates.secret(SecretRef.named('db-ca').key('ca.crt')) };

  test.each([
    ['postgres', engine(authorities)],
    ['postgresPhysical', { engine: Engine.postgresPhysical({ version: PostgresVersion.V17, ...authorities }) }],
  ])('is judged by authorities that are mounted: %s', (_, different) => {
    const cronJob: Manifest = backup(chart(), different).cronJob.toJson();
    expect(environment(cronJob)).toMatchObject({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/run/secrets/postgres-ca/ca.crt' });
    expect(podSpec(cronJob).volumes).toContainEqual(
      expect.objectContaining({ name: 'postgres-ca', secret: expect.objectContaining({ secretName: 'db-ca' }) }),
    );
  });

  test('is judged without being asked for once the authorities are named', () => {
    const { caCertificates } = authorities;
    expect(environment(backup(chart(), engine({ caCertificates })).cronJob.toJson())).toMatchObject({ PGSSLMODE: 'verify-full' });
  });

  test('cannot be judged without authorities', () => {
    expect(() => backup(chart(), engine({ sslMode: 'verify-full' }))).toThrow(
      'shop/orders: engine.sslMode is "verify-full": name the authorities that may have signed the certificate, in caCertificates',
    );
  });
});

describe('settings of the server that verifies', () => {
  test('reach it, quoted', () => {
    const scratchSettings = { shared_preload_libraries: 'pg_cron', 'cron.database_name': "it's" };
    const verification: Manifest = backup(chart(), engine({ scratchSettings })).addVerification().cronJob.toJson();
    const variables = podSpec(verification).containers.flatMap((each: Manifest) => each.env);
    expect(variables).toContainEqual({
      name: 'SCRATCH_SETTINGS',
      value: "cron.database_name = 'it''s'\nshared_preload_libraries = 'pg_cron'",
    });
  });

  test.each([
    [{ listen_addresses: '*' }, 'engine.scratchSettings["listen_addresses"] is "*": the verification sets it itself: leave it out'],
    [{ 'work mem': '1' }, 'engine.scratchSettings["work mem"] is "1": write the name of a setting'],
    [{ work_mem: '1\n2' }, 'engine.scratchSettings["work_mem"] is "1\\n2": write the value in one line'],
  ])('%j is refused', (scratchSettings, says) => {
    expect(() => backup(chart(), engine({ scratchSettings }))).toThrow(says);
  });
});

test('no setting of a server decides how the text of a dump is written, or read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'session-'));
  linkShell(join(directory, 'shell'));
  symlinkSync(resolve('lib/engines/postgres'), join(directory, 'engine'));
  const { stdout } = spawnSync('sh', ['-c', '. "$BACKUP_HOME/engine/postgres.sh"; printf %s "$PGOPTIONS"'], {
    env: { ...process.env, BACKUP_HOME: directory, SCRATCH: directory, SERIES: 'orders', REPOSITORY_FOLDER: 'none' },
    encoding: 'utf8',
  });
  // `12,34` of type money is 1234 elsewhere; an element NULL is the text of that name.
  for (const setting of ['lc_monetary=C', 'array_nulls=on', 'transform_null_equals=off', 'quote_all_identifiers=off'])
    expect(stdout.split(' -c ')).toContain(setting);
  rmSync(directory, { recursive: true });
});

describe.each(AWKS)('%s %s', (...awk) => {
  const [command = '', ...args] = awk.filter(Boolean);
  const said = (text: string) =>
    spawnSync(command, [...args, '-f', 'lib/engines/postgres/said.awk'], { input: text, encoding: 'utf8' }).stdout;

  test('of an error the words go that may hold a row, and what to do stays', () => {
    expect(
      said(`pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 3325; 2606 16390 CONSTRAINT cards cards_pkey app
pg_restore: error: could not execute query: ERROR:  could not create unique index "cards_pkey"
DETAIL:  Key (card)=(4111) is duplicated.
Command was: ALTER TABLE ONLY public.cards ADD CONSTRAINT cards_pkey PRIMARY KEY (card) -- 4111
pg_restore: error: COPY failed for table "cards": ERROR:  card 4111 is not allowed
HINT:  4111
CONTEXT:  COPY cards, line 3: "4111"
psql:/x.sql:3: ERROR:  22P02: invalid input syntax for type integer: "4111"
psql:/x.sql:3: ERROR:  42501: permission denied for table cards
WARNING:  4111
4111
`),
    ).toBe(`pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 3325; 2606 16390 CONSTRAINT cards cards_pkey app
pg_restore: error: could not execute query: ERROR: could not create unique index "cards_pkey"
pg_restore: error: COPY failed for table "cards": ERROR: (the server's message may hold data and is not repeated; its log has it)
psql:/x.sql:3: ERROR: 22P02 (the server's message may hold data and is not repeated; its log has it)
psql:/x.sql:3: ERROR: permission denied for table cards (42501)
`);
  });

  test('roles are made whole or not at all, and what a lesser role may not give them is named', () => {
    const directory = mkdtempSync(join(tmpdir(), 'roles-'));
    const [present, globals, labels, attributes, grants] = ['present', 'globals', 'labels', 'attributes', 'grants'].map(name =>
      join(directory, name),
    );
    writeFileSync(present ?? '', 'old\n"a TO b"\n');
    writeFileSync(
      globals ?? '',
      `--
\\restrict abc
CREATE ROLE old;
ALTER ROLE old WITH NOSUPERUSER LOGIN VALID UNTIL '2030-01-01 00:00:00+00';
CREATE ROLE "my app";
ALTER ROLE "my app" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION BYPASSRLS PASSWORD 'SCRAM' VALID UNTIL 'infinity';
COMMENT ON ROLE "my app" IS 'two
lines; -- of
"one"';
ALTER ROLE "my app" SET log_min_messages TO 'secret';
GRANT old TO "my app" WITH ADMIN OPTION GRANTED BY postgres;
GRANT old TO "a TO b" WITH INHERIT TRUE GRANTED BY postgres;
GRANT "a TO b" TO "my app" WITH ADMIN OPTION, INHERIT FALSE GRANTED BY postgres;
GRANT SET ON PARAMETER log_min_messages TO PUBLIC;
CREATE TABLESPACE fast OWNER postgres LOCATION '/fast';
GRANT ALL ON TABLESPACE fast TO "my app";
`,
    );
    const environment = { ...process.env, SUPERUSER: 'off', LABELS: labels, ATTRIBUTES: attributes, GRANTS: grants };
    const { stdout } = spawnSync(command, [...args, '-f', 'lib/engines/postgres/roles.awk', present ?? '', globals ?? ''], {
      env: environment,
      encoding: 'utf8',
    });
    const [essential = '', optional = ''] = stdout.split('\\set ON_ERROR_STOP off\n');
    expect(essential.replace(/ +/g, ' ')).toBe(
      `begin;\nCREATE ROLE "my app";\nALTER ROLE "my app" WITH INHERIT NOCREATEROLE NOCREATEDB LOGIN PASSWORD 'SCRAM' VALID UNTIL 'infinity';\n`,
    );
    expect(optional).toContain(`COMMENT ON ROLE "my app" IS 'two\nlines; -- of\n"one"';\n`);
    expect(optional).toContain('GRANT old TO "my app" WITH ADMIN OPTION;\n');
    expect(optional).not.toContain('TABLESPACE');
    expect(readFileSync(labels ?? '', 'utf8')).toBe(
      '1\tthe attributes BYPASSRLS of role "my app"\n2\tthe comment on role "my app"\n3\tthe setting log_min_messages of role "my app"\n4\tGRANT old TO "my app"\n5\tGRANT "a TO b" TO "my app"\n',
    );
    expect(readFileSync(attributes ?? '', 'utf8')).toContain("old\tNOSUPERUSER LOGIN\t\t VALID UNTIL '2030-01-01 00:00:00+00'\n");
    // What is compared with the server where roles are left as they are.
    expect(
      readFileSync(grants ?? '', 'utf8')
        .split('\n')
        .filter(Boolean)
        .map(line => line.split('\t')),
    ).toEqual([
      ['the setting log_min_messages of role "my app"', `ALTER ROLE "my app" SET log_min_messages TO 'secret';`, ''],
      ['GRANT old TO "my app"', 'GRANT old TO "my app"', ' with ADMIN OPTION'],
      ['GRANT old TO "a TO b"', 'GRANT old TO "a TO b"', ''],
      ['GRANT "a TO b" TO "my app"', 'GRANT "a TO b" TO "my app"', ' with ADMIN OPTION with INHERIT FALSE'],
      ['GRANT SET ON PARAMETER log_min_messages TO PUBLIC', 'GRANT SET ON PARAMETER log_min_messages TO PUBLIC', ''],
    ]);
    rmSync(directory, { recursive: true });
  });
});

test.each([
  ['postgres', 'psql', 'psql: error: connection to server at "db", port 5432 failed: Connection refused'],
  ['mysql', 'mysql', "ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (111)"],
])('what a client of %s says that fails unasked is the reason of the run', (engine, client, words) => {
  const directory = mkdtempSync(join(tmpdir(), 'client-'));
  linkShell(join(directory, 'shell'));
  symlinkSync(resolve('lib/engines', engine), join(directory, 'engine'));
  mkdirSync(join(directory, 'outcome'));
  writeFileSync(join(directory, client), `#!/bin/sh\ncat >&2 <<'END'\n${words}\nEND\nexit 1\n`, { mode: 0o755 });
  const environment = { PATH: `${directory}:${process.env.PATH}`, BACKUP_HOME: directory, SCRATCH: directory, SERIES: 'orders' };
  const sql = `. "$BACKUP_HOME/engine/${engine}.sh"; client=${client} defaults=none; sql db -c 'select 1'`;
  spawnSync('sh', ['-c', sql], {
    env: { ...environment, REPOSITORY_FOLDER: 'none', LOCK_TIMEOUT: '1', MAINTENANCE_DATABASE: 'db', DIALECT: 'mysql' },
  });
  expect(readFileSync(join(directory, 'outcome/unexplained'), 'utf8')).toBe(`after ${client} failed: ${words}`);
  rmSync(directory, { recursive: true });
});
