import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type Deployed } from '../../rehearsal';
import { ageImage } from '../../rehearsal/images/age';
import { resticImage } from '../../rehearsal/images/repositories';
import { witnessImages } from '../support/images';
import { loopbackAddress } from '../support/postgres-server';
import { succeed, synthesize, untilIn } from '../support/rehearse';

// A witness as it is synthesized, over repositories that jobs as they are synthesized have written. What it serves is compared with what
// the manifests say, read by another way.

const NAMESPACE = 'witness';

let cluster: Cluster;
let server: Server;
let dist: string;
let restic: string;

beforeAll(async () => {
  const images = await witnessImages();
  restic = join((await resticImage()).root, 'usr/bin/restic');
  const keygen = join((await ageImage('registry.example/age:1.2.1')).root, 'usr/bin/age-keygen');
  const identity = execFileSync(keygen, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  process.env.RECIPIENT = /age1\w+/.exec(identity)?.[0];
  dist = synthesize('test/e2e/observability/witness/main.ts');
  // Minutes that a test does not have.
  for (const file of readdirSync(dist).filter(name => name.endsWith('.yaml'))) {
    const text = readFileSync(join(dist, file), 'utf8');
    writeFileSync(join(dist, file), text.replace(/(name: WITNESS_EVERY\n +value: )"300"/g, '$1"2"'));
  }
  server = createServer((_, response) => response.end('one\ntwo\nthree\n'));
  const address = loopbackAddress();
  await new Promise<void>(resolve => server.listen(8080, address, resolve));
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service(NAMESPACE, 'lines', address);
  for (const claim of ['files', 'closed', 'vault']) cluster.claim(NAMESPACE, claim);
  cluster.secret(NAMESPACE, 'lines', { token: 'a token' });
  cluster.secret(NAMESPACE, 'key', { password: 'a key' });
  cluster.secret(NAMESPACE, 'identity', { identity });
});

afterAll(async () => {
  await cluster?.destroy();
  server?.close();
  if (dist) rmSync(dist, { recursive: true, force: true });
});

const run = (kind: string, operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `lines-${kind}-${operation}` });

interface Values {
  readonly [sample: string]: number;
}

/** What a witness serves, as Prometheus would get it. */
async function scraped({ pod }: Deployed): Promise<{ text: string; headers: string; values: Values }> {
  const { stdout, stderr } = await pod.exec('witness', ['wget', '-S', '-q', '-O', '-', 'http://127.0.0.1:9801/metrics/']).ended;
  const samples = stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  const values = samples.map(line => {
    const [, metric = '', labels = '', value = ''] = /^cdk8s_backup_(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    return [metric + (/series="([^"]*)"/.exec(labels)?.[1] ?? '').replace(/^(?=.)/, ' '), Number(value)] as const;
  });
  return { text: stdout, headers: stderr, values: Object.fromEntries(values) };
}

/** What is served when it holds. */
async function served(witness: Deployed, what: string, holds: (values: Values) => boolean) {
  let last = await started(witness);
  await untilIn(witness.pod, what, async () => {
    last = await scraped(witness);
    return holds(last.values);
  });
  return last;
}

async function started(witness: Deployed) {
  await untilIn(witness.pod, 'it serves', async () => {
    try {
      return (await scraped(witness)).text !== '';
    } catch {
      return false;
    }
  });
  return scraped(witness);
}

async function watching<T>(kind: string, body: (witness: Deployed) => Promise<T>): Promise<T> {
  const witness = await cluster.deploy(NAMESPACE, kind);
  try {
    return await body(witness);
  } finally {
    await witness.pod.delete();
    await witness.ended;
  }
}

const isUp = ({ repository_up }: Values) => repository_up === 1;
const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);

/** A member of a recovery point, read with nothing of the witness. */
interface Reader {
  /** The directory in which the repository is. */
  readonly root: () => string;
  readonly read: (id: string, name: string) => { readonly [field: string]: unknown };
  readonly remove: (id: string) => void;
  /** Puts another manifest in the place of that of a recovery point. */
  readonly tear: (id: string) => void;
  /** What is there, with every byte. */
  readonly state: () => string;
}

const claim = (name: string) => cluster.claim(NAMESPACE, name);
const stateOf = (directory: string) =>
  execFileSync('sh', ['-c', "find . -type f -printf '%p %s %T@ %i\\n' | sort"], { cwd: directory, encoding: 'utf8' });

