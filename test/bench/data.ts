import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageNamed, imagesOfDist } from '../e2e/support/images';
import { MysqlServer } from '../e2e/support/mysql-server';
import { PostgresServer } from '../e2e/support/postgres-server';
import { request, resultOf, synthesize } from '../e2e/support/rehearse';
import { Cluster, type JobRun } from '../rehearsal';
import { resticImageAsReleased } from '../rehearsal/images/repositories';
import { type Measured, measure } from './measure';
import { machine, textTable } from './report';

// `npm run bench:data`: what a backup and a restore cost, of this library's pods, of scripts as articles have them, and of the
// fastest ways that are known, on the same data, in the same sandbox, in one run. Every way is run by turns, and the better of its
// runs counts. Root, and the images of the end-to-end tests.

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);
const ROWS = { small: 200_000, large: 2_000_000 };
const POSTGRES = 'postgres:15.19-bookworm';
/** Below the volume: what scripts write, and the repositories. */
const FOLDERS = ['plain', 'fast', 'files', 'restic-pg', 'restic-maria'];
const MARIADB = 'mariadb:10.11.19-jammy';

interface Way {
  readonly what: string;
  readonly run: () => Promise<Measured>;
  /** What it needs, and is not measured. */
  readonly before?: () => unknown;
  /** Where the bytes are that it stored, for those that store some. */
  readonly stored?: string;
}

interface Row {
  readonly what: string;
  readonly measured: Measured;
  readonly bytes: number | undefined;
}

let postgres: PostgresServer;
let mariadb: MysqlServer;
let cluster: Cluster;
let store: string;
let mariaData: string;

async function main(): Promise<void> {
  const images = await imagesOfDist(resticImageAsReleased);
  const dist = synthesize('test/bench/data/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  try {
    store = cluster.claim('bench', 'store');
    mariaData = cluster.claim('bench', 'maria-data');
    postgres = await PostgresServer.start(
      imageNamed(images, POSTGRES),
      '15',
      { shared_buffers: '512MB' },
      cluster.claim('bench', 'pg-data'),
    );
    mariadb = await MysqlServer.start(imageNamed(images, MARIADB), {
      data: mariaData,
      options: { 'innodb-buffer-pool-size': '512M', 'innodb-flush-log-at-trx-commit': '2' },
    });
    prepare();
    const report = table(await all());
    process.stdout.write(report);
    mkdirSync('test/bench/results', { recursive: true });
    writeFileSync('test/bench/results/data.txt', report);
  } finally {
    await postgres?.stop();
    await mariadb?.stop();
    await cluster.destroy();
    rmSync(dist, { recursive: true });
  }
}

function prepare(): void {
  for (const folder of FOLDERS) {
    mkdirSync(join(store, folder));
    chownSync(join(store, folder), 999, 999);
  }
  cluster.service('bench', 'postgres', postgres.address);
  cluster.service('bench', 'mariadb', mariadb.address);
  cluster.secret('bench', 'postgres', { username: 'postgres', password: postgres.password });
  cluster.secret('bench', 'mariadb', { username: 'root', password: mariadb.password });
  cluster.secret('bench', 'key', { password: 'a key' });
  for (const [size, rows] of Object.entries(ROWS)) {
    postgres.client('createdb', [size]);
    postgres.query(
      size,
      `create table document as select i as id, jsonb_build_object('name', md5(i::text), 'count', i % 1000, 'text', repeat(md5((i % 5000)::text), 5)) as body
       from generate_series(1, ${rows}) i; alter table document add primary key (id); create index on document ((body ->> 'name')); analyze`,
    );
    mariadb.query(
      'mysql',
      `create database ${size}; use ${size};
       create table document (id int primary key, name char(32) not null, count int not null, body text not null, key (name));
       insert into document select seq, md5(seq), seq % 1000, repeat(md5(seq % 5000), 5) from seq_1_to_${rows}`,
    );
  }
}

/** One percent is new, half a percent has changed, side by side. */
function changeALittle(): void {
  const { large } = ROWS;
  postgres.query(
    'large',
    `insert into document select ${large} + i, jsonb_build_object('name', md5(random()::text)) from generate_series(1, ${large / 100}) i;
     update document set body = body || '{"seen": true}' where id between ${large / 2} and ${large / 2 + large / 200}`,
  );
  mariadb.query(
    'large',
    `insert into document select ${large} + seq, md5(rand()), 1, '' from seq_1_to_${large / 100};
     update document set count = count + 1 where id between ${large / 2} and ${large / 2 + large / 200}`,
  );
}

