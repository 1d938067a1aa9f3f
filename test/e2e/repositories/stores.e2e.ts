import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun } from '../../rehearsal';
import { HttpProxy } from '../support/http-proxy';
import { imageNamed, imagesOfDist } from '../support/images';
import { givePodIdentity, hideNodeIdentity, PodIdentityAgent, tokenSecret } from '../support/pod-identity';
import { PostgresServer } from '../support/postgres-server';
import { RedisServer } from '../support/redis-server';
import { addVariables, request, resultOf, succeed, synthesize } from '../support/rehearse';
import { RestServer } from '../support/rest-server';
import { lockedPolicy } from '../support/s3-policies';
import { S3Server } from '../support/s3-server';
import { SftpServer } from '../support/sftp-server';
import { StoreProxy } from '../support/store-proxy';

// The table of kinds: on every kind of repository that can run here, data is backed up, verified, lost and restored, and is equal.

const NAMESPACE = 'stores';
let dist: string;
let cluster: Cluster;
let db: PostgresServer;
let cache: RedisServer;
let rest: RestServer;
let s3: S3Server;
let sftp: SftpServer;
let wire: StoreProxy;
let proxy: HttpProxy;
let agent: PodIdentityAgent;

/** In the data, and in the names of a table and of keys. */
const MARKER = 'pomegranate';
/** What all jobs have said, in logs and in termination messages. */
const said: string[] = [];

async function run(name: string): Promise<JobRun> {
  const done = await cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name });
  said.push(done.log, JSON.stringify(done.result));
  return done;
}

beforeAll(async () => {
  const images = await imagesOfDist();
  [rest, s3, sftp] = await Promise.all([RestServer.start(), S3Server.start(), SftpServer.start()]);
  await s3.bucket('backups');
  await s3.bucket('kept', { versioned: true });
  agent = await PodIdentityAgent.start(await s3.client(s3.user('role', lockedPolicy('kept', 'cluster/blue'))).session());
  dist = synthesize('test/e2e/repositories/stores/main.ts');
  // The first run of each kind is alone.
  addVariables(dist, { INIT_SPREAD: '0', INIT_SETTLE: '0' });
  givePodIdentity(dist, 'identity', agent.uri, 'token');
  givePodIdentity(dist, 'refused', agent.uri, 'others-token');
  hideNodeIdentity(dist, 'stranger');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const claim of ['files', 'restic']) cluster.claim(NAMESPACE, claim);
  db = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  db.client('createdb', ['notes']);
  db.query(
    'notes',
    `create table note_${MARKER} (text text); insert into note_${MARKER} select '${MARKER} ' || i || ' ' || random() from generate_series(1, 1000) i`,
  );
  cache = await RedisServer.start({ image: imageNamed(images, 'redis:7.2.14-bookworm'), directory: cluster.claim(NAMESPACE, 'cache') });
  cache.feed(Array.from({ length: 1000 }, (_, i) => `set ${MARKER}:${i} ${MARKER}${Math.random()}`));
  cluster.service(NAMESPACE, 'db', db.address);
  cluster.service(NAMESPACE, 'cache', cache.address);
  wire = await StoreProxy.start({ address: rest.address, port: 8000 });
  cluster.service(NAMESPACE, 'vault', wire.address);
  // Of that host the cluster knows nothing.
  proxy = await HttpProxy.start(3128, { 'far-vault': rest.address });
  cluster.service(NAMESPACE, 'proxy', proxy.address);
  cluster.service(NAMESPACE, 'store', s3.address);
  cluster.host('vault.example', sftp.address);
  const secrets = {
    db: { username: 'postgres', password: db.password },
    cache: { username: 'default', password: cache.password },
    key: { password: 'the key' },
    rest: { username: rest.username, password: rest.password },
    s3: { ...s3.root },
    others: { ...s3.root, secretAccessKey: 'another secret' },
    sftp: sftp.secret('vault.example'),
    token: tokenSecret(agent.token),
    'others-token': tokenSecret('a token of another pod'),
  };
  for (const [name, values] of Object.entries(secrets)) cluster.secret(NAMESPACE, name, values);
});

afterAll(async () => {
  await cluster?.destroy();
  await Promise.all([db?.stop(), cache?.stop(), wire?.stop(), proxy?.stop(), agent?.stop(), s3?.stop()]);
  await rest?.stop();
  sftp?.stop();
  if (dist) rmSync(dist, { recursive: true });
});

