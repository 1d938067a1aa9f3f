import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type ImageCatalog, type JobRun, type RunningPod } from '../../rehearsal';
import { FaultTable, failure, flipBit, truncate } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { ageKeys, gpgKeys, type KeyPair } from '../support/keys';
import { PostgresServer } from '../support/postgres-server';
import { RedisServer } from '../support/redis-server';
import { request, resultOf, succeed, until } from '../support/rehearse';
import { AGE_IMAGE, NAMESPACE, platform, type Recipients } from './encryption/platform';

// What leaves a pod is encrypted; what is encrypted comes back; and a key that is lost, wrong or changed says so.

const MARKER = 'zanzibar_marker';
const GPG_PASSPHRASE = 'of the private key';
const table = new FaultTable('encryption');
const dists: string[] = [];
let cluster: Cluster;
let images: ImageCatalog;
let postgres: PostgresServer;
let redis: RedisServer;
let content: { [table: string]: string };
const keys: { [name: string]: KeyPair } = {};

const run = (name: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });
const secret = (name: string, key: string) =>
  cluster.secret(NAMESPACE, name, { key, ...(name === 'gpg' && { passphrase: GPG_PASSPHRASE }) });
const key = (name: string): KeyPair => keys[name] ?? { recipient: '', identity: '' };
const points = (series: string) => readdirSync(join(cluster.claim(NAMESPACE, series), series)).filter(name => /^\d/.test(name));
const directory = (series: string, id: string) => join(cluster.claim(NAMESPACE, series), series, id);

/** The next state of the code. */
function change(recipients: Partial<Recipients>): void {
  const dist = platform({ age: [key('age').recipient], gpg: [key('gpg').recipient], copy: [key('copy').recipient], ...recipients });
  dists.push(dist);
  cluster.apply([dist]);
}

beforeAll(async () => {
  images = await imagesOfDist();
  const image15 = imageNamed(images, 'postgres:15.19-bookworm');
  for (const name of ['age', 'age2', 'copy', 'stranger']) keys[name] = ageKeys(imageNamed(images, AGE_IMAGE));
  for (const name of ['gpg', 'gpg2']) keys[name] = gpgKeys(image15, name, GPG_PASSPHRASE);
  cluster = await Cluster.create({ manifests: [], images, backoffSeconds: 0.1 });
  change({});
  for (const claim of ['with-age', 'with-gpg', 'with-phrase', 'redis-age', 'copy', 'plain']) cluster.claim(NAMESPACE, claim);
  postgres = await PostgresServer.start(image15, '15');
  postgres.client('createdb', ['notes']);
  postgres.query(
    'notes',
    `create table ${MARKER}_table as select i, '${MARKER} ' || i as text from generate_series(1, 20000) i; create table other (x int)`,
  );
  content = postgres.checksums('notes');
  redis = await RedisServer.start({
    image: imageNamed(images, 'redis:7.2.14-bookworm'),
    directory: cluster.claim(NAMESPACE, 'data'),
  });
  redis.feed(Array.from({ length: 500 }, (_, i) => `set ${MARKER}:${i} "${MARKER} ${i}"`));
  cluster.service(NAMESPACE, 'db', postgres.address);
  cluster.service(NAMESPACE, 'cache', redis.address);
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: postgres.password });
  cluster.secret(NAMESPACE, 'cache', { username: 'default', password: redis.password });
  secret('age', key('age').identity);
  secret('gpg', key('gpg').identity);
  secret('copy', key('copy').identity);
  secret('phrase', 'a long passphrase\n');
});

afterAll(async () => {
  await cluster?.destroy();
  await postgres?.stop();
  await redis?.stop();
  for (const dist of dists) rmSync(dist, { recursive: true, force: true });
  table.print();
});

