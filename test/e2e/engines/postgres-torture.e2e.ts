import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { debianRoot } from '../../rehearsal/rootfs';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { succeed, synthesize } from '../support/rehearse';
import { leastPrivileged } from '../support/sample-data';

// Data that nobody of this project has chosen: what PostgreSQL's own tests leave behind. It is compared by other paths than a verification's:
// the text that pg_dump gives of both schemas, and a checksum of every table.

const NAMESPACE = 'torture';
const DATABASE = 'regression';
/** Tests that take long; what they leave behind, if anything, is of kinds that others leave too. */
const LEFT_OUT = new Set(
  (
    'aggregates async explain groupingsets hash_func incremental_sort infinite_recurse join join_hash jsonb_jsonpath limit lock memoize ' +
    'misc_functions oidjoins opr_sanity partition_aggregate partition_join partition_prune plancache portals prepare regex sanity_check select ' +
    'select_distinct select_parallel stats subscription tuplesort type_sanity vacuum_parallel window write_parallel'
  ).split(' '),
);

let cluster: Cluster;
let dist: string;
let volume: string;
let server: PostgresServer;
let target: PostgresServer;

beforeAll(async () => {
  const images = await imagesOfDist();
  const image = imageNamed(images, 'postgres:15.19-bookworm');
  volume = mkdtempSync(join(tmpdir(), 'e2e-postgres-'));
  execFileSync('cp', ['--archive', join(await regressSources(), 'regress'), volume]);
  server = await PostgresServer.start(image, '15', { lc_messages: 'C' }, volume);
  target = await PostgresServer.start(image, '15');
  const started = Date.now();
  const outcome = load();
  process.stdout.write(`PostgreSQL's own tests: ${outcome} ${seconds(started)} s\n`);
  leastPrivileged(server, 'least', 'least', [DATABASE]);
  server.query('postgres', 'alter role least bypassrls');
  dist = synthesize('test/e2e/engines/postgres-torture/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service(NAMESPACE, 'db', server.address);
  cluster.service(NAMESPACE, 'target', target.address);
  cluster.claim(NAMESPACE, 'backups');
  cluster.secret(NAMESPACE, 'least', { username: 'least', password: 'least' });
  cluster.secret(NAMESPACE, 'restorer', { username: 'postgres', password: target.password });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await target?.stop();
  for (const directory of [dist, volume]) if (directory) rmSync(directory, { recursive: true });
});

const seconds = (since: number) => Math.round((Date.now() - since) / 1000);

const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name });

/** A root with src/test/regress of PostgreSQL's sources in `/regress`; the program that runs it is in the image. */
function regressSources(): Promise<string> {
  return debianRoot({
    suite: 'bookworm',
    packages: ['bzip2'],
    after: [
      "sed 's/^deb /deb-src /' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list",
      'apt-get -q update',
      'mkdir /regress && cd /regress',
      'apt-get -q source --download-only postgresql-15',
      "tar --extract --bzip2 --file postgresql-15_*.orig.tar.bz2 --strip-components=4 --wildcards '*/src/test/regress/*'",
      'rm ./*.tar.* ./*.dsc',
      'chown -R 999:999 .',
    ].join('\n'),
  });
}

/** Runs PostgreSQL's tests, and says how many failed: their C library is not built, and what needs it is no part of the data. */
function load(): string {
  const place = ['--inputdir=/srv/regress', '--outputdir=/srv/regress', '--dlpath=/srv/regress', '--bindir=/usr/lib/postgresql/15/bin'];
  const program = '../lib/pgxs/src/test/regress/pg_regress';
  const connection = [`--host=${server.address}`, '--user=postgres', `--dbname=${DATABASE}`, '--max-connections=8'];
  const tests = readFileSync(join(volume, 'regress', 'parallel_schedule'), 'utf8').split('\n');
  const groups = tests.filter(line => line.startsWith('test: ')).map(line => line.split(' ').filter(name => !LEFT_OUT.has(name)));
  const schedule = groups.filter(group => group.length > 1).map(group => `${group.join(' ')}\n`);
  writeFileSync(join(volume, 'regress', 'schedule'), schedule.join(''));
  let output: string;
  try {
    output = server.client(program, [...place, ...connection, '--schedule=/srv/regress/schedule']);
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    output = `${stdout}${stderr}`;
  }
  const outcome = /^.*\btests? (passed|failed).*$/m.exec(output)?.[0];
  if (!outcome) throw new Error(`the tests did not come to an end:\n${output}`);
  return outcome.trim();
}

