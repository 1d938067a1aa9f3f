import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun, type RunningPod } from '../../rehearsal';
import { FaultTable, failure, flipBit } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { RedisServer } from '../support/redis-server';
import { addVariables, succeed, synthesize, until, untilIn } from '../support/rehearse';
import { RestServer } from '../support/rest-server';

// Whatever the two kinds of repositories: when the first is lost with all that was in it, the data comes back from its mirror.
// Then the mirror's own faults, planted for real.

const NAMESPACE = 'mirrors';
const table = new FaultTable('faults of mirrors');

let dist: string;
let cluster: Cluster;
let postgres: PostgresServer;
let redis: RedisServer;
let rest: RestServer;

beforeAll(async () => {
  const images = await imagesOfDist();
  rest = await RestServer.start();
  dist = synthesize('test/e2e/repositories/mirror/main.ts');
  // Nobody else makes the repositories at the same time.
  addVariables(dist, { INIT_SPREAD: '0', INIT_SETTLE: '0' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const name of [
    'files-to-restic',
    'restic-to-files',
    'restic-to-files-copy',
    'files-to-files',
    'files-to-files-copy',
    'restic-to-restic',
    'tight',
  ])
    cluster.claim(NAMESPACE, name);
  cluster.claim(NAMESPACE, 'tight-copy', { sizeLimit: '2Mi', lostAndFound: false });

  postgres = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  postgres.client('createdb', ['app']);
  // Random bytes, which neither compression nor deduplication makes small.
  postgres.query(
    'app',
    'create table noise as select i, md5(i::text || random()::text) || md5(random()::text) as v from generate_series(1, 30000) i; create table note (text text)',
  );
  redis = await RedisServer.start({ image: imageNamed(images, 'redis:7.2.14-bookworm'), directory: cluster.claim(NAMESPACE, 'data') });
  redis.feed(Array.from({ length: 3000 }, (_, i) => `set session:${i} "value ${i}"`));

  cluster.service(NAMESPACE, 'db', postgres.address);
  cluster.service(NAMESPACE, 'sessions-db', redis.address);
  cluster.service(NAMESPACE, 'offsite', rest.address);
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: postgres.password });
  cluster.secret(NAMESPACE, 'sessions-db', { username: 'default', password: redis.password });
  cluster.secret(NAMESPACE, 'offsite', { username: rest.username, password: rest.password });
  cluster.secret(NAMESPACE, 'near-key', { password: 'the near key' });
  cluster.secret(NAMESPACE, 'far-key', { password: 'another key' });
});

afterAll(async () => {
  await cluster?.destroy();
  await postgres?.stop();
  await redis?.stop();
  await rest?.stop();
  if (dist) rmSync(dist, { recursive: true });
  table.print();
});