/** Every file of a directory, those that begin with a dot included; what goes away meanwhile is left out. */
function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap(entry => {
    const below = join(path, entry.name);
    if (entry.isDirectory()) return entry.name === 'lost+found' ? [] : filesBelow(below);
    return entry.isFile() ? [below] : [];
  });
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Runs a backup and looks all the time for the marker in the repository's volume; then in everything that the pod has said. */
async function whereTheMarkerIs(series: string): Promise<string[]> {
  const seen = new Set<string>();
  const look = () => {
    for (const file of filesBelow(cluster.claim(NAMESPACE, series))) if (contentOf(file).includes(MARKER)) seen.add(file);
  };
  let stagings = 0;
  const done = await run(`${series}-backup`, async pod => {
    let over = false;
    void pod.done.then(() => {
      over = true;
    });
    while (!over) {
      look();
      if (filesBelow(cluster.claim(NAMESPACE, series)).some(file => file.includes('/.staging-'))) stagings += 1;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  });
  await succeed(Promise.resolve(done), 'published');
  look();
  expect(stagings, 'the recovery point was looked at while it was made').toBeGreaterThan(0);
  for (const { containers } of done.pods) {
    for (const { name, log, terminationMessage } of containers) {
      if (`${log}${terminationMessage}`.includes(MARKER)) seen.add(`what ${name} said`);
    }
  }
  return [...seen];
}

describe('nothing but ciphertext leaves a backup', () => {
  test('without encryption the marker is seen at once, so it would be', async () => {
    expect((await whereTheMarkerIs('plain')).length).toBeGreaterThan(0);
  });

  test.each(['with-age', 'with-gpg', 'with-phrase', 'redis-age'])(
    '%s: not in the volume while it is written, not in it afterwards, not in what the pod says',
    async series => {
      expect(await whereTheMarkerIs(series)).toEqual([]);
      const [id = ''] = points(series);
      for (const file of readdirSync(directory(series, id))) {
        const bytes = readFileSync(join(directory(series, id), file));
        if (file.endsWith('.age')) expect(bytes.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
        else if (file.endsWith('.gpg')) expect(bytes[0]).toBeGreaterThan(0x7f);
        else expect(['SHA256SUMS', 'manifest.json', 'recipients.txt']).toContain(file);
      }
    },
  );
});

describe.each(['with-age', 'with-gpg', 'with-phrase'])('%s', series => {
  test('is verified, lost and restored', async () => {
    const { id } = await succeed(run(`${series}-verify`), 'verified');
    postgres.client('dropdb', ['notes']);
    request(cluster, NAMESPACE, series, { recoveryPoint: id });
    await succeed(run(`${series}-restore`), 'restored');
    expect(postgres.checksums('notes')).toEqual(content);
  });
});

test('redis-age is verified, lost and restored', async () => {
  const before = redis.digest();
  await succeed(run('redis-age-verify'), 'verified');
  redis.ask('flushall');
  await redis.down();
  rmSync(join(redis.directory, 'appendonlydir'), { recursive: true });
  await succeed(run('redis-age-restore'), 'restored');
  await redis.up();
  expect(redis.digest()).toBe(before);
});

test('a mirror of what is encrypted is encrypted to keys of its own', async () => {
  await succeed(run('redis-age-mirror-copy'), 'mirrored');
  const mirror = cluster.claim(NAMESPACE, 'copy');
  expect(filesBelow(mirror).filter(file => file.endsWith('.age')).length).toBeGreaterThan(0);
  expect(filesBelow(mirror).filter(file => contentOf(file).includes(MARKER))).toEqual([]);
  // Nothing but the mirror's own key opens it, and no other is asked for.
  secret('age', key('stranger').identity);
  const verification = await run('redis-age-verify-copy');
  secret('age', key('age').identity);
  await succeed(Promise.resolve(verification), 'verified');
});

/** A verification that fails, and what is then still restorable. */
async function fault(what: string, series: string, faulty: JobRun, says: RegExp, mend: () => void): Promise<void> {
  mend();
  const { reason } = failure(faulty, says);
  const { id, bytes } = await succeed(run(`${series}-verify`), 'verified');
  table.add(`${series}: ${what}`, reason, `${id}, ${bytes} bytes, verified after the fault`);
}

describe('faults', () => {
  test.each([
    ['with-age', 'one bit flipped', flipBit],
    ['with-age', 'truncated', truncate],
    ['with-gpg', 'one bit flipped', flipBit],
  ])('%s: a member with %s is refused, key or no key', async (series, what, damage) => {
    const path = directory(series, points(series).at(-1) ?? '');
    const [largest = ''] = readdirSync(path).sort((a, b) => statSync(join(path, b)).size - statSync(join(path, a)).size);
    const file = join(path, largest);
    const whole = readFileSync(file);
    damage(file);
    const verification = await run(`${series}-verify`);
    await fault(what, series, verification, /is damaged: \S+ does not match its checksum/, () => writeFileSync(file, whole));
  });

  test.each([
    [
      'with-age',
      'age',
      'age2',
      /no key of this job opens recovery point .*, which is encrypted with age to age1\w{58}\. Put a matching key/,
    ],
    [
      'with-gpg',
      'gpg',
      'gpg2',
      /no key of this job opens recovery point .*, which is encrypted with gpg to [0-9A-F]{40}\. Put a matching key/,
    ],
  ])('%s: another identity names the recipients, and is not tried again', async (series, own, other, says) => {
    secret(own, key(other).identity);
    const verification = await run(`${series}-verify`);
    expect(verification.reason).toBe('PodFailurePolicy');
    await fault("somebody else's identity", series, verification, says, () => secret(own, key(own).identity));
  });

  test('another passphrase', async () => {
    secret('phrase', 'forgotten');
    const verification = await run('with-phrase-verify');
    expect(verification.reason).toBe('PodFailurePolicy');
    await fault('another passphrase', 'with-phrase', verification, /is encrypted with gpg and a passphrase/, () =>
      secret('phrase', 'a long passphrase\n'),
    );
  });

  test('an empty passphrase ends a backup before anything is dumped', async () => {
    secret('phrase', '');
    const backup = await run('with-phrase-backup');
    await fault('no passphrase', 'with-phrase', backup, /the passphrase of the encryption is missing or empty/, () =>
      secret('phrase', 'a long passphrase\n'),
    );
  });
});

describe('a recipient is added, and the old one goes', () => {
  const both = () => change({ age: [key('age').recipient, key('age2').recipient], gpg: [key('gpg2').recipient] });
  let old: string;
  let young: string;

  test('new recovery points are for both', async () => {
    old = points('with-age').at(-1) ?? '';
    both();
    young = (await succeed(run('with-age-backup'), 'published')).id;
    secret('age', key('age2').identity);
    expect(await succeed(run('with-age-verify'), 'verified')).toMatchObject({ id: young });
  });

  test('the old one is not for the new identity', async () => {
    postgres.client('dropdb', ['notes']);
    request(cluster, NAMESPACE, 'with-age', { recoveryPoint: old });
    const { reason } = failure(await run('with-age-restore'), /no key of this job opens recovery point/);
    table.add('with-age: old recovery point, new identity', reason, `${young}, for both`);
  });

  test('a re-encryption that is killed half way loses nothing, and the next one completes it', async () => {
    // Both identities in one Secret, as long as there is something to encrypt anew.
    secret('age', `${key('age').identity}${key('age2').identity}`);
    const before = readdirSync(directory('with-age', old)).filter(name => name !== 'verified.json');
    const killed = await run('with-age-reencrypt', async pod => {
      await until(
        'the first file is encrypted anew',
        () => readdirSync(directory('with-age', old)).some(name => name.startsWith('001.r1')),
        20,
      );
      pod.killEverything();
    });
    expect(killed.succeeded).toBe(false);
    expect(readdirSync(directory('with-age', old))).toEqual(expect.arrayContaining(before));
    await succeed(run('with-age-restore'), 'restored');
    expect(postgres.checksums('notes')).toEqual(content);
    table.add('with-age: killed in the middle of a re-encryption', 'nothing (it was killed)', `${old}, restored after the fault`);

    const done = await run('with-age-reencrypt');
    await succeed(Promise.resolve(done), 'succeeded');
    expect(done.log).toMatch(/series with-age: [1-9]\d* recovery points re-encrypted, [1-9]\d* were current already/);
    const after = readdirSync(directory('with-age', old));
    expect(after.filter(name => /^\d+\.age$/.test(name))).toEqual([]);
    expect(after).toContain('001.r1.age');
    const again = await run('with-age-reencrypt');
    expect(again.log).toMatch(/series with-age: 0 recovery points re-encrypted/);
  });

  test('then the new identity alone opens the old one', async () => {
    secret('age', key('age2').identity);
    request(cluster, NAMESPACE, 'with-age', { recoveryPoint: old });
    postgres.client('dropdb', ['notes']);
    await succeed(run('with-age-restore'), 'restored');
    expect(postgres.checksums('notes')).toEqual(content);
  });

  test('a re-encryption without the old key changes nothing', async () => {
    secret('gpg', key('gpg2').identity);
    const [id = ''] = points('with-gpg');
    const before = readFileSync(join(directory('with-gpg', id), 'SHA256SUMS'), 'utf8');
    const { reason } = failure(
      await run('with-gpg-reencrypt'),
      /could not be re-encrypted, and are unchanged; the first: no key of this job opens/,
    );
    expect(readFileSync(join(directory('with-gpg', id), 'SHA256SUMS'), 'utf8')).toBe(before);
    secret('gpg', key('gpg').identity);
    const { id: verified } = await succeed(run('with-gpg-verify'), 'verified');
    table.add('with-gpg: re-encryption without the old key', reason, `${verified}, verified after the fault`);
  });

  test('nor does one that could not open what it writes', async () => {
    const { reason } = failure(await run('with-gpg-reencrypt'), /so nothing was changed: give/);
    const { id: verified } = await succeed(run('with-gpg-verify'), 'verified');
    table.add('with-gpg: re-encryption to somebody whose key is elsewhere', reason, `${verified}, verified after the fault`);
  });
});

describe('an encryption takes the place of another, or of none', () => {
  beforeAll(() => {
    secret('age', key('age').identity);
    change({ ageForAll: true });
  });

  test.each(['with-phrase', 'plain'])('%s: what was stored before is restored, with its own key or with none', async series => {
    const [before = ''] = points(series);
    const { id } = await succeed(run(`${series}-backup`), 'published');
    expect(readdirSync(directory(series, id)).filter(name => name.endsWith('.age')).length).toBeGreaterThan(0);
    await succeed(run(`${series}-verify`), 'verified');
    postgres.client('dropdb', ['notes']);
    request(cluster, NAMESPACE, series, { recoveryPoint: before });
    expect(await succeed(run(`${series}-restore`), 'restored')).toMatchObject({ id: before });
    expect(postgres.checksums('notes')).toEqual(content);
  });

  test('what had a passphrase is encrypted anew to public keys, and opens without it', async () => {
    await succeed(run('with-phrase-reencrypt'), 'succeeded');
    const [before = ''] = points('with-phrase');
    expect(readdirSync(directory('with-phrase', before)).filter(name => name.endsWith('.gpg'))).toEqual([]);
    secret('phrase', 'forgotten');
    postgres.client('dropdb', ['notes']);
    request(cluster, NAMESPACE, 'with-phrase', { recoveryPoint: before });
    await succeed(run('with-phrase-restore'), 'restored');
    expect(postgres.checksums('notes')).toEqual(content);
  });
});

describe('without a cluster', () => {
  test('age and a shell are enough, as the documentation of the repository says', () => {
    const [id = ''] = points('redis-age');
    const path = directory('redis-age', id);
    execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path });
    const age = join(imageNamed(images, AGE_IMAGE).root, 'usr/bin/age');
    const identity = join(mkdtempSync(join(tmpdir(), 'e2e-identity-')), 'identity.txt');
    writeFileSync(identity, key('age').identity);
    const open = (file: string) => execFileSync(age, ['--decrypt', '--identity', identity, file], { cwd: path });
    expect(open('facts.age').toString()).toMatch(/"name":"dump.rdb","bytes":\d+,"digest":"file:001"/);
    expect(gunzipSync(open('001.gz.age')).includes(MARKER)).toBe(true);
    rmSync(dirname(identity), { recursive: true });
  });
});