function readerOfFiles(kind: string, root: () => string): Reader {
  const point = (id: string) => join(root(), `lines-${kind}`, id);
  return {
    root,
    read: (id, name) => {
      const file = name === 'verified.json' ? join(root(), `.state-lines-${kind}`, `${id}.${name}`) : join(point(id), name);
      return JSON.parse(readFileSync(file, 'utf8'));
    },
    remove: id => rmSync(point(id), { recursive: true }),
    tear: id => writeFileSync(join(point(id), 'manifest.json'), readFileSync(join(point(id), 'manifest.json')).subarray(0, -4)),
    state: () => stateOf(root()),
  };
}

function resticIn(...args: string[]): string {
  const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: join(claim('vault'), 'restic'), RESTIC_PASSWORD: 'a key' };
  return execFileSync(restic, ['--no-cache', ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
const path = (id: string, name: string) => `/lines-restic@${id}@${name}`;
/** The files stay those of the pods' user. */
const givenBack = () => execFileSync('chown', ['-R', '--reference', join(claim('vault'), 'restic/config'), join(claim('vault'), 'restic')]);

const READERS: { [kind: string]: Reader } = {
  files: readerOfFiles('files', () => join(claim('files'), 'backups')),
  closed: readerOfFiles('closed', () => claim('closed')),
  restic: {
    root: () => join(claim('vault'), 'restic'),
    read: (id, name) => JSON.parse(resticIn('dump', '--no-lock', '--path', path(id, name), 'latest', path(id, name))),
    remove: id => {
      const snapshots: { id: string; paths: string[] }[] = JSON.parse(resticIn('snapshots', '--json', '--no-lock'));
      resticIn('forget', ...snapshots.filter(({ paths }) => paths[0]?.includes(`@${id}@`)).map(snapshot => snapshot.id));
      givenBack();
    },
    tear: id => {
      const [old] = JSON.parse(resticIn('snapshots', '--json', '--no-lock', '--path', path(id, 'manifest.json'))) as { id: string }[];
      const torn = ['--stdin-filename', path(id, 'manifest.json').slice(1), '--stdin-from-command', '--', 'printf', '{"format":1,\n'];
      resticIn('backup', '--host', 'lines-restic', '--tag', 'manifest,members=1', ...torn);
      resticIn('forget', old?.id ?? '');
      givenBack();
    },
    state: () => stateOf(join(claim('vault'), 'restic')),
  },
};

describe.each(Object.keys(READERS))('a witness of a repository of %s', kind => {
  const reader = READERS[kind] as Reader;
  const of = (metric: string) => `${metric} lines-${kind}`;
  const ids: string[] = [];

  test('an age monitor finds that nothing was ever stored', async () => {
    const { result, log } = await run(kind, 'age-check');
    expect(result, log).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/^nothing was ever stored in this repository/) });
  });

  test('serves what the manifests say, which jobs have written, and writes nothing', async () => {
    for (const operation of ['backup', 'backup', 'verify', 'backup']) {
      const done = await succeed(run(kind, operation), operation === 'verify' ? 'verified' : 'published');
      if (operation === 'backup') ids.push(done.id);
      // Recovery points of one second have no order among them.
      await new Promise(resolve => setTimeout(resolve, 1000 - (Date.now() % 1000)));
    }
    const [, verified = '', newest = ''] = ids;
    const before = reader.state();
    const { text, headers } = await watching(kind, async witness => {
      const { values, ...rest } = await served(witness, 'the repository is listed', isUp);
      const manifest = reader.read(newest, 'manifest.json');
      const note = reader.read(verified, 'verified.json');
      expect(note.id).toBe(verified);
      expect(values).toMatchObject({
        [of('points')]: 3,
        [of('damaged_points')]: 0,
        [of('future_points')]: 0,
        [of('recovery_point_timestamp_seconds')]: seconds(String(manifest.started)),
        [of('duration_seconds')]: seconds(String(manifest.finished)) - seconds(String(manifest.started)),
        [of('bytes')]: manifest.bytes,
        [of('verified_recovery_point_timestamp_seconds')]: seconds(String(reader.read(verified, 'manifest.json').started)),
        [of('verified_timestamp_seconds')]: seconds(String(note.verified)),
        repository_unreadable_entries: 0,
      });
      expect(rest.text).toContain('engine="toy"');
      return rest;
    });
    expect(headers).toMatch(/content-type: text\/plain; ?version=0\.0\.4\r?\n/i);
    const judged = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([judged.status, judged.stdout + judged.stderr]).toEqual([0, '']);
    expect(reader.state()).toBe(before);
  });

  test('an age monitor finds the newest, and the newest that is verified, and writes nothing', async () => {
    const [, verified = '', newest = ''] = ids;
    const before = reader.state();
    const { result, log } = await run(kind, 'age-check');
    expect(result, log).toMatchObject({ verdict: 'succeeded', id: newest, reason: '' });
    expect(log).toContain(`the newest verified recovery point of series lines-${kind} is ${verified}, begun 0 h `);
    expect(reader.state()).toBe(before);
  });

  test('sees at its next look what became of recovery points: torn, gone; and whether the store is there', async () => {
    const [oldest = '', verified = '', newest = ''] = ids;
    await watching(kind, async witness => {
      await served(witness, 'the repository is listed', values => values[of('points')] === 3);
      reader.tear(newest);
      const torn = await served(witness, 'one is torn', values => values[of('damaged_points')] === 1);
      expect(torn.values).toMatchObject({
        [of('points')]: 2,
        [of('recovery_point_timestamp_seconds')]: seconds(String(reader.read(verified, 'manifest.json').started)),
      });
      reader.remove(oldest);
      await served(witness, 'one is gone', values => values[of('points')] === 1);

      const listed = ({ repository_listed_timestamp_seconds }: Values) => repository_listed_timestamp_seconds ?? 0;
      chmodSync(reader.root(), 0);
      try {
        const gone = await served(witness, 'the store cannot be read', ({ repository_up }) => repository_up === 0);
        expect(gone.values[of('points')]).toBe(1);
        expect(listed(gone.values)).toBeGreaterThan(seconds(String(reader.read(verified, 'manifest.json').started)));
        // A container that is started anew knows nothing before it has looked.
        witness.pod.killContainer('witness');
        const anew = await served(witness, 'it has forgotten', values => !(of('points') in values));
        expect(anew.values).toEqual({ repository_up: 0, witness_interval_seconds: 2 });
      } finally {
        chmodSync(reader.root(), 0o755);
      }
      const { values } = await served(witness, 'the store can be read', isUp);
      expect(values[of('points')]).toBe(1);
    });
  });

  test('is alive by the script that the kubelet runs, and holds up no job', async () => {
    await watching(kind, async witness => {
      await served(witness, 'the repository is listed', isUp);
      expect((await witness.pod.exec('witness', ['sh', '/opt/backup/witness/alive.sh']).ended).exitCode).toBe(0);
      await succeed(run(kind, 'backup'), 'published');
      await served(witness, 'the new one is there', values => values[of('points')] === 2);
    });
  });
});

