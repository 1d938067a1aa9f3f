import { Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { Engine, type MongodbEngineOptions, MongodbReadFrom, MongodbVersion, SecretRef } from '../../lib';
import { backup, chart, environment, objects, podSpec } from '../support/synth';

const version = MongodbVersion.V7_0;
const make = (options: Partial<MongodbEngineOptions>) => backup(chart(), { engine: Engine.mongodb({ version, ...options }) });

test.each<[Partial<MongodbEngineOptions>, RegExp]>([
  [{}, /engine\.oplog is true: only a member of a replica set has an oplog: set replicaSet, or write oplog: false/],
  [
    { databases: ['a'], replicaSet: 'rs0' },
    /engine\.databases is \["a"\]: a dump with the oplog covers the whole instance: leave databases out/,
  ],
  [{ mongos: true }, /engine\.oplog is true: a dump through a mongos cannot have the oplog/],
  [{ mongos: true, oplog: false, replicaSet: 'rs0' }, /engine\.replicaSet is "rs0": a mongos is not a member of a replica set/],
  [{ oplog: false, readFrom: MongodbReadFrom.SECONDARY }, /engine\.readFrom is "secondary": only a replica set has several members/],
  [{ oplog: false, databases: ['a', 'a'] }, /name each database once/],
  [{ oplog: false, databases: ['a.b'] }, /engine\.databases\[0\] is "a\.b": write the name of a database/],
  [{ oplog: false, databases: ['admin'] }, /engine\.databases\[0\] is "admin": the server's own databases/],
  [{ replicaSet: 'rs0', maximumLag: Duration.seconds(5) }, /engine\.maximumLag is "5 s": an idle replica set writes every ten seconds/],
  [{ replicaSet: 'a/b' }, /engine\.replicaSet is "a\/b": write the name of the replica set/],
  [
    { replicaSet: 'rs0', tls: false, tlsCa: SecretRef.named('ca').key('ca.crt') },
    /engine\.tls is false: tlsCa needs a connection with TLS/,
  ],
])('%o is refused', (options, says) => {
  expect(() => make(options)).toThrow(says);
});

describe('a replica set with TLS', () => {
  const shop = chart();
  const tlsCa = SecretRef.named('mongo-ca').key('ca.crt');
  const made = backup(shop, { engine: Engine.mongodb({ version, replicaSet: 'rs0', tlsCa }) });
  made.addVerification();
  made.addRestore();
  const all = objects(shop);
  const job = all['CronJob/orders-backup'];

  test('is dumped whole, with the oplog, from a secondary, by the image of its version', () => {
    expect(environment(job)).toMatchObject({
      OPLOG: 'yes',
      DATABASES: '',
      REPLICA_SET: 'rs0',
      READ_FROM: 'secondaryPreferred',
      COMPRESSION: 'gzip',
    });
    expect(podSpec(job).containers[0].image).toBe('mongo:7.0.37-jammy');
  });

  test('trusts the authorities of the Secret', () => {
    expect(environment(job)).toMatchObject({ MONGODB_TLS: 'yes', MONGODB_TLS_CA: '/etc/mongodb-tls/ca.pem' });
    expect(podSpec(job).volumes).toContainEqual(
      expect.objectContaining({ secret: { secretName: 'mongo-ca', items: [{ key: 'ca.crt', path: 'ca.pem' }], defaultMode: 0o440 } }),
    );
  });

  test('takes the password from the Secret alone, and a verification has none', () => {
    expect(environment(job).MONGODB_PASSWORD).toEqual({ secretKeyRef: { name: 'orders-backup', key: 'password' } });
    expect(Object.keys(environment(all['CronJob/orders-verify'])).filter(name => name.startsWith('MONGODB_'))).toEqual([]);
  });

  test('has as much room to be restored in as to be verified in', () => {
    const scratch = (name: string) => podSpec(all[`CronJob/orders-${name}`]).volumes[0].emptyDir.sizeLimit;
    expect([scratch('backup'), scratch('restore')]).toEqual(['2Gi', '20Gi']);
    expect(environment(job).MAXIMUM_LAG).toBe('600');
  });

  test('can be asked for a moment', () => {
    expect(all['ConfigMap/orders-restore-defaults'].data).toMatchObject({ DATABASE: '', INTO: '', REPLACE: 'no', UNTIL: '' });
  });
});

test('without the oplog the author is warned', () => {
  const made = make({ oplog: false });
  expect(made.node.metadata.map(entry => String(entry.data))).toContainEqual(
    expect.stringMatching(/^engine\.oplog is false: collections are dumped one after another/),
  );
});
