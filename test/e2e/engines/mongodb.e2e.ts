import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type ImageCatalog } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { MongoServer } from '../support/mongo-server';
import { resultOf, succeed, synthesize } from '../support/rehearse';

// MongoDB's own tools and shell, against FerretDB in the place of MongoDB's server.

const IMAGE = 'mongo:7.0.37-jammy';

/** Documents of all types that FerretDB has. */
const FILL = `
  db.reviews.insertMany(Array.from({ length: 500 }, (_, i) => ({
    _id: i % 2 ? i : 'review ' + i, stars: Int32(i % 5), long: NumberLong('9007199254740993'), double: i / 3, whole: Double(1), text: 'ж"\\\\ ' + i,
    at: new Date(1e12 + i), id: ObjectId(), bytes: BinData(0, 'aGk='), uuid: UUID('00112233-4455-6677-8899-aabbccddeeff'), pattern: /^a.b$/i,
    none: null, yes: true, list: [1, 'two', { three: [3] }], in: { a: { b: {} } }, stamp: Timestamp(5, 1),
  })));
  db.reviews.createIndex({ stars: 1, at: -1 });
  db.reviews.createIndex({ id: 1 }, { unique: true });
  db.getCollection('odd name.with dots').insertOne({ _id: 1 });
  db.createCollection('nothing yet');
  db.getCollection('system.js').insertOne({ _id: 'total', value: 'a function that is kept in the database' });
  db.getSiblingDB('admin').mistaken.insertMany([{ _id: 1 }, { _id: 2 }]);
  db.getSiblingDB('long').getCollection('${'n'.repeat(225)}').insertOne({ _id: 1 });
  db.getSiblingDB('admin').createUser({ user: 'app', pwd: 'the password of the application', roles: [] });
  db.getSiblingDB('people').users.insertMany([{ _id: 1, name: 'Ann' }, { _id: 2, name: 'Bo' }]);
`;