const run = (series: string, operation: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${series}-${operation}` }, { onPod });
/** Ids of two pods that were begun in one second are in no order. */
async function backup(series: string): Promise<string> {
  const { id } = await succeed(run(series, 'backup'), 'published');
  await new Promise(resolve => setTimeout(resolve, 1000 - (Date.now() % 1000)));
  return id;
}
const mirror = (series: string) => succeed(run(series, 'mirror-copy'), 'mirrored');
const verifyCopy = async (series: string) => (await succeed(run(series, 'verify-copy'), 'verified')).id;
const entries = (claim: string) => readdirSync(cluster.claim(NAMESPACE, claim)).map(name => join(cluster.claim(NAMESPACE, claim), name));

/** How the data of a database is changed, told from others, lost and brought back. */
interface Application {
  change(): unknown;
  digest(): unknown;
  loseAndRestore(restore: () => Promise<unknown>): Promise<void>;
}

const APPLICATIONS: { [name: string]: Application } = {
  PostgreSQL: {
    change: () => postgres.query('app', 'insert into note select md5(random()::text) from generate_series(1, 100)'),
    digest: () => postgres.checksums('app'),
    loseAndRestore: async restore => {
      postgres.client('dropdb', ['app']);
      await restore();
    },
  },
  Redis: {
    change: () => redis.ask('set', 'changed', String(Math.random())),
    digest: () => redis.digest(),
    loseAndRestore: async restore => {
      redis.ask('flushall');
      await redis.down();
      for (const name of readdirSync(redis.directory)) rmSync(join(redis.directory, name), { recursive: true });
      await restore();
      await redis.up();
    },
  },
};

describe.each([
  ['files-to-restic', 'PostgreSQL'],
  ['restic-to-files', 'PostgreSQL'],
  ['files-to-files', 'Redis'],
  ['restic-to-restic', 'Redis'],
])('%s, with %s', (series, application) => {
  const { change, digest, loseAndRestore } = APPLICATIONS[application] as Application;

  test('the first repository is lost with its volume, and the mirror brings the data back', async () => {
    const first = await backup(series);
    change();
    const second = await backup(series);
    const before = digest();

    const copied = await mirror(series);
    expect(copied).toMatchObject({ what: 'mirror', series, id: second, reason: '' });
    expect(copied.bytes).toBeGreaterThan(1000);

    for (const each of entries(series)) rmSync(each, { recursive: true });
    const { reason } = failure(await run(series, 'mirror-copy'), /; the mirror keeps its 2$/);
    expect(await verifyCopy(series)).toBe(second);
    await loseAndRestore(async () => {
      expect((await succeed(run(series, 'restore-copy'), 'restored')).id).toBe(second);
    });
    expect(digest()).toEqual(before);
    table.add(`${series}: the first repository lost`, reason, `${first} and ${second}; restored, and the checksums are equal`);
  });
});

describe('a mirror in a restic repository', () => {
  const series = 'files-to-restic';
  const claim = () => join(cluster.claim(NAMESPACE, series), series);
  let good: string;

  beforeAll(async () => {
    good = await backup(series);
    expect((await mirror(series)).id).toBe(good);
  });

  /** The run must have failed, and said why; what the mirror had is still there; and the next run completes it. */
  async function failed(fault: string, faulty: JobRun, says: RegExp): Promise<void> {
    const { reason } = failure(faulty, says);
    expect(await verifyCopy(series)).toBe(good);
    table.add(`${series}: ${fault}`, reason, `${good}, verified after the fault`);
    good = (await mirror(series)).id;
  }

  test('a copy is killed in the middle: nothing is half visible, and the next run goes on', async () => {
    const next = await backup(series);
    const killed = await run(series, 'mirror-copy', async pod => {
      await untilIn(pod, 'a member is copied', () => pod.processes().some(argv => argv.includes('--stdin-from-command')));
      pod.killEverything();
    });
    expect(killed.succeeded).toBe(false);
    expect(await verifyCopy(series)).toBe(good);
    expect((await mirror(series)).id).toBe(next);
    table.add(`${series}: killed mid-copy`, 'nothing (it was killed)', `${good}; ${next} after the next run`);
    good = next;
  });

  test('fails: the mirror cannot be reached', async () => {
    await backup(series);
    await rest.down();
    const faulty = await run(series, 'mirror-copy');
    await rest.up();
    await failed('mirror unreachable', faulty, /^the restic repository at rest:http:\/\/offsite:8000\/a\/ could not be opened within 4 s/);
  });

  test('fails: what was written is damaged before it counts', async () => {
    await backup(series);
    const faulty = await run(series, 'mirror-copy', async pod => {
      // The one `restic dump` of this pod reads back what was stored.
      await untilIn(pod, 'the copy is read back', () => pod.processes().some(argv => argv.includes('dump')));
      await pod.kill('restic', 'SIGSTOP');
      turnBits();
      await pod.kill('restic', 'SIGCONT');
    });
    turnBits();
    const says = /^the copy of \S+ of \S+ cannot be read back, and was not published: /;
    await failed('what was just written is damaged', faulty, says);
  });

  test('fails: a recovery point is damaged where it comes from; it is named, and the others are copied', async () => {
    const damaged = await backup(series);
    const later = await backup(series);
    flipBit(join(claim(), damaged, 'app.dump.zst'));
    const { reason, id } = failure(
      await run(series, 'mirror-copy'),
      /^1 of the recovery points of series files-to-restic could not be read/,
    );
    expect(reason).toContain(`${damaged}: recovery point ${damaged} is damaged: app.dump.zst does not match its checksum`);
    expect(id).toBe(later);
    expect(await verifyCopy(series)).toBe(later);
    table.add(`${series}: bit flipped at the source`, reason, `${later}, verified after the fault`);
  });

  /** In all that the server holds of data. Done twice, it is as it was. */
  function turnBits(): void {
    const data = join(rest.directory, 'a', 'data');
    for (const pack of readdirSync(data, { recursive: true }).map(name => join(data, String(name))))
      if (statSync(pack).isFile())
        writeFileSync(
          pack,
          readFileSync(pack).map(byte => byte ^ 1),
        );
  }
});

describe('a mirror on a volume', () => {
  test('fails: what was written is damaged before it counts', async () => {
    const series = 'restic-to-files';
    const copies = join(cluster.claim(NAMESPACE, `${series}-copy`), series);
    const good = readdirSync(copies).sort().at(-1);
    const next = await backup(series);
    const faulty = await run(series, 'mirror-copy', async pod => {
      // restic takes its time to open the repository for the second member; the first has been read back by then.
      await until('the second member is read', () =>
        pod.processes().some(argv => argv.includes('dump') && argv.some(word => word.endsWith('@app.dump'))),
      );
      const staging = readdirSync(copies).find(name => name.startsWith('.staging-')) ?? '';
      // Encrypted members have numbers for names.
      const [written = ''] = readdirSync(join(copies, staging)).filter(name => name.startsWith('001.'));
      flipBit(join(copies, staging, written));
    });
    const { reason } = failure(
      faulty,
      /^publishing the copy of \S+ failed: the recovery point read back differently from what was written: /,
    );
    expect(await verifyCopy(series)).toBe(good);
    expect((await mirror(series)).id).toBe(next);
    expect(readdirSync(copies).filter(name => name.startsWith('.staging-'))).toEqual([]);
    table.add(`${series}: bit flipped in what was just written`, reason, `${good}, verified after the fault; ${next} after the next run`);
  });

  test('fails: the volume is full; what was there stays', async () => {
    const good = await backup('tight');
    expect((await mirror('tight')).id).toBe(good);
    await backup('tight');
    const { reason } = failure(await run('tight', 'mirror-copy'), /^storing \S+ of \S+ failed: .*No space left on device/i);
    expect(await verifyCopy('tight')).toBe(good);
    table.add('files-to-files: mirror full', reason, `${good}, verified after the fault`);
  });
});