/** What pg_dump says of everything but rows, a statement each. The order of a table's columns is compared by itself. */
function schema(of: PostgresServer): { statements: string[]; lines: number } {
  const text = of.client('pg_dump', ['--schema-only', '--create', DATABASE]);
  const statements = text
    .split(/\n\n+/)
    .filter(statement => !/^(--|\\)/.test(statement))
    .map(statement =>
      /^CREATE (\w+ )?TABLE /.test(statement) ? statement.replaceAll(/,$/gm, '').split('\n').sort().join('\n') : statement,
    );
  return { statements, lines: text.split('\n').length };
}

const lines = (text: string) => Object.fromEntries(text.split('\n').map(line => [line.slice(0, line.indexOf('|')), line]));

/** The columns of everything that has some, in their order. */
function columns(of: PostgresServer): { [table: string]: string } {
  return lines(
    of.query(
      DATABASE,
      `select format('%I.%I', nspname, relname), string_agg(attname, ', ' order by attnum)
      from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
      where relkind in ('r', 'p', 'f', 'v', 'm', 'c') and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_'
      group by nspname, relname`,
    ),
  );
}

/** A checksum of the rows of every table, the columns by their names. */
function rows(of: PostgresServer): { [table: string]: string } {
  const statements = of.query(
    DATABASE,
    `select format('select %L, count(*), md5(string_agg(line, '''' order by line)) from (select md5(row(%s)::text) as line from only %I.%I) t;', format('%I.%I', nspname, relname),
      (select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped), nspname, relname)
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where relkind in ('r', 'm') and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_'`,
  );
  return lines(of.query(DATABASE, statements));
}

/** A restore computes materialized views anew: what they hold is compared with what their queries give. */
function refresh(of: PostgresServer): void {
  const statements = of.query(
    DATABASE,
    "select format('refresh materialized view %s;', oid::regclass) from pg_class where relkind = 'm' and relispopulated order by oid",
  );
  of.query(DATABASE, statements);
}

/** Large objects, sequences, views and the properties of the database. Owners and rights are in the schema. */
function others(of: PostgresServer): { [object: string]: string } {
  return Object.fromEntries(Object.entries(of.checksums(DATABASE)).filter(([key]) => /^(large object|sequence|view|database)\b/.test(key)));
}

function differences(before: { [key: string]: string }, after: { [key: string]: string }): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(key => before[key] !== after[key]).sort();
}

test('PostgreSQL’s own regression database comes back equal, but for what the verdict names', async () => {
  const started = Date.now();
  const { id } = await succeed(run('regression-backup'), 'published');
  expect((await succeed(run('regression-verify'), 'verified')).id).toBe(id);
  expect((await succeed(run('regression-restore'), 'restored')).reason).not.toContain('differ from what was backed up');
  const manifest = readFileSync(join(cluster.claim(NAMESPACE, 'backups'), 'regression', id, 'manifest.json'), 'utf8');
  const { caveats } = JSON.parse(manifest) as { caveats: string[] };

  const kept = rows(server);
  refresh(server);
  const [before, after] = [rows(server), rows(target)];
  const stale = differences(kept, before);
  const changed = differences(before, after);
  const moved = differences(columns(server), columns(target));
  const objects = others(server);
  const odd = differences(objects, others(target));
  const [was, is] = [schema(server), schema(target)];
  const lost = was.statements.filter(statement => !is.statements.includes(statement));
  const added = is.statements.filter(statement => !was.statements.includes(statement));
  process.stdout.write(
    `${Object.keys(before).length} tables, ${changed.length} differ (${stale.length} materialized views were behind their queries); ${Object.keys(objects).length} other objects, ${odd.length} differ; ` +
      `${was.lines} lines in ${was.statements.length} statements, ${lost.length + added.length} differ; ` +
      `the columns of ${moved.length} tables are in another order: ${moved.join(', ')}; ${seconds(started)} s\n${caveats.join('\n')}\n`,
  );
  expect(Object.keys(before).length).toBeGreaterThan(400);
  expect(was.lines).toBeGreaterThan(15_000);
  expect({ changed, odd, lost, added }).toEqual({ changed: [], odd: [], lost: [], added: [] });
  expect(is.statements.length).toBe(was.statements.length);

  const [, named = '', more = '0'] = / in another order, [^:]*: (.*?)(?: and (\d+) more)?$/m.exec(caveats.join('\n')) ?? [];
  const names = named.split(', ').filter(Boolean);
  expect(moved).toEqual(expect.arrayContaining(names));
  expect(names.length + Number(more)).toBe(moved.length);
});
