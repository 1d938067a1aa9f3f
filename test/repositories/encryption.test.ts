import { describe, expect, test } from 'vitest';
import {
  Encryption,
  Engine,
  type IEngine,
  type IRepository,
  MariadbVersion,
  PostgresVersion,
  RedisVersion,
  RekeyMethod,
  Repository,
  type RepositoryConfig,
  ScriptFolder,
  SecretRef,
} from '../../lib';
import { noDecryptionKeys } from '../manifests/rules/no-decryption-keys';
import { backup, chart, environment, files, type Manifest, objects, podSpec, restic } from '../support/synth';

const RECIPIENT = 'age166xqv8rp7dy2gh2lf8tv0y6nm5fwmpyd0s69eupqr9evgwrd2y8qsgcn4u';
const FINGERPRINT = '44A3EE45A267D61AA02F19A49FA8600AAFD6248A';
const PUBLIC_KEY = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawFbHxYJKwYBBAHaRw8BAQdAcHjrmhDxmzXY5ni4h54FbBkPzCzV0FJrOnMb
lFDVizW0BmJhY2t1cIiQBBMWCAA4FiEERKPuRaJn1hqgLxmkn6hgCq/WJIoFAmsB
Wx8CGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQn6hgCq/WJIrdCQD/Y+fJ
Smph9hlbebmHOATdQK3UsSNd2ksHE5YxjinoOZ8BAK9DfXdypuC5QeXjd0FNTu+s
l64xpq5Cm3QVBIalW9IEuDgEawFbHxIKKwYBBAGXVQEFAQEHQEYmNV2H5mbKH3QX
ANnq23J1qIOtJPd5YUc+BXfJgfojAwEIB4h4BBgWCAAgFiEERKPuRaJn1hqgLxmk
n6hgCq/WJIoFAmsBWx8CGwwACgkQn6hgCq/WJIqBWgEAnUALoM9hwt+S009FyLg+
SIG/2At14Z321xnV/KPprT8BALH+ng4z7cvm1/SIlD23UqfOg1pXc7QCw7fAe44B
wfoF
=f8QV
-----END PGP PUBLIC KEY BLOCK-----
`;
const identity = SecretRef.named('backup-identity').key('identity');
const image = 'registry.example/age:1.2.1';
const age = Encryption.age({ recipients: [RECIPIENT], identity, image });
const gpg = Encryption.gpg({ recipients: [PUBLIC_KEY], identity, passphrase: SecretRef.named('backup-identity').key('passphrase') });
const symmetric = Encryption.gpgSymmetric({ passphrase: SecretRef.named('backup-phrase').key('passphrase') });
const encrypted = (encryption: Encryption) => Repository.files({ claimName: 'backups', encryption });

/** Every job of a backup, by its CronJob's name. */
function jobs(encryption: Encryption, engine?: IEngine): { [name: string]: Manifest } {
  const shop = chart();
  const orders = backup(shop, { repository: encrypted(encryption), ...(engine && { engine }) });
  orders.addVerification();
  orders.addRestore();
  orders.addReencryption();
  orders.addKeyDrill({ key: SecretRef.named('escrow').key('identity') });
  return Object.fromEntries(
    Object.entries(objects(shop)).flatMap(([id, made]) => (id.startsWith('CronJob/') ? [[id.slice(8), made]] : [])),
  );
}

const secretsOf = (job: Manifest): string[] =>
  podSpec(job).volumes.flatMap(({ secret }: Manifest) => (secret ? [`${secret.secretName}/${secret.items[0].key}`] : []));

describe('public keys', () => {
  test.each([
    ['age', age, ['backup-identity/identity']],
    ['gpg', gpg, ['backup-identity/identity', 'backup-identity/passphrase']],
  ])(
    '%s: pods that make backups have no key that decrypts; those that read have it; a drill has the one in escrow and no other',
    (_, way, own) => {
      const made = jobs(way);
      expect(secretsOf(made['orders-backup'])).toEqual([]);
      expect(environment(made['orders-backup'])).not.toHaveProperty('DECRYPTION_PATH');
      expect(noDecryptionKeys([made['orders-backup']])).toEqual([]);
      for (const name of ['orders-verify', 'orders-restore', 'orders-reencrypt']) expect(secretsOf(made[name])).toEqual(own);
      expect(secretsOf(made['orders-drill'])).toEqual(['escrow/identity']);
    },
  );

  test('a drill is labelled as one, not as a verification', () => {
    const made = jobs(age);
    for (const [name, operation] of [
      ['orders-verify', 'verify'],
      ['orders-drill', 'drill'],
    ]) {
      const { metadata, spec } = made[name ?? ''];
      const labels = { 'cdk8s-backup/operation': operation, 'app.kubernetes.io/component': operation };
      expect(metadata.labels).toMatchObject(labels);
      expect(spec.jobTemplate.spec.template.metadata.labels).toMatchObject({ ...labels, 'cdk8s-backup/job': name });
    }
  });

  test('a backup that had a key would break the rule', () => {
    const made = jobs(age);
    const [volume] = podSpec(made['orders-verify']).volumes.filter(({ secret }: Manifest) => secret);
    podSpec(made['orders-backup']).volumes.push(volume);
    expect(noDecryptionKeys([made['orders-backup']])).toEqual(['CronJob shop/orders-backup: backup has the key encryption-age-0']);
  });

  test('are known by their fingerprints, and are in an immutable ConfigMap', () => {
    const shop = chart();
    backup(shop, { repository: encrypted(gpg) });
    const made = objects(shop);
    expect(environment(made['CronJob/orders-backup']).RECIPIENTS).toBe(FINGERPRINT);
    const [recipients] = Object.values(made).filter(({ metadata }) => metadata.name.startsWith('backup-scripts-recipients-'));
    expect(recipients.data).toEqual({ '0.asc': PUBLIC_KEY });
  });

  test('age comes from an image of its own', () => {
    expect(podSpec(jobs(age)['orders-backup']).initContainers).toMatchObject([
      { name: 'age', image, command: ['cp', '/usr/bin/age', '/tools/'] },
    ]);
  });
});

test('a passphrase is in the pods that make backups, too', () => {
  expect(secretsOf(jobs(symmetric)['orders-backup'])).toEqual(['backup-phrase/passphrase']);
});

test('the keys of older recovery points go to the jobs that read, and to no other', () => {
  const shop = chart();
  const repository = Repository.files({ claimName: 'backups', encryption: age, previousEncryptions: [symmetric] });
  const orders = backup(shop, { repository });
  orders.addVerification();
  orders.addKeyDrill({ key: SecretRef.named('escrow').key('identity') });
  const made = objects(shop);
  expect(secretsOf(made['CronJob/orders-backup'])).toEqual([]);
  expect(secretsOf(made['CronJob/orders-verify'])).toEqual(['backup-identity/identity', 'backup-phrase/passphrase']);
  expect(secretsOf(made['CronJob/orders-drill'])).toEqual(['escrow/identity']);
});

describe('is refused at synth', () => {
  const typingError = RECIPIENT.replace(/.$/, 'q');
  const recipients = (...keys: string[]) => Encryption.age({ recipients: keys, identity, image });
  test.each([
    ['a recipient with a typing error', recipients(typingError), /encryption.recipients\[0\] is "age1.*six of them a checksum/],
    ['an identity in place of a recipient', recipients('AGE-SECRET-KEY-1QQQ'), /is "an identity": that is a private key/],
    ['nobody', recipients(), /encryption.recipients is \[\]: name the public key/],
    ['one recipient twice', recipients(RECIPIENT, RECIPIENT), /name each recipient once/],
    ['no image', Encryption.age({ recipients: [RECIPIENT], image: '' }), /encryption.image is "": name an image with a static/],
    [
      'no identity for those that read',
      Encryption.age({ recipients: [RECIPIENT], image }),
      /encryption.identity is not set: a job that reads/,
    ],
    ['an age recipient for gpg', Encryption.gpg({ recipients: [RECIPIENT], identity }), /write one public key, as `gpg --armor --export/],
    ['two keys in one', Encryption.gpg({ recipients: [twice(PUBLIC_KEY)], identity }), /is "2 keys": write one public key/],
    ['half a key', Encryption.gpg({ recipients: [PUBLIC_KEY.slice(0, 200)], identity }), /write one public key/],
    [
      'a private key in place of a public one',
      Encryption.gpg({ recipients: ['-----BEGIN PGP PRIVATE KEY BLOCK-----'], identity }),
      /is "a private key": that is a private key/,
    ],
  ])('%s', (_, way, says) => {
    expect(() => jobs(way)).toThrow(says);
  });

  test.each<[string, Encryption, IEngine, RegExp]>([
    ['gpg in an image without it', symmetric, Engine.redis({ version: RedisVersion.V7_2 }), /the engine's image has no gpg/],
    [
      'private keys in an image without the agent',
      gpg,
      Engine.mariadb({ version: MariadbVersion.V10_11 }),
      /has no gpg-agent.*use Encryption.age/,
    ],
    [
      'incremental backups by pods that cannot read',
      age,
      Engine.postgresPhysical({ version: PostgresVersion.V17, incrementals: 3 }),
      /incremental backups read the recovery point before them/,
    ],
  ])('%s', (_, way, engine, says) => {
    const shop = chart();
    expect(() => backup(shop, { repository: encrypted(way), engine }).addVerification()).toThrow(says);
  });

  test.each([
    [
      'a drill of what has no key',
      () => backup(chart()).addKeyDrill({ key: identity }),
      /orders: key is .*this repository is not encrypted/,
    ],
    [
      're-encryption of what is not encrypted',
      () => backup(chart()).addReencryption(),
      /only an encrypted files repository can be re-encrypted/,
    ],
    [
      're-encryption of a restic repository',
      () => backup(chart(), { repository: restic }).addReencryption(),
      /change the key with addKeyRotation/,
    ],
    [
      'keys of a repository that has none',
      () => backup(chart(), { repository: files }).addKeyRotation({ add: identity }),
      /only a restic repository has its own keys/,
    ],
    ['no key at all', () => backup(chart(), { repository: restic }).addKeyRotation({}), /add is not set/],
    [
      'a passphrase of a key that has none',
      () => backup(chart(), { repository: encrypted(age) }).addKeyDrill({ key: identity, passphrase: identity }),
      /orders: key is .*only a private key of gpg has a passphrase/,
    ],
    [
      'one key to add and to remove',
      () => backup(chart(), { repository: restic }).addKeyRotation({ add: identity, remove: identity }),
      /that is the key to add/,
    ],
  ])('%s', (_, make, says) => {
    expect(make).toThrow(says);
  });
});

