import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runScript } from '../shell/script';

// What the scripts for mongosh make of servers as the stand-in for mongod is none: replica sets of several members, views, validators.

interface Host {
  readonly [command: string]: unknown;
}

/** Runs a script between servers that are made up, by the host in their connection strings. */
function mongosh(script: string, hosts: { [host: string]: Host }, environment: { [name: string]: string } = {}): string[] {
  const printed: string[] = [];
  class Mongo {
    constructor(private readonly uri: string) {}
    getDB = (): object => {
      const host = hosts[/@([^/]*)\//.exec(this.uri)?.[1] ?? ''];
      if (!host) throw new Error('no route to host');
      return { runCommand: (command: object) => host[Object.keys(command)[0] ?? ''] ?? { ok: 1 }, ...(host.database as object) };
    };
    getDBNames = () => ['shop'];
  }
  runInNewContext(readFileSync(`lib/engines/mongodb/${script}.js`, 'utf8'), {
    Mongo,
    print: (line: string) => printed.push(line),
    process: { env: { MONGODB_URI: 'mongodb://u:p@a:27017/?x', ...environment } },
    require: createRequire(__filename),
    EJSON: JSON,
  });
  return printed;
}

describe('the member to dump from', () => {
  const HOUR = 3600_000;
  const now = Date.UTC(2026, 7, 1);
  const member = (role: 'secondary' | 'isWritablePrimary', behind: number, safeBehind = behind) => ({
    buildInfo: { version: '7.0.0' },
    hello: {
      ...{ setName: 'rs0', hosts: ['a:27017', 'b:27017', 'c:27017'], [role]: true },
      lastWrite: { lastWriteDate: new Date(now - behind), majorityWriteDate: new Date(now - safeBehind) },
    },
  });
  const chosen = (hosts: { [host: string]: Host }, readFrom = 'secondaryPreferred') =>
    mongosh('server', hosts, { READ_FROM: readFrom, MAXIMUM_LAG: '600' }).filter(line => /^(member|primary|silent)/.test(line));

  test('is the secondary that is least behind', () => {
    const set = { 'a:27017': member('isWritablePrimary', 0), 'b:27017': member('secondary', 9000), 'c:27017': member('secondary', 2000) };
    expect(chosen(set)).toEqual(['primary\tyes', 'member\tc:27017\tsecondary\t2']);
    expect(chosen(set, 'primary')).toEqual(['primary\tyes', 'member\ta:27017\tprimary\t0']);
  });

  test('is the primary, where every secondary is hours behind it; and none, where the primary is not allowed', () => {
    const set = {
      'a:27017': member('isWritablePrimary', 0),
      'b:27017': member('secondary', 10 * HOUR),
      'c:27017': member('secondary', 11 * HOUR),
    };
    expect(chosen(set)).toEqual(['primary\tyes', 'member\ta:27017\tprimary\t0']);
    expect(chosen(set, 'secondary')).toEqual(['primary\tyes', `member\tb:27017\tsecondary\t${10 * 3600}`]);
  });

  test('is judged by what a majority has, which is what is dumped', () => {
    const set = { 'a:27017': member('isWritablePrimary', 0, HOUR), 'b:27017': member('secondary', 0, HOUR) };
    expect(chosen(set)).toEqual(['silent\tc:27017', 'primary\tyes', 'member\ta:27017\tprimary\t3600']);
  });

  test('is said to have no primary', () => {
    expect(chosen({ 'a:27017': member('secondary', HOUR) })).toEqual([
      'silent\tb:27017',
      'silent\tc:27017',
      'primary\tno',
      'member\ta:27017\tsecondary\t0',
    ]);
    expect(chosen({ 'a:27017': member('secondary', HOUR) }, 'primary').at(-1)).toBe('primary\tno');
  });
});

test('accounts are asked for, where their collections may not be read', () => {
  const refused = () => {
    throw Object.assign(new Error('not authorized'), { codeName: 'Unauthorized' });
  };
  const host = {
    database: { getCollection: () => ({ find: refused }) },
    usersInfo: { users: [{ db: 'admin', user: 'app' }] },
    rolesInfo: { roles: [{ db: 'shop', role: 'clerk' }] },
  };
  expect(mongosh('accounts', { 'a:27017': host }, { ROLE_DATABASES: 'shop' })).toEqual(['user ["admin","app"]', 'role ["shop","clerk"]']);
});

test('a restore that fails drops what it has made, and not what an application makes meanwhile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mongodb-'));
  const file = join(directory, 'names');
  writeFileSync(file, '"weather"\n"odd \\"name\\""\n');
  const dropped: string[] = [];
  const host = {
    database: {
      getCollectionInfos: () => ['weather', 'odd "name"', 'restore_of_orders', 'orders'].map(name => ({ name })),
      getCollection: (name: string) => ({ drop: () => dropped.push(name) }),
    },
  };
  const discard = (prefix: string) => {
    mongosh('discard', { 'a:27017': host }, { TARGET: 'shop', PREFIX: prefix, NAMES_FILE: file });
    return dropped.splice(0);
  };
  expect(discard('restore_of_')).toEqual(['restore_of_orders']);
  expect(discard('')).toEqual(['weather', 'odd "name"']);
  rmSync(directory, { recursive: true });
});