describe('a replica set, from dist/', () => {
  let images: ImageCatalog;
  let cluster: Cluster;
  let server: MongoServer;
  let before: { [namespace: string]: string };
  let id: string;
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'reviews', name: `ratings-${operation}` });
  const request = (words: { [key: string]: string }) =>
    cluster.configMap('reviews', 'ratings-restore-request', {
      recoveryPoint: 'newest-verified',
      series: 'ratings',
      safetyBackup: 'no',
      database: '',
      into: '',
      replace: 'no',
      accounts: 'yes',
      until: '',
      ...words,
    });

  beforeAll(async () => {
    images = await imagesOfDist();
    server = await MongoServer.start(imageNamed(images, IMAGE), 'rs0');
    server.ask(FILL);
    cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
    cluster.service('reviews', 'reviews-db', server.address);
    for (const name of ['reviews-backup', 'reviews-owner']) {
      cluster.secret('reviews', name, { username: 'root', password: server.password });
    }
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
  });

  test('a backup publishes a recovery point, and tells of no secret', async () => {
    before = server.checksums();
    const seen: string[] = [];
    const backup = await cluster.run(
      { kind: 'CronJob', namespace: 'reviews', name: 'ratings-backup' },
      {
        onPod: pod => {
          const watch = setInterval(() => seen.push(...pod.processes().map(argv => String(argv))), 10);
          void pod.done.then(() => clearInterval(watch));
        },
      },
    );
    const result = await succeed(Promise.resolve(backup), 'published');
    id = result.id;
    expect(seen.join('\n')).toContain('mongodump');
    for (const said of [...seen, backup.log, JSON.stringify(backup.result)]) {
      expect(said).not.toContain(server.password);
      expect(said).not.toContain(encodeURIComponent(server.password));
      expect(said).not.toContain(Buffer.from(server.password).toString('hex').replace(/../g, '%$&'));
    }
    const directory = join(cluster.claim('reviews', 'backups'), 'ratings', id);
    const manifest = readFileSync(join(directory, 'manifest.json'), 'utf8');
    for (const fact of [
      '"documents/shop.reviews":500',
      '"indexes/shop.reviews":3',
      '"documents/people.users":2',
      '"collections/shop":3',
      '"users":2',
      '"documents/shop.system.js":1',
      '"documents/admin.mistaken":2',
      '"definition/shop.reviews":',
    ]) {
      expect(manifest).toContain(fact);
    }
  });

  test('a verification restores it in a server of its own', async () => {
    const verification = await run('verify');
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ id });
    expect(verification.log).not.toContain(server.address);
  });

  test('after the databases and an account are lost, a restore brings back every document, every index, and who may log in', async () => {
    server.ask("for (const name of ['shop', 'people', 'long']) db.getSiblingDB(name).dropDatabase()");
    server.ask("db.getSiblingDB('admin').mistaken.drop(); db.getSiblingDB('admin').dropUser('app')");
    request({});
    const restored = await run('restore');
    expect(await succeed(Promise.resolve(restored), 'restored')).toMatchObject({ id });
    const after = server.checksums();
    const differing = Object.keys(before).filter(name => after[name] !== before[name]);
    console.log(`MongoDB: ${Object.keys(before).length} collections compared, ${differing.length} differences`);
    expect(after).toEqual(before);
    // In the database that is the server's own, too.
    expect(server.ask("db.getSiblingDB('admin').mistaken.countDocuments({})")).toBe('2');
    expect(restored.log).toContain('the target has all 2 users and roles');
    expect(server.ask("db.getSiblingDB('admin').auth('app', 'the password of the application').ok")).toBe('1');
    // Not even its hash is in a log.
    expect(restored.log).not.toMatch(/storedKey|SCRAM|the password of the application/);
  });

  test('a restore into a database that holds documents is refused, and changes nothing', async () => {
    const refused = await run('restore');
    expect(refused.succeeded).toBe(false);
    expect(resultOf(refused).reason).toMatch(/^database "\w+" holds documents in \d collections: nothing was changed\. Set replace to yes/);
    expect(server.checksums()).toEqual(before);
  });

  test('a restore that is told to replace keeps the old collections under other names', async () => {
    server.ask(
      'db.reviews.deleteMany({ stars: 1 }); db.since.insertOne({ _id: 1 }); db.getCollection("system.js").insertOne({ _id: "since" })',
    );
    request({ replace: 'yes', database: 'shop' });
    await succeed(run('restore'), 'restored');
    expect(server.checksums()).toEqual(before);
    const old = JSON.parse(server.ask('JSON.stringify(db.getCollectionNames().filter(name => /_before_/.test(name)).sort())'));
    expect(old.map((name: string) => name.replace(/\d{14}$/, '*'))).toEqual(
      ['functions', 'nothing yet', 'odd name.with dots', 'reviews', 'since'].map(name => `${name}_before_*`),
    );
    expect(server.ask(`db.getCollection('${old[0]}').countDocuments({})`)).toBe('2');
    expect(server.ask(`db.getCollection('${old[3]}').countDocuments({})`)).toBe('400');
    server.ask('for (const name of db.getCollectionNames()) if (/_before_/.test(name)) db.getCollection(name).drop()');
  });

  test('what is written during the dump is replayed: all collections are of one instant, and a database that grows is restored', async () => {
    // Every `first` is followed by a `second`: at any instant there are as many of them, or one more of the first.
    const filler = "'x'.repeat(100000)";
    server.ask(`for (let i = 0; i < 50; i += 1) db.getSiblingDB('pairs').filler.insertOne({ _id: i, text: ${filler} })`);
    const writer = server.background(
      "for (let i = 0; ; i += 1) { if (i % 50 === 0) db.getSiblingDB('pairs').getCollection('since ' + i).insertOne({ _id: i }); db.getSiblingDB('pairs').first.insertOne({ _id: i }); db.getSiblingDB('pairs').second.insertOne({ _id: i }); db.getSiblingDB('pairs').ticks.updateOne({ _id: 1 }, { $set: { i } }, { upsert: true }); }",
    );
    try {
      await new Promise(resolve => setTimeout(resolve, 1000));
      const backup = await run('backup');
      id = (await succeed(Promise.resolve(backup), 'published')).id;
      expect(backup.log).toMatch(/changed during the dump, .*"collections\/pairs":/);
    } finally {
      await writer.stop();
    }
    const verification = await run('verify');
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ id });
    expect(Number(/applied (\d+) oplog entries/.exec(verification.log)?.[1])).toBeGreaterThan(2);

    server.ask("db.getSiblingDB('pairs').dropDatabase()");
    request({ database: 'pairs' });
    await succeed(run('restore'), 'restored');
    const counts = "db.getSiblingDB('pairs').first.countDocuments({}) - db.getSiblingDB('pairs').second.countDocuments({})";
    expect(['0', '1']).toContain(server.ask(counts));
  });

  test('until a moment outside of the dump, or none at all, nothing is restored', async () => {
    for (const [until, says] of [
      [
        '2001-01-01T00:00:00Z',
        /^recovery point \S+ can be restored to a point in time between \S+ and \S+, while it was dumped, and not to 2001/,
      ],
      ['soon', /^until is "soon": write a time/],
    ] as const) {
      request({ until, database: 'people', into: 'people3' });
      const refused = await run('restore');
      expect(refused.succeeded).toBe(false);
      expect(resultOf(refused).reason).toMatch(says);
    }
  });

  test('until a moment of the dump, the oplog is replayed up to it, and beside the original', async () => {
    const manifest = readFileSync(join(cluster.claim('reviews', 'backups'), 'ratings', id, 'manifest.json'), 'utf8');
    const from = /"oplogFrom":"([^"]+)"/.exec(manifest)?.[1] ?? '';
    request({ until: from, database: 'people', into: 'people3', recoveryPoint: id });
    const restored = await run('restore');
    await succeed(Promise.resolve(restored), 'restored');
    expect(restored.log).toContain('applied 0 oplog entries');
    expect(server.ask("JSON.stringify(db.getSiblingDB('people3').users.find().sort({ _id: 1 }).toArray())")).toBe(
      '[{"_id":1,"name":"Ann"},{"_id":2,"name":"Bo"}]',
    );
  });
});