describe('a repository of somebody’s own', () => {
  const own = (says: Partial<RepositoryConfig>): IRepository => ({
    bind: (scope, options) => ({ ...files.bind(scope, options), identity: 'own:shop', ...says }),
  });
  const scripts = (...names: string[]) => ScriptFolder.of('own', Object.fromEntries(names.map(name => [name, ':\n'])));

  test('has its keys exchanged as it says', () => {
    const rotates = own({ rekeyMethod: RekeyMethod.KEY_ROTATION, scripts: scripts('repository.sh', 'keys.sh') });
    expect(backup(chart(), { repository: rotates }).addKeyRotation({ add: identity }).addJob).toBeDefined();
    const encrypts = own({ rekeyMethod: RekeyMethod.REENCRYPTION, scripts: scripts('repository.sh', 'reencrypt.sh') });
    expect(backup(chart(), { repository: encrypts }).addReencryption().cronJob).toBeDefined();
    expect(() => backup(chart(), { repository: encrypts }).addKeyRotation({ add: identity })).toThrow(
      'repository is "own:shop": only a restic repository has its own keys',
    );
  });

  test.each<[string, Partial<RepositoryConfig>, string]>([
    ['without its script', { scripts: scripts('repo.sh') }, 'the repository own:shop needs repository.sh, which this folder lacks'],
    [
      'without a script for its keys',
      { rekeyMethod: RekeyMethod.KEY_ROTATION, scripts: scripts('repository.sh') },
      'the repository own:shop needs keys.sh, which this folder lacks',
    ],
  ])('%s is refused', (_, says, message) => {
    expect(() => backup(chart(), { repository: own(says) })).toThrow(`shop/orders: repository.scripts is "own": ${message}`);
  });
});

