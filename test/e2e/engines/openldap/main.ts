import { Chart, Duration } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Engine,
  type OpenldapEngineOptions,
  Repository,
  Retention,
  SecretRef,
} from '../../../../lib';

// A server whose configuration and databases are on one volume; one series of all of it, one of a suffix, one that may see less.
const app = new BackupApp();
const chart = new Chart(app, 'people', { namespace: 'people' });
const whole: OpenldapEngineOptions = {
  image: 'registry.example/openldap:2.5.13',
  imageUser: 999,
  mounts: { '/srv': '' },
  configDirectory: '/srv/slapd.d',
};
const series: { [name: string]: Partial<OpenldapEngineOptions> } = {
  directory: {},
  other: { suffixes: ['o=Other Org, c=DE'] },
  partial: { allowPartial: true },
  encrypted: { startTls: true, tlsAuthority: SecretRef.named('ldap-tls').key('authority') },
  apart: { mounts: { '/srv/data': 'data', '/srv/other': 'other' } },
};
const assertions: { [series: string]: Assertion[] } = {
  directory: [
    Assertion.atLeast('(objectClass=inetOrgPerson)', 600, { database: 'dc=example,dc=com' }),
    Assertion.equalTo('(uid=person 7)', '1', { database: 'ou=people,dc=example,dc=com' }),
  ],
  // Of a base that is not there.
  encrypted: [Assertion.equalTo('(accountLocked=TRUE)', '0', { database: 'ou=persons,dc=example,dc=com' })],
};
for (const [name, options] of Object.entries(series)) {
  const backup = new DatabaseBackup(chart, name, {
    engine: Engine.openldap({ ...whole, ...options }),
    host: 'ldap',
    port: 3389,
    credentials: SecretRef.named('ldap-backup'),
    dataVolume: DataVolume.claim('data'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
    retries: 0,
    readyTimeout: Duration.seconds(4),
  });
  backup.addVerification({ retries: 0, assertions: assertions[name] ?? [] });
  backup.addRestore();
}
app.synth();