test('who may not read the accounts of databases says so', () => {
  const find = () => {
    throw Object.assign(new Error('not authorized'), { codeName: 'Unauthorized' });
  };
  const host = { database: { getCollection: () => ({ find }) } };
  expect(mongosh('export-accounts', { 'a:27017': host }, { DATABASES: 'shop' })).toEqual(['{"unseen":true}']);
});

describe('what is counted', () => {
  const catalog = (infos: object[], indexes: object[] = [{ name: '_id_', key: { _id: 1 } }]) =>
    mongosh('catalog', {
      'a:27017': {
        database: { getCollectionInfos: () => infos, getCollection: () => ({ getIndexes: () => indexes, countDocuments: () => 1 }) },
      },
    });
  const definition = (lines: string[]) => lines.find(line => line.startsWith('"definition/'));

  test("is every collection but the server's own, whatever it is called", () => {
    const infos = ['tempusers', 'system.js', 'orders'].map(name => ({ name, type: 'collection', options: {} }));
    expect(catalog(infos)).toEqual(expect.arrayContaining(['"collections/shop":2', '"indexes/shop.tempusers":1']));
  });

  test('is also what a collection is: its validator, its size, the keys of its indexes, the text of a view', () => {
    const plain = { name: 'orders', type: 'collection', options: {}, info: { uuid: 'a' } };
    const view = { name: 'open', type: 'view', options: { viewOn: 'orders', pipeline: [{ $match: { open: true } }] } };
    const seen = [
      definition(catalog([plain])),
      definition(catalog([{ ...plain, options: { validator: { a: 1 } } }])),
      definition(catalog([{ ...plain, options: { capped: true, size: 4096 } }])),
      definition(catalog([plain], [{ name: 'a', key: { a: 1 }, unique: true }])),
      definition(catalog([plain], [{ name: 'a', key: { a: 1 } }])),
      definition(catalog([plain], [{ name: 'a', key: { a: 1 }, expireAfterSeconds: 5 }])),
      definition(catalog([view])),
      definition(catalog([{ ...view, options: { viewOn: 'orders', pipeline: [] } }])),
      ...[
        { collation: { locale: 'de' } },
        { clusteredIndex: { key: { _id: 1 }, unique: true } },
        { changeStreamPreAndPostImages: { enabled: true } },
        { encryptedFields: { fields: [] } },
        { timeseries: { timeField: 'at' } },
        { expireAfterSeconds: 60 },
      ].map(options => definition(catalog([{ ...plain, options }]))),
      ...[{ collation: { locale: 'de' } }, { weights: { a: 2 } }, { wildcardProjection: { a: 1 } }, { prepareUnique: true }].map(options =>
        definition(catalog([plain], [{ name: 'a', key: { a: 1 }, ...options }])),
      ),
    ];
    expect(seen[0]).toMatch(/^"definition\/shop\.orders":\d+$/);
    expect(new Set(seen).size).toBe(18);
    expect(definition(catalog([{ ...plain, info: { uuid: 'b' } }]))).toBe(seen[0]);
  });
});