/** Where each kind's recovery points have to be. */
const KINDS: { [kind: string]: () => Promise<string[]> } = {
  files: async () => readdirSync(join(cluster.claim(NAMESPACE, 'files'), 'files-notes')),
  claim: async () => readdirSync(join(cluster.claim(NAMESPACE, 'restic'), 'restic', 'snapshots')),
  rest: async () => readdirSync(join(rest.directory, 'snapshots')),
  proxied: async () => (proxy.passed['far-vault'] ? readdirSync(join(rest.directory, 'proxied', 'snapshots')) : []),
  s3: () => s3.owner.keys('backups', 'cluster/blue/snapshots/'),
  sftp: async () => readdirSync(join(sftp.directory, 'cluster', 'snapshots')),
  identity: () => s3.owner.keys('kept', 'cluster/blue/snapshots/'),
};

describe.each(Object.keys(KINDS))('%s', kind => {
  test('backed up, verified, lost, restored: equal', async () => {
    const [notes, sessions] = [db.checksums('notes'), cache.digest()];
    // One after the other: how runs wait for each other is shown elsewhere.
    const both = async (operation: string, verdict: string) => [
      await succeed(run(`${kind}-notes-${operation}`), verdict),
      await succeed(run(`${kind}-sessions-${operation}`), verdict),
    ];
    const points = await both('backup', 'published');
    expect(await KINDS[kind]?.()).not.toEqual([]);
    expect((await both('verify', 'verified')).map(({ id }) => id)).toEqual(points.map(({ id }) => id));

    db.client('dropdb', ['notes']);
    await cache.down();
    for (const name of readdirSync(cache.directory)) rmSync(join(cache.directory, name), { recursive: true });
    await both('restore', 'restored');
    await cache.up();

    expect(db.checksums('notes')).toEqual(notes);
    expect(cache.digest()).toBe(sessions);
  });
});

test('the pod has no key, and rclone none either', async () => {
  const given = agent.given;
  const notes = db.checksums('notes');
  db.client('dropdb', ['notes']);
  request(cluster, NAMESPACE, 'identity-notes', { asOf: `${new Date().toISOString().slice(0, 19)}Z` });
  const restored = await run('identity-notes-restore');
  expect(resultOf(restored).verdict, restored.log).toBe('restored');
  expect(restored.log).toMatch(/reading the restic repository at .*, as it was at /);
  expect(db.checksums('notes')).toEqual(notes);
  expect(agent.given).toBeGreaterThan(given);
});

test('a restic store has received nothing but ciphertext, and jobs say nothing of the data', () => {
  const contents = (directory: string, chosen = (_path: string) => true) =>
    Buffer.concat(
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name))
        .filter(chosen)
        .map(path => readFileSync(path)),
    );
  const stores: { [store: string]: Buffer } = {
    claim: contents(cluster.claim(NAMESPACE, 'restic')),
    rest: contents(rest.directory),
    s3: contents(s3.directory),
    sftp: contents(sftp.directory),
    'what went over the wire': Buffer.concat(wire.received),
  };
  for (const [store, bytes] of Object.entries(stores)) {
    expect(bytes.length, store).toBeGreaterThan(10_000);
    // The data, and what is said of it: members, facts.
    for (const word of [MARKER, 'notes.dump', 'manifest.json', '"facts"']) expect(bytes.includes(word), `${word} in ${store}`).toBe(false);
  }
  // The one file in clear, of the repository's key, names the host that made it: the first backup's pod.
  for (const directory of [cluster.claim(NAMESPACE, 'restic'), rest.directory, s3.directory, sftp.directory]) {
    expect(contents(directory).includes('-notes')).toBe(true);
    expect(contents(directory, path => !path.includes('/keys/')).includes('-notes')).toBe(false);
  }
  expect(said.join('\n')).toContain('published');
  expect(said.join('\n')).not.toContain(MARKER);
  // What is looked for can be found: in the server's own files, and in a repository without a key.
  expect(contents(cache.directory).includes(MARKER)).toBe(true);
  expect(contents(cluster.claim(NAMESPACE, 'files')).includes('"facts"')).toBe(true);
});

test('what a store refuses is said', async () => {
  cluster.secret(NAMESPACE, 'sftp', sftp.secret('vault.example', 'client'));
  const refusals: { [kind: string]: RegExp } = {
    'other-region': /could not be opened within 20 s: .*region is wrong; expecting 'eu-test-1'/,
    'other-bucket': /could not be opened within 20 s: .*bucket does not exist/,
    'other-keys': /could not be opened within 20 s: .*signature we calculated does not match/,
    sftp: /key mismatch/,
    stranger: /no credentials found.*EKS has given this pod no identity: its service account needs a Pod Identity association/,
    refused: /no credentials found.*EKS has given this pod an identity that gets no keys: check the role/,
  };
  const runs = await Promise.all(Object.keys(refusals).map(kind => run(`${kind}-notes-backup`)));
  for (const [index, says] of Object.values(refusals).entries()) {
    const refused = runs[index];
    if (refused) expect(resultOf(refused).reason, refused.log).toMatch(says);
  }
});