test('a restic repository that lists its snapshots, and has lost their data, is seen by that', async () => {
  const data = join(claim('vault'), 'restic/data');
  await watching('restic', async witness => {
    const damaged = (values: Values) => values['damaged_points lines-restic'] ?? 0;
    const before = await served(witness, 'the repository is listed', values => isUp(values) && (values['points lines-restic'] ?? 0) > 0);
    renameSync(data, `${data}.lost`);
    mkdirSync(data);
    try {
      await served(witness, 'the newest counts as none', values => damaged(values) > damaged(before.values));
    } finally {
      rmSync(data, { recursive: true });
      renameSync(`${data}.lost`, data);
    }
    await served(witness, 'it is there again', values => damaged(values) === damaged(before.values));
  });
});

test('a thousand recovery points are read once, and told by one look after another', async () => {
  const { root } = READERS.files as Reader;
  const [made = ''] = readdirSync(join(root(), 'lines-files'))
    .filter(name => /^\d/.test(name))
    .sort()
    .slice(-1);
  const many = join(root(), 'many');
  mkdirSync(many);
  const manifest = readFileSync(join(root(), 'lines-files', made, 'manifest.json'), 'utf8').replace('"lines-files"', '"many"');
  for (let number = 0; number < 1000; number += 1) {
    const id = `${new Date(Date.UTC(2026, 0, 1) + number * 3_600_000).toISOString().replace(/[-:]|\.\d+/g, '')}-aaaaa`;
    cpSync(join(root(), 'lines-files', made), join(many, id), { recursive: true });
    writeFileSync(join(many, id, 'manifest.json'), manifest.replace(made, id));
    const sums = readFileSync(join(many, id, 'SHA256SUMS'), 'utf8').replace(/.*manifest\.json\n/, '');
    writeFileSync(
      join(many, id, 'SHA256SUMS'),
      `${sums}${execFileSync('sha256sum', ['manifest.json'], { cwd: join(many, id), encoding: 'utf8' })}`,
    );
  }
  execFileSync('chown', ['-R', '--reference', join(root(), 'lines-files', made), many]);
  await watching('files', async witness => {
    const { values } = await served(witness, 'all are there', ({ 'points many': points }) => points === 1000);
    expect(values).toMatchObject({ 'damaged_points many': 0, 'unread_points many': 0 });
  });
});
