import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed } from '../support/images';
import {
  ACCOUNT,
  BACKUP_DN,
  BACKUP_PASSWORD,
  OpenldapServer,
  OTHER_SUFFIX,
  openldapImages,
  READ_ALL,
  SUFFIX,
} from '../support/openldap-server';
import { request, resultOf, succeed, synthesize } from '../support/rehearse';

// OpenLDAP: the configuration and every entry of every suffix are what comes back, as slapcat sees them on both sides.

const NAMESPACE = 'people';

/** A bit of everything that a dump can lose. */
const CONTENT = `dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people
description: a line that is longer than seventy-eight characters, where LDIF is folded, and than twice that many, where it is folded again
description:: ${Buffer.from(' with a blank before, a line\nbreak, and a blank after ').toString('base64')}

dn:: ${Buffer.from(`ou=Köche\\, Ärzte,ou=people,${SUFFIX}`).toString('base64')}
objectClass: organizationalUnit
ou:: ${Buffer.from('Köche, Ärzte').toString('base64')}

dn: cn=photographed,ou=people,${SUFFIX}
objectClass: inetOrgPerson
objectClass: shopThing
cn: photographed
sn: photographed
shopNumber: 42
jpegPhoto:: ${Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 256)).toString('base64')}
userPassword:: ${Buffer.from('{SSHA}pretended').toString('base64')}
description;lang-de: eine Beschreibung

dn: cn=everybody,${SUFFIX}
objectClass: groupOfNames
cn: everybody
member: cn=photographed,ou=people,${SUFFIX}

dn: cn=alias,${SUFFIX}
objectClass: alias
objectClass: extensibleObject
cn: alias
aliasedObjectName: cn=photographed,ou=people,${SUFFIX}

dn: cn=elsewhere,${SUFFIX}
objectClass: referral
objectClass: extensibleObject
cn: elsewhere
ref: ldap://elsewhere.example/cn=elsewhere,${SUFFIX}

dn: cn=policies,${SUFFIX}
objectClass: subentry
objectClass: extensibleObject
cn: policies
subtreeSpecification: {}
`;

const PEOPLE = Array.from(
  { length: 700 },
  (_, i) => `dn: uid=person ${i},ou=people,${SUFFIX}
objectClass: inetOrgPerson
uid: person ${i}
cn: person
sn: ${i}
userPassword: secret of ${i}
`,
);

const OTHERS = `dn: ${OTHER_SUFFIX}
objectClass: organization
o: other org

dn: ou=things,${OTHER_SUFFIX}
objectClass: organizationalUnit
ou: things
`;