async function all(): Promise<Row[]> {
  const pg = { PGHOST: 'postgres', PGUSER: 'postgres', PGPASSWORD: postgres.password, PGDATABASE: 'large' };
  const client = `[client]\nhost=mariadb\nuser=root\npassword='${mariadb.password.replace(/[\\']/g, '\\$&')}'\n`;
  const maria = { OPTIONS: client };
  const withOptions = (script: string) => `umask 077; printf '%s' "$OPTIONS" >/scratch/my.cnf; ${script}`;
  const dump = 'mariadb-dump --defaults-extra-file=/scratch/my.cnf --single-transaction --routines --events --databases large';
  return [
    ...(await byTurns([ways('nothing at all: the sandbox itself', POSTGRES, 'true', {})])),
    ...(await byTurns([
      ways('PostgreSQL, limit: COPY to /dev/null', POSTGRES, "psql -Xqc 'copy document to stdout' >/dev/null", pg),
      copyOf('PostgreSQL, limit: cp of the data directory', join(cluster.claim('bench', 'pg-data'), 'data', 'base')),
      ways(
        'PostgreSQL, as in articles: pg_dump -Fc, then gzip',
        POSTGRES,
        'rm -f /store/plain/*; pg_dump -Fc -f /store/plain/a.dump && gzip /store/plain/a.dump',
        pg,
        'plain',
      ),
      ways(
        'PostgreSQL, fastest known: pg_dump -Fc -Z0 | zstd -1',
        POSTGRES,
        'pg_dump -Fc -Z0 | zstd -qf -T0 -1 -o /store/fast/a.dump.zst',
        pg,
        'fast',
      ),
      ours('PostgreSQL, ours into files', 'pg-files-large', 'files'),
      ours('PostgreSQL, ours into restic, first', 'pg-restic-large', 'restic-pg', true),
    ])),
    ...(await byTurns([
      ways('MariaDB, limit: mariadb-dump to /dev/null', MARIADB, withOptions(`${dump} >/dev/null`), maria),
      copyOf('MariaDB, limit: cp of the data directory', mariaData),
      ways('MariaDB, as in articles: mariadb-dump | gzip', MARIADB, withOptions(`${dump} | gzip >/store/plain/b.sql.gz`), maria, 'plain'),
      ways(
        'MariaDB, fastest known dump: | zstd -1',
        MARIADB,
        withOptions(`${dump} | zstd -qf -T0 -1 -o /store/fast/b.sql.zst`),
        maria,
        'fast',
      ),
      ours('MariaDB, ours into files', 'maria-files-large', 'files'),
      ours('MariaDB, ours into restic, first', 'maria-restic-large', 'restic-maria', true),
      ways(
        'MariaDB, fastest known copy: mariadb-backup | zstd -1',
        MARIADB,
        withOptions(
          'mariadb-backup --defaults-extra-file=/scratch/my.cnf --backup --stream=mbstream --datadir=/var/lib/mysql --target-dir=/scratch 2>/dev/null | zstd -qf -T0 -1 -o /store/fast/c.zst',
        ),
        maria,
        'fast',
        [{ claim: 'maria-data', path: '/var/lib/mysql' }],
      ),
      ours('MariaDB, ours by copies of files', 'maria-physical', 'files'),
    ])),
    ...(await afterAChange()),
    ...(await byTurns([
      ways(
        'PostgreSQL, as in articles: gzip -d, pg_restore',
        POSTGRES,
        'dropdb --if-exists back; createdb back; gzip -dc /store/plain/a.dump.gz >/scratch/a && pg_restore -d back /scratch/a',
        pg,
      ),
      ways(
        'PostgreSQL, fastest known: zstd -d, pg_restore -j2',
        POSTGRES,
        'dropdb --if-exists back; createdb back; zstd -qdc /store/fast/a.dump.zst >/scratch/a && pg_restore -j2 -d back /scratch/a',
        pg,
      ),
      restoring('PostgreSQL, ours from files', 'pg-files-large', { database: 'large', into: 'back' }),
      restoring('PostgreSQL, ours from restic', 'pg-restic-large', { database: 'large', into: 'back' }),
    ])),
    ...(await byTurns(
      [
        ways(
          'MariaDB, as in articles: gzip -d | mariadb',
          MARIADB,
          withOptions("gzip -dc /store/plain/b.sql.gz | sed 's/`large`/`back`/' | mariadb --defaults-extra-file=/scratch/my.cnf"),
          maria,
        ),
        restoring('MariaDB, ours from files', 'maria-files-large', { database: 'large', into: 'back' }),
        restoring('MariaDB, ours from restic', 'maria-restic-large', { database: 'large', into: 'back' }),
      ],
      1,
    )),
    ...(await byTurns([
      ours('a tenth: PostgreSQL, ours into files', 'pg-files-small'),
      ours('a tenth: PostgreSQL, ours into restic', 'pg-restic-small'),
      ours('a tenth: MariaDB, ours into files', 'maria-files-small'),
      ours('a tenth: MariaDB, ours into restic', 'maria-restic-small'),
    ])),
  ];
}