describe('what the tools say', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mongodb-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('of documents is in no log and no verdict; documents older than their validator are restored, and none is deleted for its age', () => {
    const mark = 'planted-4111111111111111';
    const { code, log, reason } = runScript('mongodb', 'verify', {
      directory,
      programs: {
        mongod: `echo "$@" >'${directory}/mongod'; exec sleep 60`,
        mongosh: `until [ -s '${directory}/mongod' ]; do sleep 0.05; done`,
        mongorestore: `echo "$@" >'${directory}/mongorestore'; cat >/dev/null
          echo '2026-08-01T00:00:00.000+0000	finished restoring shop.cards{2} (0 documents, 1 failure)' >&2
          echo '2026-08-01T00:00:00.000+0000	Failed: shop.cards: error restoring from archive: E11000 duplicate key error dup key: { number: "${mark}" }' >&2
          exit 1`,
      },
      environment: { READ_FROM: '', OPLOG: 'no', MAXIMUM_LAG: '600' },
      repository: { 'archives.tsv': 'all.archive\t*\tno\n', 'all.archive': 'x' },
    });
    expect([code, reason]).toEqual([1, expect.stringMatching(/^restoring all\.archive failed: mongorestore: .*dup key: \{\.\.\.\}/)]);
    expect(`${log}${reason}`).not.toContain(mark);
    expect(log).toContain('finished restoring shop.cards{2} (0 documents');
    expect(readFileSync(join(directory, 'mongorestore'), 'utf8')).toContain('--bypassDocumentValidation');
    expect(readFileSync(join(directory, 'mongod'), 'utf8')).toMatch(/--setParameter ttlMonitorEnabled=false(?!.*--replSet)/);
  });

  test('of a server that dies is its first error, without the blocks that it shows byte by byte', () => {
    const line = (severity: string, id: number, msg: string, attr: object) =>
      JSON.stringify({ t: { $date: '2026-08-01T00:00:00.000+00:00' }, s: severity, c: 'WT', id, ctx: 'initandlisten', msg, attr });
    const wiredTiger = (msg: string) => line('E', 22435, 'WiredTiger error message', { error: 0, message: { ts_sec: 1, msg } });
    const starts = (log: string[], ends: string) => {
      writeFileSync(join(directory, 'server.log'), log.map(said => `${said}\n`).join(''));
      const programs = { mongod: `cat '${directory}/server.log'; ${ends}`, mongosh: 'exit 1' };
      const environment = { READ_FROM: '', OPLOG: 'no', MAXIMUM_LAG: '600' };
      return runScript('mongodb', 'verify', { directory, programs, environment, repository: { 'archives.tsv': 'all.archive\t*\tno\n' } });
    };
    const sum = '__wt_block_read_off:226:WiredTiger.wt: potential hardware corruption, read checksum error for 4096B block at offset 12288';
    const { reason, log } = starts(
      [
        line('I', 23285, 'Automatically disabling TLS 1.0', { error: 'none' }),
        wiredTiger(sum),
        wiredTiger('__wt_bm_corrupt_dump:77:{0: 12288, 4096, 0x4e646a1f}: (chunk 1 of 4): 34 31 31 31'),
        wiredTiger('the process must exit and restart'),
        line('F', 50853, 'Fatal assertion', { msgid: 50853, file: 'wiredtiger_util.cpp', line: 651 }),
        line('F', 50853, '\n\n***aborting after fassert() failure\n\n', {}),
        line('F', 6384300, 'Writing fatal message', { message: 'Got signal: 6 (Aborted).\n' }),
        line('I', 31380, 'BACKTRACE', { bt: { backtrace: [] } }),
      ],
      'kill -ABRT $$',
    );
    expect(reason).toBe(`the scratch server did not start: ${sum} the process must exit and restart Fatal assertion (killed by signal 6)`);
    expect(log).not.toContain('34 31 31 31');
    const late = line('E', 20557, 'DBException in initAndListen, terminating', { error: 'NonExistentPath: Data directory /x not found' });
    expect(starts([late], 'exit 100').reason).toBe(
      'the scratch server did not start: DBException in initAndListen, terminating: NonExistentPath: Data directory /x not found',
    );
    expect(starts(['mongod: error while loading shared libraries: libcurl.so.4'], 'exit 127').reason).toContain('libcurl.so.4');
    expect(starts([], 'exit 1').reason).toBe('the scratch server did not start: its log names no error');
  });

  test('collections with encrypted fields, which a replica set alone may have, are brought up in one', () => {
    mkdirSync(join(directory, 'scratch'));
    writeFileSync(join(directory, 'scratch/facts.expected'), '"collections/shop":1\n"encrypted/shop":1\n');
    const said = join(directory, 'said');
    runScript('mongodb', 'verify', {
      directory,
      programs: {
        mongod: `echo "mongod $@" >>'${said}'; exec sleep 60`,
        // It has no answer before the server was started.
        mongosh: `until grep -qs '^mongod ' '${said}'; do sleep 0.05; done; echo "mongosh $@" >>'${said}'`,
        mongorestore: `echo mongorestore >>'${said}'; cat >/dev/null; exit 1`,
      },
      environment: { READ_FROM: '', OPLOG: 'no', MAXIMUM_LAG: '600' },
      repository: { 'archives.tsv': 'all.archive\t*\tno\n', 'all.archive': 'x' },
    });
    expect(readFileSync(said, 'utf8')).toMatch(/mongod .*--replSet scratch[\s\S]*mongosh .*initiate\.js\nmongorestore/);
  });
});