describe('OpenLDAP, its configuration and two databases on one volume', () => {
  const dist = synthesize('test/e2e/engines/openldap/main.ts');
  let cluster: Cluster;
  let server: OpenldapServer;
  let before: { [suffix: string]: string };
  let id: string;
  let tls: [string, string];
  const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name });
  const ask = (series: string, words: { [key: string]: string }) => request(cluster, NAMESPACE, series, words);
  const stored = () => Object.fromEntries([SUFFIX, OTHER_SUFFIX, 'cn=config'].map(suffix => [suffix, server.stored(suffix)]));
  const others = { dn: `cn=admin,${OTHER_SUFFIX}` };

  beforeAll(async () => {
    const images = await openldapImages();
    cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
    cluster.claim(NAMESPACE, 'backups');
    server = await OpenldapServer.start(imageNamed(images, 'registry.example/openldap:2.5.13'), cluster.claim(NAMESPACE, 'data'));
    server.modify([ACCOUNT, CONTENT, ...PEOPLE].join('\n'));
    server.modify(OTHERS, others);
    cluster.service(NAMESPACE, 'ldap', server.address);
    cluster.secret(NAMESPACE, 'ldap-backup', { username: BACKUP_DN, password: BACKUP_PASSWORD });
    tls = [readFileSync(join(server.directory, 'tls.crt'), 'utf8'), readFileSync(join(server.directory, 'tls.key'), 'utf8')];
    cluster.secret(NAMESPACE, 'ldap-tls', { authority: tls[0] });
  });

  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
    rmSync(dist, { recursive: true, force: true });
  });

  test('a backup is verified, with its assertions', async () => {
    // A server writes its contextCSN when it stops.
    await server.down();
    await server.up();
    before = stored();
    const result = await succeed(run('directory-backup'), 'published');
    expect(result.reason).toBe('');
    id = result.id;
    const verification = await run('directory-verify');
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ id, reason: '' });
    expect(verification.log).toContain("assertion 02 holds: '1' is equals 1");
    expect(verification.log).toContain(`709 of ${SUFFIX};2 of ${OTHER_SUFFIX}`);
  });

  test('of what is not there an assertion knows nothing, and not that there is none of it', async () => {
    await succeed(run('encrypted-backup'), 'published');
    expect(resultOf(await run('encrypted-verify')).reason).toMatch(/^assertion 01 could not be evaluated: No such object \(32\)/);
  });

  test('the password is in no argument, log or result', async () => {
    const seen: string[] = [];
    const backup = await cluster.run(
      { kind: 'CronJob', namespace: NAMESPACE, name: 'directory-backup' },
      {
        onPod: async pod => {
          let over = false;
          void pod.done.then(() => {
            over = true;
          });
          while (!over) {
            seen.push(...pod.processes().map(argv => argv.join(' ')));
            await new Promise(resolve => setTimeout(resolve, 10));
          }
        },
      },
    );
    await succeed(Promise.resolve(backup), 'published');
    expect(seen.join('\n')).toMatch(/ldapsearch .*-y /);
    const said = `${seen.join('\n')}${backup.log}${JSON.stringify(backup.result)}`;
    for (const secret of [BACKUP_PASSWORD, 'secret of', 'person 7', 'photographed']) expect(said).not.toContain(secret);
  });

  test('StartTLS, with the authority that was named and with no other', async () => {
    await succeed(run('encrypted-backup'), 'published');
    const stranger = join(server.directory, 'stranger.crt');
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=stranger', '-out', stranger, '-keyout', '/dev/null'],
      {
        stdio: 'ignore',
      },
    );
    cluster.secret(NAMESPACE, 'ldap-tls', { authority: readFileSync(stranger, 'utf8') });
    rmSync(stranger);
    const refused = await run('encrypted-backup');
    expect(resultOf(refused).reason).toMatch(
      /^the openldap server refuses this job, .*the TLS handshake failed: is tlsAuthority the authority/,
    );
  });

  test('an empty password, by which one is nobody, is no login', async () => {
    cluster.secret(NAMESPACE, 'ldap-backup', { username: BACKUP_DN, password: '' });
    const nobody = await run('directory-backup');
    cluster.secret(NAMESPACE, 'ldap-backup', { username: BACKUP_DN, password: BACKUP_PASSWORD });
    expect(resultOf(nobody).reason).toMatch(/^the openldap server refuses this job, .*the username or the password is empty/);
  });

  test('suffixes that are not backed up are named', async () => {
    const result = await succeed(run('other-backup'), 'published');
    expect(result.reason).toBe(`${SUFFIX} is not backed up: suffixes does not name it`);
    await succeed(run('other-verify'), 'verified');
  });

  test('a search that a limit ends is no backup', async () => {
    const limits = (value: string) =>
      server.configure(`dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcLimits\n${value}`);
    limits('');
    const limited = await run('directory-backup');
    limits(`olcLimits: {0}dn.exact="${BACKUP_DN}" size=unlimited time=unlimited\n`);
    expect(limited.succeeded).toBe(false);
    expect(resultOf(limited).reason).toMatch(/^the server cut its answer short .*Size limit exceeded \(4\).*set olcLimits/);
  });

  test('an account that is not known to see everything is refused, or named where that is allowed', async () => {
    const rule = (value: string) =>
      server.configure(
        `dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcAccess\nolcAccess: {0}\n-\nadd: olcAccess\nolcAccess: {0}${value}\n`,
      );
    // It sees every entry, and no password.
    rule('to attrs=userPassword by anonymous auth by * none');
    const refused = await run('directory-backup');
    const partial = await succeed(run('partial-backup'), 'published');
    const verified = await succeed(run('partial-verify'), 'verified');
    rule(READ_ALL);
    expect(resultOf(refused).reason).toMatch(/^it is not known whether cn=backup,\S+ sees everything of: dc=example,dc=com\. /);
    for (const { reason } of [partial, verified]) expect(reason).toMatch(/sees everything of: dc=example,dc=com/);
  });

  test('without cn=config there is no backup', async () => {
    const rule = (value: string) =>
      server.configure(`dn: olcDatabase={0}config,cn=config\nchangetype: modify\nreplace: olcAccess\nolcAccess: ${value}\n`);
    rule('{0}to * by * none');
    const blind = await run('directory-backup');
    const hidden = [0, 2].map((number, index) => `{${index}}to dn.regex="olcDatabase=[{]${number}[}].*" by * none`);
    rule([...hidden, `{2}${READ_ALL}`].join('\nolcAccess: '));
    const halfBlind = await run('directory-backup');
    rule(`{0}${READ_ALL}\nolcAccess: {1}to * by * none`);
    expect(resultOf(blind).reason).toMatch(/is not allowed to read cn=config, which holds the databases and the schema/);
    expect(resultOf(halfBlind).reason).toMatch(/sees everything of: cn=config\. /);
  });

  test('an entry that was altered in the payload is found', async () => {
    const newest = (await succeed(run('directory-backup'), 'published')).id;
    const point = join(cluster.claim(NAMESPACE, 'backups'), 'directory', newest);
    const files = ['data-1.ldif.gz', 'manifest.json', 'SHA256SUMS'].map(name => join(point, name));
    const kept = files.map(file => readFileSync(file));
    const [payload = Buffer.of(), manifest = Buffer.of(), sums = Buffer.of()] = kept;
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const altered = gzipSync(gunzipSync(payload).toString('latin1').replace('sn: 77\n', 'sn: 78\n'));
    const told = Buffer.from(
      String(manifest).replace(
        `${payload.length},"digest":"sha256:${digest(payload)}`,
        `${altered.length},"digest":"sha256:${digest(altered)}`,
      ),
    );
    expect(told).not.toEqual(manifest);
    const summed = String(sums).replace(digest(payload), digest(altered)).replace(digest(manifest), digest(told));
    for (const [index, content] of [altered, told, summed].entries()) writeFileSync(files[index] ?? '', content);
    const verified = await run('directory-verify');
    ask('directory', { recoveryPoint: newest, replace: 'yes' });
    await server.down();
    const restored = await run('directory-restore');
    await server.up();
    for (const [index, content] of kept.entries()) writeFileSync(files[index] ?? '', content);
    for (const each of [verified, restored])
      expect(resultOf(each).reason).toMatch(/^the restored data differs from what was backed up, .*checksum\/dc=example,dc=com/);
    expect(server.stored(SUFFIX)).toBe(before[SUFFIX]);
  });

  test('a restore under a running server is refused, and one over what is there', async () => {
    ask('directory', { recoveryPoint: id, replace: 'yes' });
    expect(resultOf(await run('directory-restore')).reason).toMatch(/^the openldap server is running: .*nothing was changed/);
    await server.down();
    ask('directory', { recoveryPoint: id });
    const refused = await run('directory-restore');
    await server.up();
    expect(resultOf(refused).reason).toMatch(/^the data directory is not empty \(.*\): nothing was changed/);
  });

  test('after everything is lost a restore brings back what slapcat saw', async () => {
    await server.kill();
    for (const name of readdirSync(server.directory)) rmSync(join(server.directory, name), { recursive: true });
    ask('directory', { recoveryPoint: id });
    expect(await succeed(run('directory-restore'), 'restored')).toMatchObject({ id });
    // They are no part of a backup.
    for (const [index, name] of ['tls.crt', 'tls.key'].entries()) writeFileSync(join(server.directory, name), tls[index] ?? '');
    chownSync(join(server.directory, 'tls.key'), 999, 999);
    await server.up();
    expect(stored()).toEqual(before);
    // By an index of the original's, and with a password of the original's.
    expect(server.search(`ou=people,${SUFFIX}`, ['(uid=*son 7)', 'sn'])).toContain('sn: 7\n');
    server.modify(`dn: uid=person 7,ou=people,${SUFFIX}\nchangetype: modify\nreplace: sn\nsn: seven\n`);
    await succeed(run('directory-backup'), 'published');
  });

  test('what is written meanwhile is counted, and what is renamed meanwhile is no backup', async () => {
    const person = (i: number) => `uid=person ${i},ou=people,${SUFFIX}`;
    const modifying = await server.repeat(
      Array.from({ length: 9 }, (_, i) => `dn: ${person(i)}\nchangetype: modify\nreplace: description\ndescription: again\n`).join('\n'),
    );
    const modified = await run('directory-backup');
    await modifying.stop();
    expect((await succeed(Promise.resolve(modified), 'published')).reason).toMatch(
      /^dc=example,dc=com changed while it was being read: each entry is complete, but \d of 709 are from a different moment/,
    );
    await succeed(run('directory-verify'), 'verified');
    const rename = (from: string, to: string) =>
      `dn: uid=${from},ou=people,${SUFFIX}\nchangetype: modrdn\nnewrdn: uid=${to}\ndeleteoldrdn: 1\n`;
    const there = Array.from({ length: 30 }, (_, i) => rename(`person ${600 + i}`, `renamed ${i}`));
    const back = Array.from({ length: 30 }, (_, i) => rename(`renamed ${i}`, `person ${600 + i}`));
    const renaming = await server.repeat([...there, ...back].join('\n'));
    const renamed = await run('directory-backup');
    await renaming.stop();
    expect(resultOf(renamed).reason).toMatch(/^in each of 3 tries, entries of dc=example,dc=com were renamed or moved/);
  });

  test('what is changed meanwhile is seen of entries without a state, too, and they come back without one', async () => {
    const lastMod = (value: string) =>
      server.configure(`dn: olcDatabase={2}mdb,cn=config\nchangetype: modify\nreplace: olcLastMod\nolcLastMod: ${value}\n`);
    lastMod('FALSE');
    server.modify(
      `dn: ou=stateless,${OTHER_SUFFIX}
objectClass: organizationalUnit
ou: stateless

dn: ou=glue,${OTHER_SUFFIX}
objectClass: glue
objectClass: extensibleObject
ou: glue
`,
      others,
    );
    lastMod('TRUE');
    expect(server.search(OTHER_SUFFIX, ['(&(ou=stateless)(!(entryUUID=*))(!(entryCSN=*)))', '1.1'])).toContain('ou=stateless');
    await succeed(run('partial-backup'), 'published');
    await succeed(run('partial-verify'), 'verified');
    lastMod('FALSE');
    const change = (i: number) => `dn: ou=stateless,${OTHER_SUFFIX}\nchangetype: modify\nreplace: description\ndescription: ${i}\n`;
    const modifying = await server.repeat(Array.from({ length: 1000 }, (_, i) => change(i)).join('\n'), others);
    const modified = await run('partial-backup');
    await modifying.stop();
    expect((await succeed(Promise.resolve(modified), 'published')).reason).toMatch(
      /each entry is complete, but 1 of 4 are from a different moment/,
    );
  });

  /** A further database, in a directory that is made for it. */
  const addDatabase = (number: number, suffix: string, directory: string) => {
    mkdirSync(join(server.directory, directory));
    chownSync(join(server.directory, directory), 999, 999);
    server.configure(`dn: olcDatabase={${number}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {${number}}mdb
olcDbDirectory: /srv/${directory}
olcSuffix: ${suffix}
olcRootDN: cn=config
`);
  };

  test('a database with the empty suffix is refused, or named where others are asked for', async () => {
    addDatabase(3, '', 'everything');
    expect(resultOf(await run('directory-backup')).reason).toMatch(
      /^a database has an empty suffix, .*give it one, or name only the other suffixes$/,
    );
    expect((await succeed(run('other-backup'), 'published')).reason).toMatch(
      /the empty suffix is not backed up: suffixes does not name it$/,
    );
  });

  test('a restore that replaces puts the old files aside, and leaves alone what is no data', async () => {
    writeFileSync(join(server.directory, 'server.key'), 'what the server is started with');
    await server.down();
    const since = server.stored(SUFFIX);
    expect(since).not.toBe(before[SUFFIX]);
    ask('other', { replace: 'yes' });
    const other = await run('other-restore');
    await succeed(Promise.resolve(other), 'restored');
    await server.up();
    // A suffix that was not in the recovery point is as it was.
    expect(server.stored(SUFFIX)).toBe(since);
    expect(server.stored(OTHER_SUFFIX)).toBe(before[OTHER_SUFFIX]);
    await server.down();
    ask('directory', { recoveryPoint: id, replace: 'yes' });
    await succeed(run('directory-restore'), 'restored');
    await server.up();
    expect(server.stored(SUFFIX)).toBe(before[SUFFIX]);
    expect(readFileSync(join(server.directory, 'server.key'), 'utf8')).toBe('what the server is started with');
    const aside = readdirSync(server.directory).filter(name => name.startsWith('.before-'));
    expect(aside.filter(name => existsSync(join(server.directory, name, 'data', 'data.mdb')))).toHaveLength(2);
  });

  test('a configuration on another volume is left to a person', async () => {
    await succeed(run('apart-backup'), 'published');
    await server.down();
    const config = execFileSync('find', [join(server.directory, 'slapd.d'), '-type', 'f'], { encoding: 'utf8' });
    ask('apart', { recoveryPoint: 'newest', replace: 'yes' });
    const result = await succeed(run('apart-restore'), 'restored');
    await server.up();
    expect(result.reason).toMatch(/the configuration is not on this volume, and was not changed/);
    expect(readFileSync(join(server.directory, 'cn=config.ldif'), 'utf8')).toContain('dn: olcDatabase={1}mdb,cn=config');
    expect(
      execFileSync('find', [join(server.directory, 'slapd.d'), '-type', 'f'], { encoding: 'utf8' })
        .split('\n')
        .sort(),
    ).toEqual(config.split('\n').sort());
    expect(server.stored(SUFFIX)).toBe(before[SUFFIX]);
  });

  test('a restore finds a directory that is spelt otherwise, and leaves a database in one below it alone', async () => {
    addDatabase(3, 'o=below', 'other/below');
    server.modify('dn: o=below\nobjectClass: organization\n', { dn: 'cn=config', password: 'config secret' });
    server.configure('dn: olcDatabase={2}mdb,cn=config\nchangetype: modify\nreplace: olcDbDirectory\nolcDbDirectory: /srv//other/.\n');
    const kept = [OTHER_SUFFIX, 'o=below'].map(suffix => server.stored(suffix));
    await succeed(run('other-backup'), 'published');
    server.modify(`dn: ou=since,${OTHER_SUFFIX}\nobjectClass: organizationalUnit\n`, others);
    await server.down();
    ask('other', { recoveryPoint: 'newest', replace: 'yes' });
    await succeed(run('other-restore'), 'restored');
    await server.up();
    expect([OTHER_SUFFIX, 'o=below'].map(suffix => server.stored(suffix))).toEqual(kept);
  });
});
