import { App, Chart } from 'cdk8s';
import { expect, test } from 'vitest';
import { Platform, Retention } from '../../lib';
import { VolumeSnapshotGroup, VolumeSnapshotMember } from '../../lib/volumes';
import { backup, objects, podSpec, restic } from '../support/synth';

const DNS = (...ports: number[]) => ports.flatMap(port => ['UDP', 'TCP'].map(protocol => ({ port, protocol })));

test('on OpenShift no pod names a user, and every way to DNS is one to its resolver', () => {
  const app = new App();
  Platform.openShift(app);
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const orders = backup(shop, { repository: restic });
  orders.addVerification();
  orders.addRestore();
  new VolumeSnapshotGroup(shop, 'group', { members: [VolumeSnapshotMember.claims(['pictures'])], retention: Retention.keep({ last: 1 }) });
  const made = Object.values(objects(shop));
  const pods = made.filter(({ kind }) => kind === 'CronJob').map(podSpec);
  expect(pods).toHaveLength(4);
  for (const { securityContext } of pods) {
    expect(Object.keys(securityContext).filter(key => /User$|Group$/.test(key) && key !== 'runAsNonRoot')).toEqual([]);
  }
  const policies = made.filter(({ kind }) => kind === 'NetworkPolicy');
  expect(policies).toHaveLength(4);
  for (const { spec } of policies) expect(spec.egress[0].ports).toEqual(DNS(53, 5353));
});

test('it is said of what is below, and before that is made', () => {
  const app = new App();
  const there = new Chart(app, 'there', { namespace: 'there' });
  Platform.openShift(there);
  const here = new Chart(app, 'here', { namespace: 'here' });
  backup(there, { repository: restic });
  backup(here, { repository: restic }, 'users');
  expect(objects(there)['NetworkPolicy/orders-backup'].spec.egress[0].ports).toEqual(DNS(53, 5353));
  expect(objects(here)['NetworkPolicy/users-backup'].spec.egress[0].ports).toEqual(DNS(53));
  expect(() => Platform.openShift(app)).toThrow(
    'Platform is "openShift": set it before you create the first child: there was created without it',
  );
});
