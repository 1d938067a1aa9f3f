import { describe, expect, test } from 'vitest';
import { Engine, EtcdCluster, EtcdVersion, PostgresVersion, Repository, ResticLocation, Retention, SecretRef } from '../../lib';
import { warnings } from '../../lib/core/warning';
import { backup, chart, files, restic } from '../support/synth';

// The kubelet gives a claim's files to the group of the pod that mounted it last.
describe('a claim that jobs of several users write into', () => {
  const engine = Engine.etcd({
    version: EtcdVersion.V3_5,
    cluster: EtcdCluster.statefulSet({ name: 'etcd', service: 'etcd', replicas: 1 }),
  });
  const password = SecretRef.named('key').key('password');
  const local = Repository.restic({ location: ResticLocation.local({ claimName: 'backups' }), password });
  const said = (of = chart()) => warnings(of.node.findAll()).filter(line => line.includes('as user'));

  test.each([
    ['files', files],
    ['restic', local],
  ])('is warned of: %s', (_, repository) => {
    const shop = chart();
    backup(shop, { repository });
    backup(shop, { repository, engine, host: 'etcd' }, 'settings');
    backup(shop, { repository, engine, host: 'etcd' }, 'locks');
    expect(said(shop)).toEqual([
      'warning: shop/settings: jobs write into claim shop/backups as user 65532, and those of shop/orders as user 999: each pod that mounts it may lock the other user out: give each user its own claim, or both images the same user (imageUser)',
    ]);
  });

  test('is warned of: a mirror of one, and a backup', () => {
    const shop = chart();
    backup(shop);
    backup(shop, { repository: restic, engine, host: 'etcd' }, 'settings').addMirror(files, {
      name: 'near',
      retention: Retention.all(),
    });
    expect(said(shop)).toEqual([expect.stringContaining('shop/settings/mirror-near: jobs write into claim shop/backups as user 65532')]);
  });

  test.each([
    ['one user', { engine: Engine.postgres({ version: PostgresVersion.V17 }) }],
    ['another claim', { engine, host: 'etcd', repository: Repository.files({ claimName: 'others' }) }],
    ['a bucket', { engine, host: 'etcd', repository: restic }],
  ])('is not what it is with %s', (_, different) => {
    const shop = chart();
    backup(shop);
    backup(shop, { repository: restic }, 'users');
    backup(shop, different, 'settings');
    expect(said(shop)).toEqual([]);
  });

  test('is not what it is where the cluster assigns one user to a namespace', () => {
    const shop = chart();
    for (const [id, other] of Object.entries({ orders: {}, settings: { engine, host: 'etcd' } })) {
      backup(shop, { ...other, pods: { assignedUser: true } }, id);
    }
    expect(said(shop)).toEqual([]);
  });
});