async function afterAChange(): Promise<Row[]> {
  changeALittle();
  const rows: Row[] = [];
  for (const [what, series, stored] of [
    ['PostgreSQL, ours into restic, second', 'pg-restic-large', 'restic-pg'],
    ['MariaDB, ours into restic, second', 'maria-restic-large', 'restic-maria'],
  ] as const) {
    const before = sizeOf(join(store, stored));
    const measured = await measure(() => backup(series));
    rows.push({ what, measured, bytes: sizeOf(join(store, stored)) - before });
  }
  return rows;
}

/** Runs every way once, then every way again: what disturbs the machine disturbs them all. */
async function byTurns(these: Way[], rounds = ROUNDS): Promise<Row[]> {
  const best = new Map<Way, Row>();
  for (let round = 0; round < rounds; round += 1) {
    for (const way of these) {
      way.before?.();
      const before = way.stored === undefined ? 0 : sizeOf(join(store, way.stored));
      const measured = await way.run();
      const bytes = way.stored === undefined ? undefined : sizeOf(join(store, way.stored)) - before;
      process.stderr.write(`${way.what}: ${measured.seconds.toFixed(1)} s\n`);
      const known = best.get(way);
      if (!known || measured.seconds < known.measured.seconds) best.set(way, { what: way.what, measured, bytes: known?.bytes ?? bytes });
    }
  }
  return these.map(way => best.get(way) as Row);
}

/** A script in a pod of its own, in the database's image, with the repositories' volume at /store. */
function ways(
  what: string,
  image: string,
  script: string,
  env: { [name: string]: string },
  stored?: string,
  claims: { claim: string; path: string }[] = [],
): Way {
  const name = what
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50);
  const volumes = [{ claim: 'store', path: '/store' }, ...claims];
  cluster.object({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'bench', name },
    spec: {
      template: {
        spec: {
          restartPolicy: 'Never',
          securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999 },
          containers: [
            {
              name: 'main',
              image,
              command: ['sh', '-ec', script],
              env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
              volumeMounts: [
                { name: 'scratch', mountPath: '/scratch' },
                ...volumes.map(({ claim, path }) => ({ name: claim, mountPath: path })),
              ],
            },
          ],
          volumes: [
            { name: 'scratch', emptyDir: { sizeLimit: '2Gi' } },
            ...volumes.map(({ claim }) => ({ name: claim, persistentVolumeClaim: { claimName: claim } })),
          ],
        },
      },
    },
  } as Parameters<Cluster['object']>[0]);
  return { what, stored, run: () => measure(async () => finished(await cluster.run({ kind: 'Job', namespace: 'bench', name }))) };
}

function ours(what: string, series: string, stored?: string, anew = false): Way {
  const clear = (folder: string) => {
    for (const entry of readdirSync(folder)) rmSync(join(folder, entry), { recursive: true });
  };
  return {
    what,
    stored,
    before: () => anew && stored !== undefined && clear(join(store, stored)),
    run: () => measure(() => backup(series)),
  };
}

const backup = async (series: string) =>
  finished(await cluster.run({ kind: 'CronJob', namespace: 'bench', name: `${series}-backup` }), 'published');

function restoring(what: string, series: string, words: { [key: string]: string }): Way {
  request(cluster, 'bench', series, { replace: 'yes', ...words });
  return {
    what,
    run: () =>
      measure(async () => finished(await cluster.run({ kind: 'CronJob', namespace: 'bench', name: `${series}-restore` }), 'restored')),
  };
}

function copyOf(what: string, directory: string): Way {
  return {
    what,
    run: () =>
      measure(async () => {
        const to = join(store, 'copy');
        // A file of a running server may be gone before it is copied.
        spawnSync('cp', ['--archive', directory, to]);
        rmSync(to, { recursive: true });
      }),
  };
}

function finished(run: JobRun, verdict?: string): void {
  if (!run.succeeded || (verdict !== undefined && resultOf(run).verdict !== verdict)) throw new Error(run.log);
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function table(rows: Row[]): string {
  const mebibytes = (bytes: number | undefined) => (bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(1));
  const cells = rows.map(({ what, measured, bytes }) => [
    what,
    measured.seconds.toFixed(1),
    measured.cpuSeconds.toFixed(1),
    mebibytes(measured.peakMemory),
    mebibytes(measured.peakScratch),
    mebibytes(bytes),
  ]);
  const head = ['way', 'seconds', 'CPU s', 'memory MiB', 'scratch MiB', 'stored MiB'];
  return `${machine()}; ${ROWS.large} rows; best of ${ROUNDS} rounds\n${textTable(head, cells)}`;
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
