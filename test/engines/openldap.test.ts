import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
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
  [{ mounts: { '/var/lib/ldap/.': 'data' } }, /engine\.mounts\['\/var\/lib\/ldap\/\.'\] is "data": write an absolute path/],
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

describe('what is known of a database by the configuration', () => {
  const WHO = 'cn=backup,dc=example,dc=com';
  const columns = (lines: string[], who = WHO) =>
    execFileSync('awk', ['-f', 'lib/engines/openldap/databases.awk'], {
      env: { ...process.env, WHO: who },
      input: ['dn: olcDatabase={1}mdb,cn=config', 'olcDatabase: {1}mdb', 'olcDbDirectory: /srv/data', ...lines, ''].join('\n'),
      encoding: 'utf8',
    })
      .trimEnd()
      .split('\n')
      .filter(line => !line.startsWith('config\t'))
      .map(line => line.split('\t'));
  const suffix = 'olcSuffix: dc=example,dc=com';

  test.each([
    ['the first rule gives it and ends', `{0}to * by dn.exact="${WHO}" read by * break`, 'yes'],
    ['the same in other words', `{0}to * by dn.exact="${WHO}" read stop by * none`, 'yes'],
    ['a later rule may take away what was given', `{0}to * by dn.exact="${WHO}" read break by * break`, 'no'],
    ['a later clause may take it away', `{0}to * by dn.exact="${WHO}" read continue by anonymous auth by * none`, 'no'],
    ['everybody, and a later rule', '{0}to * by * read break', 'no'],
    ['somebody else', '{0}to * by dn.exact="cn=other,dc=example,dc=com" read by * break', 'no'],
  ])('whether all of it is seen: %s', (_, rule, known) => {
    expect(columns([suffix, `olcAccess: ${rule}`])[0]?.[3]).toBe(known);
  });

  test.each([
    [
      'an overlay that is known to leave answers alone',
      ['dn: olcOverlay={0}memberof,olcDatabase={1}mdb,cn=config', 'olcOverlay: {0}memberof'],
      '-',
    ],
    ['one that changes them', ['dn: olcOverlay={0}valsort,olcDatabase={1}mdb,cn=config', 'olcOverlay: {0}valsort'], 'valsort'],
    ['one that nobody knows', ['dn: olcOverlay={0}datamorph,olcDatabase={1}mdb,cn=config', 'olcOverlay: {0}datamorph'], 'datamorph'],
    [
      'one of all databases',
      [
        'dn: olcDatabase={-1}frontend,cn=config',
        'olcDatabase: {-1}frontend',
        'dn: olcOverlay={0}rwm,olcDatabase={-1}frontend,cn=config',
        'olcOverlay: {0}rwm',
      ],
      'rwm',
    ],
  ])('what a search gives: %s', (_, lines, changer) => {
    expect(columns([suffix, '', ...lines])[0]?.[2]).toBe(changer);
  });

  test.each(['olcHidden: TRUE', 'olcDisabled: TRUE'])('a database that nobody can read: %s', line => {
    expect(columns([suffix, line])[0]?.[2]).toBe('shut');
  });

  test('one without a suffix is not passed over', () => {
    expect(columns([])[0]?.slice(0, 2)).toEqual(['mdb', '/srv/data']);
  });

  test('what is glued to another one is in the answers of that', () => {
    const glued = [
      'dn: olcDatabase={2}ldap,cn=config',
      'olcDatabase: {2}ldap',
      'olcSuffix: ou=glued, DC=example,dc=com',
      'olcSubordinate: TRUE',
    ];
    expect(columns([suffix, '', ...glued]).map(column => column[2])).toEqual(['above', 'subordinate']);
    expect(columns(['olcSuffix: c=com', '', ...glued]).map(column => column[2])).toEqual(['-', 'subordinate']);
  });

  test("an overlay's own database is none to back up", () => {
    const cache = [
      'dn: olcDatabase={0}mdb,olcOverlay={0}pcache,olcDatabase={2}ldap,cn=config',
      'olcDatabase: {0}mdb',
      'olcDbDirectory: /srv/cache',
    ];
    expect(columns([suffix, '', ...cache]).map(column => column.slice(0, 2))).toEqual([
      ['mdb', '/srv/data'],
      ['nested', '/srv/cache'],
    ]);
  });

  test('a DN with a backslash is itself', () => {
    const who = String.raw`cn=back\2Cup,dc=example,dc=com`;
    expect(columns([suffix, `olcAccess: {0}to * by dn.exact="${who}" read`], who)[0]?.[3]).toBe('yes');
  });
});
