import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun, type RunningPod } from '../rehearsal';
import { AGE_IMAGE, NAMESPACE, platform, type Recipients } from './encryption/platform';
import { FaultTable, failure, flipBit, truncate } from './support/faults';
import { imageNamed, imagesOfDist } from './support/images';
import { ageKeys, gpgKeys, type KeyPair } from './support/keys';
import { PostgresServer } from './support/postgres-server';
import { RedisServer } from './support/redis-server';
import { request, resultOf, succeed, until } from './support/rehearse';

// What leaves a pod is encrypted; what is encrypted comes back; and a key that is lost, wrong or changed says so.

const MARKER = 'zanzibar_marker';
const table = new FaultTable('encryption');
const dists: string[] = [];
let cluster: Cluster;
let postgres: PostgresServer;
let redis: RedisServer;
let content: { [table: string]: string };
const keys: { [name: string]: KeyPair } = {};

const run = (name: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });
const secret = (name: string, key: string) => cluster.secret(NAMESPACE, name, { key });
const key = (name: string): KeyPair => keys[name] ?? { recipient: '', identity: '' };
const points = (series: string) => readdirSync(join(cluster.claim(NAMESPACE, series), series)).filter(name => /^\d/.test(name));
const directory = (series: string, id: string) => join(cluster.claim(NAMESPACE, series), series, id);

/** The next state of the code. */
function change(recipients: Recipients): void {
  const dist = platform(recipients);
  dists.push(dist);
  cluster.apply([dist]);
}

beforeAll(async () => {
  const images = await imagesOfDist();
  const image15 = imageNamed(images, 'postgres:15.19-bookworm');
  for (const name of ['age', 'age2']) keys[name] = ageKeys(imageNamed(images, AGE_IMAGE));
  for (const name of ['gpg', 'gpg2']) keys[name] = gpgKeys(image15, name);
  const dist = platform({ age: [key('age').recipient], gpg: [key('gpg').recipient] });
  dists.push(dist);
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const claim of ['with-age', 'with-gpg', 'with-phrase', 'redis-age', 'plain', 'with-restic']) cluster.claim(NAMESPACE, claim);
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
  secret('phrase', 'a long passphrase\n');
  secret('restic', 'the first password');
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

/** A verification that fails, and what is then still restorable. */
async function fault(what: string, series: string, faulty: JobRun, says: RegExp, mend: () => void): Promise<void> {
  const { reason } = failure(faulty, says);
  mend();
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
    ['with-age', 'age', 'age2', /no key of this job opens recovery point .*, which is encrypted with age to age1\w{58}\. Put the key/],
    ['with-gpg', 'gpg', 'gpg2', /no key of this job opens recovery point .*, which is encrypted with gpg to [0-9A-F]{40}\. Put the key/],
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
      pod.killPod();
    });
    expect(killed.succeeded).toBe(false);
    expect(readdirSync(directory('with-age', old))).toEqual(expect.arrayContaining(before));
    await succeed(run('with-age-restore'), 'restored');
    expect(postgres.checksums('notes')).toEqual(content);
    table.add('with-age: node lost in the middle of a re-encryption', 'nothing (it was killed)', `${old}, restored after the fault`);

    const done = await run('with-age-reencrypt');
    await succeed(Promise.resolve(done), 'succeeded');
    expect(done.log).toMatch(/series with-age: [1-9]\d* recovery points encrypted anew, [1-9]\d* were current/);
    const after = readdirSync(directory('with-age', old));
    expect(after.filter(name => /^\d+\.age$/.test(name))).toEqual([]);
    expect(after).toContain('001.r1.age');
    const again = await run('with-age-reencrypt');
    expect(again.log).toMatch(/series with-age: 0 recovery points encrypted anew/);
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
      /could not be encrypted anew and are as they were; the first: no key of this job opens/,
    );
    expect(readFileSync(join(directory('with-gpg', id), 'SHA256SUMS'), 'utf8')).toBe(before);
    secret('gpg', key('gpg').identity);
    const { id: verified } = await succeed(run('with-gpg-verify'), 'verified');
    table.add('with-gpg: re-encryption without the old key', reason, `${verified}, verified after the fault`);
  });

  test('nor does one that could not open what it writes', async () => {
    const { reason } = failure(await run('with-gpg-reencrypt'), /opens with no key of this job, so nothing was changed/);
    const { id: verified } = await succeed(run('with-gpg-verify'), 'verified');
    table.add('with-gpg: re-encryption to somebody whose key is elsewhere', reason, `${verified}, verified after the fault`);
  });
});

describe('drills and restic keys', () => {
  test('a drill with the escrowed identity, and only with it', async () => {
    secret('escrow', key('age').identity);
    const right = await succeed(run('with-age-drill'), 'verified');
    secret('escrow', key('gpg').identity);
    const { reason } = failure(await run('with-age-drill'), /no key of this job opens recovery point/);
    table.add('with-age: drill with the wrong key', reason, `${right.id}: the drill with the right one verified it`);
    cluster.secret(NAMESPACE, 'escrow', {});
    const { reason: nothing } = failure(await run('with-age-drill'), /no key is mounted/);
    table.add('with-age: drill without a key', nothing, right.id);
  });

  test('restic: a key is added and proved, and drilled', async () => {
    secret('next', 'the second password');
    secret('escrow', 'the second password');
    const { id } = await succeed(run('with-restic-backup'), 'published');
    const before = await run('with-restic-drill');
    table.add(
      'with-restic: drill with a key that is none',
      failure(before, /the password of the restic repository at .* is wrong/).reason,
      id,
    );
    const added = await run('with-restic-add-key');
    await succeed(Promise.resolve(added), 'succeeded');
    expect(added.log).toMatch(/the new key [0-9a-f]+ opens the repository, which has 2 keys now/);
    expect((await run('with-restic-add-key')).log).toMatch(/the repository has this key already/);
    expect(await succeed(run('with-restic-drill'), 'verified')).toMatchObject({ id });
  });

  test('restic: the key in force is not removed; the old one is, when the new one is in force', async () => {
    const { reason } = failure(await run('with-restic-remove-key'), /the old key is the one in force/);
    table.add('with-restic: removing the key in force', reason, 'nothing was removed');
    change({ age: [key('age').recipient], gpg: [key('gpg').recipient], password: 'next' });
    const removed = await run('with-restic-remove-key');
    await succeed(Promise.resolve(removed), 'succeeded');
    expect(removed.log).toMatch(/removed key [0-9a-f]+; 1 keys are left/);
    expect((await run('with-restic-remove-key')).log).toMatch(/it is gone already/);
    const { id } = await succeed(run('with-restic-verify'), 'verified');
    secret('escrow', 'the first password');
    table.add('with-restic: drill with the removed key', failure(await run('with-restic-drill'), /is wrong/).reason, id);
  });

  test('no password and no identity was in an argument, a log or a result', async () => {
    const backup = await run('with-phrase-backup');
    expect(resultOf(backup).verdict).toBe('published');
    expect(`${backup.log}${JSON.stringify(backup.result)}`).not.toContain('a long passphrase');
  });
});
