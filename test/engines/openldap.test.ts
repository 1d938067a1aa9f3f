import { expect, test } from 'vitest';
import { DatabaseBackup, DataVolume, Engine, type OpenldapEngineOptions, Repository, Retention, SecretRef } from '../../lib';
import { chart, environment, objects, podSpec } from '../support/synth';

function people(options: Partial<OpenldapEngineOptions> = {}) {
  const shop = chart();
  const backup = new DatabaseBackup(shop, 'people', {
    engine: Engine.openldap({
      image: 'registry.example/openldap:2.6.10',
      imageUser: 1001,
      mounts: { '/var/lib/ldap': 'data', '/etc/ldap/slapd.d': 'config' },
      ...options,
    }),
    host: 'ldap',
    credentials: SecretRef.named('ldap'),
    dataVolume: DataVolume.claim('data-ldap-0'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
  });
  backup.addVerification();
  backup.addRestore();
  return objects(shop);
}

test.each<[Partial<OpenldapEngineOptions>, RegExp]>([
  [{ image: 'openldap' }, /engine\.image is "openldap": pin a version/],
  [{ mounts: {} }, /engine\.mounts is \{\}: say where the server's directories are/],
  [{ mounts: { 'var/lib/ldap': '' } }, /engine\.mounts\['var\/lib\/ldap'\] is "": write an absolute path/],
  [{ mounts: { '/var/lib/ldap': '../data' } }, /engine\.mounts\['\/var\/lib\/ldap'\] is "\.\.\/data": write an absolute path/],
  [{ mounts: { '/var/lib/ldap': '/data' } }, /engine\.mounts\['\/var\/lib\/ldap'\] is "\/data": write an absolute path/],
  [{ configDirectory: '/etc/ldap/slapd.d/' }, /engine\.configDirectory is "\/etc\/ldap\/slapd\.d\/": write an absolute path/],
  [{ suffixes: ['example.com'] }, /engine\.suffixes\[0\] is "example\.com": write each suffix once/],
  [
    { suffixes: ['dc=a', 'dc=a'] },
    /engine\.suffixes\[0\] is "dc=a": write each suffix once|engine\.suffixes\[1\] is "dc=a": write each suffix once/,
  ],
  [{ startTls: true }, /engine\.tlsAuthority is not set: name the authority too/],
])('%j is refused', (options, because) => {
  expect(() => people(options)).toThrow(because);
});

test('the password is in the environment of what talks to the server, by reference, and not in a verification', () => {
  const made = people();
  for (const operation of ['backup', 'restore'])
    expect(environment(made[`CronJob/people-${operation}`]).LDAP_PASSWORD).toEqual({ secretKeyRef: { name: 'ldap', key: 'password' } });
  expect(Object.keys(environment(made['CronJob/people-verify'])).filter(name => name.startsWith('LDAP'))).toEqual([]);
});

test('a backup asks the server and has none of its files', () => {
  const made = people();
  const claims = (operation: string) => JSON.stringify(podSpec(made[`CronJob/people-${operation}`]).volumes);
  expect(claims('backup')).not.toContain('data-ldap-0');
  expect(claims('restore')).toContain('data-ldap-0');
});

test('TLS has a port of its own, or begins on the ordinary one', () => {
  const tlsAuthority = SecretRef.named('ldap-tls').key('ca.crt');
  const uri = (options: Partial<OpenldapEngineOptions>) => environment(people(options)['CronJob/people-backup']);
  expect(uri({})).toMatchObject({ LDAP_URI: 'ldap://ldap:389', LDAP_START_TLS: 'no' });
  expect(uri({ tlsAuthority })).toMatchObject({ LDAP_URI: 'ldaps://ldap:636', LDAP_START_TLS: 'no', LDAPTLS_CACERT: '/tls/ca.crt' });
  expect(uri({ tlsAuthority, startTls: true })).toMatchObject({ LDAP_URI: 'ldap://ldap:389', LDAP_START_TLS: 'yes' });
});

test('directories of the server are told by lines of two paths', () => {
  expect(environment(people()['CronJob/people-restore']).MOUNTS).toBe('/var/lib/ldap\tdata\n/etc/ldap/slapd.d\tconfig');
});
