import { App, Chart } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { DataVolume, Engine, EtcdCluster, type EtcdMember, EtcdVersion, MongodbVersion, PostgresVersion, SecretRef } from '../../lib';
import { backup, chart, environment, objects, podSpec } from '../support/synth';

// What pods know of the place that they were made for.

const CLUSTER = 'ab'.repeat(32);
const job = (of: Chart, name = 'orders-backup') => objects(of)[`CronJob/${name}`];

test('a pod knows its namespace, and the one that it was synthesized for', () => {
  const shop = chart();
  const orders = backup(shop);
  orders.addVerification();
  orders.addRestore();
  orders.addPrune();
  for (const name of ['orders-backup', 'orders-verify', 'orders-restore', 'orders-prune']) {
    expect(environment(job(shop, name))).toMatchObject({
      MADE_FOR_NAMESPACE: 'shop',
      POD_NAMESPACE: { fieldRef: { fieldPath: 'metadata.namespace' } },
    });
    expect(JSON.stringify(job(shop, name))).not.toContain('kube-root-ca.crt');
  }
});

test('of a chart without a namespace it knows none', () => {
  const any = new Chart(new App(), 'shop');
  backup(any);
  expect(Object.keys(environment(job(any)))).not.toContain('MADE_FOR_NAMESPACE');
});

test('where the cluster is given, it is known by its authority, without a token', () => {
  const shop = chart();
  backup(shop, { cluster: CLUSTER, takesOverFrom: 'old-shop' });
  expect(environment(job(shop))).toMatchObject({
    MADE_FOR_CLUSTER: CLUSTER,
    CLUSTER_AUTHORITY: '/run/cluster-authority/ca.crt',
    TAKES_OVER_FROM: 'old-shop',
  });
  expect(podSpec(job(shop))).toMatchObject({
    automountServiceAccountToken: false,
    volumes: expect.arrayContaining([{ name: 'cluster-authority', configMap: { name: 'kube-root-ca.crt', optional: true } }]),
  });
});

test.each([
  ['cluster', { cluster: 'production' }, /cluster is "production": .*sha256sum/],
  ['takesOverFrom', { takesOverFrom: 'the old place' }, /takesOverFrom is .*'shop'/],
])('%s that cannot be one is refused', (_, different, message) => {
  expect(() => backup(chart(), different)).toThrow(message);
});

describe('a restore runs in a copy of its namespace', () => {
  const restoreOf = (different: object, options: object = {}) => {
    const shop = chart();
    backup(shop, different).addRestore(options);
    return environment(job(shop, 'orders-restore')).ALSO_IN_COPIES;
  };
  const physical = Engine.postgresPhysical({ version: PostgresVersion.V17 });
  const mongodb = (replicaSet?: string) => Engine.mongodb({ version: MongodbVersion.V7_0, replicaSet, oplog: replicaSet !== undefined });

  const etcd = (volumes: Partial<EtcdMember>) => {
    const member = { name: 'a', peerUrl: 'http://a:2380', dataVolume: DataVolume.claim('data'), ...volumes };
    return Engine.etcd({ version: EtcdVersion.V3_5, cluster: EtcdCluster.of([member]) });
  };

  test('where what it acts on has a name of that namespace', () => {
    expect(restoreOf({ engine: etcd({}) })).toBe('yes');
    expect(restoreOf({})).toBe('yes');
    expect(restoreOf({ engine: physical, dataVolume: DataVolume.claim('data') })).toBe('yes');
    expect(restoreOf({ host: 'orders-db.shop' }, { host: 'scratch-db' })).toBe('yes');
    expect(restoreOf({ engine: mongodb() })).toBe('yes');
  });

  test.each([
    ['a name that is the same from anywhere', { host: 'orders-db.shop.svc.cluster.local' }, {}],
    ['a name of another namespace', {}, { host: 'orders-db.shop' }],
    ['an address', { host: '10.0.0.7' }, {}],
    ['names that a replica set tells', { engine: mongodb('rs0') }, {}],
    ['a directory of the node', { engine: physical, dataVolume: DataVolume.hostPath('/data') }, {}],
    ['a member’s directory of the node', { engine: etcd({ dataVolume: DataVolume.hostPath('/data') }) }, {}],
    ['a log in a directory of the node', { engine: etcd({ walVolume: DataVolume.hostPath('/wal') }) }, {}],
  ])('not by %s', (_, different, options) => {
    expect(restoreOf({ credentials: SecretRef.named('owner'), ...different }, options)).toBeUndefined();
  });
});
