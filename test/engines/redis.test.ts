import { expect, test } from 'vitest';
import {
  DatabaseBackup,
  DataVolume,
  Engine,
  type RedisOptions,
  RedisVersion,
  Repository,
  Retention,
  SecretRef,
  ValkeyVersion,
} from '../../lib';
import { chart, environment, objects } from '../support/synth';

function sessions(options: RedisOptions = {}) {
  const shop = chart();
  const backup = new DatabaseBackup(shop, 'sessions', {
    engine: Engine.redis({ version: RedisVersion.V7_2, ...options }),
    host: 'sessions-db',
    credentials: SecretRef.named('sessions'),
    dataVolume: DataVolume.claim('data-sessions-db-0'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
  });
  backup.addVerification();
  backup.addRestore();
  return objects(shop);
}

test.each<[RedisOptions, RegExp]>([
  [{ dumpFile: 'data/dump.rdb' }, /engine\.dumpFile is "data\/dump\.rdb": write only the file name/],
  [{ appendDirectory: '..' }, /engine\.appendDirectory is "\.\.": write only the file name/],
  [{ tlsClient: SecretRef.named('tls') }, /engine\.tlsAuthority is not set: name the authority too/],
  [{ image: 'redis' }, /engine\.image is "redis": pin a version/],
])('%j is refused', (options, because) => {
  expect(() => sessions(options)).toThrow(because);
});

test('the password is in the environment of what talks to the server, by reference, and not in a verification', () => {
  const made = sessions();
  for (const operation of ['backup', 'restore'])
    expect(environment(made[`CronJob/sessions-${operation}`]).REDISCLI_AUTH).toEqual({
      secretKeyRef: { name: 'sessions', key: 'password' },
    });
  expect(Object.keys(environment(made['CronJob/sessions-verify']))).not.toEqual(expect.arrayContaining(['REDISCLI_AUTH', 'REDIS_HOST']));
});

test('certificates are files of the jobs that talk to the server', () => {
  const made = sessions({ tlsAuthority: SecretRef.named('tls').key('ca'), tlsClient: SecretRef.named('tls') });
  const volumes = (operation: string) =>
    made[`CronJob/sessions-${operation}`].spec.jobTemplate.spec.template.spec.volumes.map(({ name }: { name: string }) => name);
  expect(volumes('backup')).toEqual(expect.arrayContaining(['tls-authority', 'tls-client']));
  expect(volumes('verify')).not.toContain('tls-authority');
});

test('Valkey has programs and images of its own', () => {
  const shop = chart();
  const engine = Engine.valkey({ version: ValkeyVersion.V8_1 }).bind(shop, {
    series: 'sessions',
    host: 'db',
    credentials: SecretRef.named('db'),
  });
  expect(engine).toMatchObject({ name: 'valkey', image: { reference: 'valkey/valkey:8.1.8-trixie' } });
  expect(engine.environment).toContainEqual({ name: 'PROGRAM', value: 'valkey' });
});
