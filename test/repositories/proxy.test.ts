import { expect, test } from 'vitest';
import { Destination, Repository, ResticLocation, Retention, SecretRef } from '../../lib';
import { backup, chart, environment, objects } from '../support/synth';

const password = SecretRef.named('key').key('password');
const s3 = ResticLocation.s3({ bucket: 'acme-backups', credentials: SecretRef.named('s3') });
const url = 'http://proxy.acme.example:3128';

function made(location: ResticLocation) {
  const shop = chart();
  backup(shop, { repository: Repository.restic({ location, password }) }).addVerification();
  return objects(shop);
}

test('jobs may reach the proxy, and not the store', () => {
  const { 'CronJob/orders-verify': job, 'NetworkPolicy/orders-verify': policy } = made(s3.byProxy({ url }));
  expect(environment(job)).toMatchObject({ RESTIC_PROXY: url, RESTIC_REPOSITORY: 's3:https://s3.us-east-1.amazonaws.com/acme-backups' });
  expect(policy.spec.egress.slice(1)).toEqual([{ ports: [{ port: 3128, protocol: 'TCP' }] }]);
});

test('no other program of a job takes the proxy for its own', () => {
  expect(Object.keys(environment(made(s3.byProxy({ url }))['CronJob/orders-backup']))).not.toContain('HTTPS_PROXY');
});

test('where packets to the proxy go may be said', () => {
  const destinations = [Destination.pods({ labels: { app: 'squid' }, namespace: 'egress', port: 3129 })];
  const policy = made(s3.byProxy({ url: 'http://squid.egress:3128', destinations }))['NetworkPolicy/orders-verify'];
  expect(policy.spec.egress[1].ports).toEqual([{ port: 3129, protocol: 'TCP' }]);
});

test('a mirror goes to each of its repositories by its own way', () => {
  const shop = chart();
  const orders = backup(shop, { repository: Repository.restic({ location: s3.byProxy({ url }), password }) });
  const near = Repository.restic({ location: ResticLocation.local({ claimName: 'near' }), password });
  orders.addMirror(near, { name: 'near', retention: Retention.all() });
  const variables = environment(objects(shop)['CronJob/orders-mirror-near']);
  expect(variables).toMatchObject({ SOURCE_RESTIC_PROXY: url });
  expect(variables).not.toHaveProperty('RESTIC_PROXY');
});

test.each([
  [
    'a volume',
    () => made(ResticLocation.local({ claimName: 'backups' }).byProxy({ url })),
    'location.proxy is "shop/backups/restic": only HTTP requests can use an HTTP proxy',
  ],
  [
    'a proxy without a scheme',
    () => made(s3.byProxy({ url: 'proxy:3128' })),
    'location.proxy.url is "proxy:3128": write a URL with its scheme',
  ],
  [
    'a password in its URL',
    () => made(s3.byProxy({ url: 'http://u:p@proxy:3128' })),
    'location.proxy.url is "http://…@proxy:3128": a URL is written to dist/ in plain text',
  ],
])('is refused: %s', (_, does, says) => {
  expect(does).toThrow(says);
});