test('MariaDB can have a passphrase', () => {
  expect(Object.keys(jobs(symmetric, Engine.mariadb({ version: MariadbVersion.V10_11 })))).toContain('orders-backup');
});

test('keys of restic are added and removed by jobs of their own, which alone have the other password', () => {
  const shop = chart();
  backup(shop, { repository: restic }).addKeyRotation({ add: SecretRef.named('next').key('p'), remove: SecretRef.named('old').key('p') });
  const made = objects(shop);
  expect(secretsOf(made['CronJob/orders-backup'])).toEqual(['key/password']);
  expect(secretsOf(made['CronJob/orders-add-key'])).toEqual(['key/password', 'next/p']);
  expect(secretsOf(made['CronJob/orders-remove-key'])).toEqual(['key/password', 'old/p']);
  for (const name of ['orders-add-key', 'orders-remove-key']) {
    expect(made[`CronJob/${name}`].spec.suspend).toBe(true);
    expect(made[`NetworkPolicy/${name}`].spec.egress).toHaveLength(2);
  }
});

/** Both keys in one block, as an export of a whole keyring has them. */
function twice(armored: string): string {
  const [, base64 = ''] = /\n\n([\s\S]*)\n=/.exec(armored) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return armored.replace(base64, Buffer.concat([bytes, bytes]).toString('base64'));
}
