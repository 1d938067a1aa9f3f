import { expect, test } from 'vitest';
import { DatabaseBackup, Engine, type RabbitmqEngineOptions, RabbitmqVersion, Repository, Retention, SecretRef } from '../../lib';
import { chart, environment, objects, podSpec } from '../support/synth';

function events(options: Partial<RabbitmqEngineOptions> = {}) {
  const shop = chart();
  const backup = new DatabaseBackup(shop, 'events', {
    engine: Engine.rabbitmq({ version: RabbitmqVersion.V4_1, ...options }),
    host: 'broker',
    credentials: SecretRef.named('broker'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
  });
  backup.addVerification();
  backup.addRestore();
  return objects(shop);
}

test.each<[Partial<RabbitmqEngineOptions>, RegExp]>([
  [{ plugins: ['rabbitmq_shovel,x'] }, /engine\.plugins\[0\] is "rabbitmq_shovel,x": write the name of a plug-in/],
  [{ image: 'rabbitmq' }, /engine\.image is "rabbitmq": pin a version/],
])('%j is refused', (options, because) => {
  expect(() => events(options)).toThrow(because);
});

test('jobs ask the management interface, over TLS where its authority is named', () => {
  expect(environment(events()['CronJob/events-backup']).MANAGEMENT_URL).toBe('http://broker:15672');
  const tls = events({ tlsAuthority: SecretRef.named('broker-tls').key('authority') });
  expect(environment(tls['CronJob/events-backup']).MANAGEMENT_URL).toBe('https://broker:15671');
  expect(podSpec(tls['CronJob/events-backup']).volumes).toContainEqual({
    name: 'tls',
    secret: { secretName: 'broker-tls', items: [{ key: 'authority', path: 'ca.crt' }] },
  });
});

test('a verification knows nothing of the broker', () => {
  const names = Object.keys(environment(events()['CronJob/events-verify']));
  expect(names.filter(name => name.startsWith('MANAGEMENT'))).toEqual([]);
});