describe('a drill', () => {
  test('proves the escrowed identity, and only that one', async () => {
    secret('escrow', key('age').identity);
    secret('age', key('stranger').identity);
    const right = await succeed(run('with-age-drill'), 'verified');
    secret('escrow', key('stranger').identity);
    secret('age', key('age').identity);
    const { reason } = failure(await run('with-age-drill'), /no key of this job opens recovery point/);
    table.add('with-age: drill with the wrong key', reason, `${right.id}: the drill with the right one verified it`);
    cluster.secret(NAMESPACE, 'escrow', { key: key('gpg').identity, passphrase: GPG_PASSPHRASE });
    await succeed(run('with-gpg-drill'), 'verified');
    cluster.secret(NAMESPACE, 'escrow', { key: key('gpg').identity, passphrase: 'another' });
    table.add('with-gpg: drill with another passphrase', failure(await run('with-gpg-drill'), /no key of this job opens/).reason, right.id);
    cluster.secret(NAMESPACE, 'escrow', {});
    const { reason: nothing } = failure(await run('with-age-drill'), /no key is mounted/);
    table.add('with-age: drill without a key', nothing, right.id);
  });
});

test('no passphrase is in an argument, a log or a result', async () => {
  const seen: string[] = [];
  secret('phrase', 'a long passphrase\n');
  change({});
  const backup = await run('with-phrase-backup', async pod => {
    let over = false;
    void pod.done.then(() => {
      over = true;
    });
    while (!over) {
      seen.push(...pod.processes().map(argv => argv.join(' ')));
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  });
  expect(resultOf(backup).verdict).toBe('published');
  expect(seen.join('\n')).toMatch(/gpg .*--passphrase-file/);
  expect(`${seen.join('\n')}${backup.log}${JSON.stringify(backup.result)}`).not.toContain('a long passphrase');
});