describe('a standalone server', () => {
  const dist = synthesize('test/e2e/engines/mongodb/main.ts');
  let cluster: Cluster;
  let server: MongoServer;
  let other: MongoServer;
  const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: 'mongodb', name });

  beforeAll(async () => {
    const images = await imagesOfDist();
    server = await MongoServer.start(imageNamed(images, IMAGE));
    other = await MongoServer.start(imageNamed(images, IMAGE), 'production');
    server.ask(
      "db.orders.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]); db.getSiblingDB('Blog').posts.insertOne({ _id: 'ж', title: 'привет' }); db.getSiblingDB('other').x.insertOne({})",
    );
    cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
    cluster.claim('mongodb', 'backups');
    cluster.service('mongodb', 'shop-db', server.address);
    cluster.service('mongodb', 'other-db', other.address);
    cluster.secret('mongodb', 'db', { username: 'root', password: server.password });
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
    await other?.stop();
    rmSync(dist, { recursive: true });
  });

  test('its databases are backed up one by one, verified with assertions, and restored', async () => {
    server.ask("db.createUser({ user: 'clerk', pwd: 'planted-4111', roles: [] })");
    const before = server.checksums();
    const backup = await run('shop-backup');
    const { reason } = await succeed(Promise.resolve(backup), 'published');
    expect([reason, backup.log]).toEqual(['', expect.not.stringMatching(/planted|storedKey|SCRAM/)]);
    const verification = await run('shop-verify');
    await succeed(Promise.resolve(verification), 'verified');
    expect(verification.log).toContain("assertion 01 holds: 'привет' is equals привет");
    server.ask("db.dropUser('clerk'); db.dropDatabase(); db.getSiblingDB('Blog').dropDatabase()");
    const restored = await run('shop-restore');
    await succeed(Promise.resolve(restored), 'restored');
    expect(server.checksums()).toEqual(before);
    expect(restored.log).toContain('the target has all 1 users and roles');
    // The accounts that live in a database come with it; FerretDB lets in only those that live in admin.
    expect(server.ask("db.getSiblingDB('admin').getCollection('system.users').countDocuments({ _id: 'shop.clerk' })")).toBe('1');
  });

  test('a host that is not what was said is refused', async () => {
    const none = await run('no-set-backup');
    expect(resultOf(none).reason).toMatch(/^shop-db is not a member of a replica set, so it has no oplog: leave out replicaSet/);
    const different = await run('other-set-backup');
    expect(resultOf(different).reason).toMatch(/^other-db is a member of replica set "production": set replicaSet: 'production'/);
    for (const each of [none, different]) expect(each.succeeded).toBe(false);
  });
});
