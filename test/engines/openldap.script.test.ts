import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inEachShell } from '../shell/shells';
import { linkShell } from '../support/shell-folder';

// OpenLDAP's scripts, with a stand-in for the server that answers otherwise each time.

inEachShell('in %s', sh => {
  const [program = 'sh', ...options] = sh;
  const scratch = mkdtempSync(join(tmpdir(), 'openldap-'));
  // As a pod has them mounted.
  linkShell(join(scratch, 'shell'));
  symlinkSync(resolve('lib/engines/openldap'), join(scratch, 'engine'));
  afterAll(() => rmSync(scratch, { recursive: true }));
  const shell = (words: string, input = '', environment: { [name: string]: string } = {}) =>
    execFileSync(program, [...options, '-c', `. "$BACKUP_HOME/engine/openldap.sh"; ${words}`], {
      encoding: 'utf8',
      input,
      // As of a shell below another: bash else takes the socket that is its input for a remote user's.
      env: { ...process.env, SHLVL: '2', BACKUP_HOME: scratch, SCRATCH: scratch, REPOSITORY_FOLDER: 'none', ...environment },
    });
  const encoded = (attribute: string, value: string) => `${attribute}:: ${Buffer.from(value).toString('base64')}\n`;

  test.each([
    ['what is base64 for its letters', 'ä', 'olcSuffix: ä\n', 'olcSuffix: ä\n'],
    ['a break of a line', 'a\nb', encoded('olcSuffix', 'a\nb'), 'olcSuffix: a b\n'],
    ['a break at the end', 'a\n', encoded('olcSuffix', 'a\n'), 'olcSuffix: a \n'],
  ])('of a value of cn=config: %s', (_, value, plain, unbroken) => {
    expect(shell('plain_config', encoded('olcSuffix', value))).toBe(plain);
    expect(shell("plain_config ' '", encoded('olcSuffix', value))).toBe(unbroken);
  });

  test('a rule of several lines is read, and is not passed over for the next', () => {
    const config = [
      'dn: olcDatabase={1}mdb,cn=config\nolcDatabase: {1}mdb\nolcSuffix: dc=a\n',
      encoded('olcAccess', '{0}to attrs=userPassword\n by * none'),
      'olcAccess: {1}to * by * read\n',
    ].join('');
    expect(shell('cat >"$SCRATCH/config"; databases "$SCRATCH/config" cn=backup', config)).toContain('mdb\t-\t-\tno\tdc=a\n');
  });

  const MOUNTS = '/var/lib/ldap\tdata\n/srv\t';
  test.each([
    ['/var/lib/ldap', 'data'],
    ['/var/lib/ldap/', 'data'],
    ['/var//lib/./ldap/.', 'data'],
    ['/var/lib/ldap//people/./', 'data/people'],
    ['/srv/.', '.'],
    ['/srv/a\\b', 'a\\b'],
  ])('where in the data volume %s is', (path, within) => {
    expect(shell(`in_data '${path}'`, '', { MOUNTS })).toBe(`${within}\n`);
  });

  test.each(['/var/lib', '/var/lib/ldapper', '/var/lib/ldap/../people', '/srv/..', 'data'])('where %s is is not known', path => {
    expect(() => shell(`in_data '${path}'`, '', { MOUNTS })).toThrow();
  });

  test('of an entry, what the server works out for every answer is not kept', () => {
    const computed = ['entryDN: dc=a', 'hasSubordinates: TRUE', 'entryTtl: 5', 'auditContext: cn=log'];
    expect(shell('clean', `${['dn: dc=a', ...computed, 'dc: a', ''].join('\n')}\n`)).toBe('dn: dc=a\ndc: a\n\n');
  });

  test('what to do about an entry of which the schema is gone is said', () => {
    const slapadd = 'slapadd() { echo "=> mdb_tool_entry_put: id2entry_add failed: err=17" >&2; return 1; }; mkdir -p "$SCRATCH/outcome"';
    expect(() => shell(`${slapadd}; add_ldif dc=a data.ldif`)).toThrow(
      /dc=a could not be loaded: .*err=17 error: an entry has an attribute that no schema in cn=config defines/,
    );
  });

  describe('of a server that is read while it changes', () => {
    const CONFIG = `dn: cn=config
objectClass: olcGlobal

dn: olcDatabase={0}config,cn=config
olcDatabase: {0}config
olcAccess: {0}to * by dn.exact="cn=backup" read

dn: olcDatabase={1}mdb,cn=config
olcDatabase: {1}mdb
olcDbDirectory: /srv/data
olcSuffix: dc=a
olcAccess: {0}to * by dn.exact="cn=backup" read
`;
    const entry = (dn: string, ...lines: string[]) => `${[`dn: ${dn}`, ...lines].join('\n')}\n`;
    // What it answers when it is asked for the same the first time, the second, and so on.
    const dump = (answers: { [base: string]: string[] }) => {
      const bin = join(scratch, 'bin');
      for (const folder of [bin, join(scratch, 'outcome')]) mkdirSync(folder, { recursive: true });
      for (const name of ['caveats', 'facts', 'about', 'members']) rmSync(join(scratch, name), { force: true });
      rmSync(join(scratch, 'outcome', 'reason'), { force: true });
      rmSync(join(scratch, 'answers'), { recursive: true, force: true });
      for (const [base, each] of Object.entries(answers)) {
        mkdirSync(join(scratch, 'answers', base), { recursive: true });
        for (const [index, answer] of each.entries()) writeFileSync(join(scratch, 'answers', base, String(index)), answer);
      }
      writeFileSync(
        join(bin, 'ldapsearch'),
        `#!/bin/sh
        case $* in -VV | *subentries*) exit 0 ;; esac
        while [ "$1" != -b ]; do shift; done
        cd "$ANSWERS/$2" || exit 1
        time=$(cat times 2>/dev/null || echo 0)
        echo $((time + 1)) >times
        while [ ! -e "$time" ]; do time=$((time - 1)); done
        cat "$time"`,
        { mode: 0o755 },
      );
      const stored = 'repository_put() { shift; "$@" >"$SCRATCH/stored"; printf "x\\t1\\tx\\n" >>"$SCRATCH/members"; }';
      const { status } = spawnSync(program, [...options, '-c', `${stored}; . "$BACKUP_HOME/engine/dump.sh"`], {
        env: {
          ...process.env,
          ...{ PATH: `${bin}:${process.env.PATH}`, BACKUP_HOME: scratch, SCRATCH: scratch, REPOSITORY_FOLDER: 'none' },
          ...{ LDAP_URI: 'ldap://nowhere', LDAP_START_TLS: 'no', LDAP_USERNAME: 'cn=backup', LDAP_PASSWORD: 'secret' },
          ...{ SUFFIXES: '', ALLOW_EMPTY: 'no', ALLOW_PARTIAL: 'no', MOUNTS: '/srv\t', ANSWERS: join(scratch, 'answers') },
        },
      });
      const said = (name: string) => (existsSync(join(scratch, name)) ? readFileSync(join(scratch, name), 'utf8') : '');
      return { status, reason: said('outcome/reason'), caveats: said('caveats') };
    };
    const named = entry('dc=a', 'entryUUID: 1', 'entryCSN: 1');
    const without = (dn: string, ...lines: string[]) => `${named}\n${entry(dn, ...lines)}`;

    test('what stays the same is a backup without a caveat', () => {
      expect(dump({ 'cn=config': [CONFIG], 'dc=a': [named] })).toEqual({ status: 0, reason: '', caveats: '' });
      expect(dump({ 'cn=config': [CONFIG], 'dc=a': [without('cn=b,dc=a', 'cn: b')] })).toEqual({ status: 0, reason: '', caveats: '' });
    });

    test('a rule of access that came meanwhile is no backup', () => {
      const later = CONFIG.replace('olcSuffix: dc=a\n', 'olcSuffix: dc=a\nolcAccess: {0}to filter=(cn=hidden) by * none\n');
      const { status, reason } = dump({ 'cn=config': [CONFIG, CONFIG, later], 'dc=a': [named] });
      expect(status).toBe(1);
      expect(reason).toMatch(/^cn=config changed while the entries were being read, .*: back up again$/);
    });

    test('an entry without a state that was changed meanwhile is counted', () => {
      const answers = Array.from({ length: 20 }, (_, i) => without('cn=b,dc=a', `description: ${i}`));
      expect(dump({ 'cn=config': [CONFIG], 'dc=a': answers }).caveats).toMatch(
        /^dc=a changed while it was being read.* but 1 of 2 are from a different moment/,
      );
    });

    test('one without an identity that had another name meanwhile is no backup', () => {
      const answers = Array.from({ length: 20 }, (_, i) => without(`cn=${i},dc=a`, 'description: b'));
      expect(dump({ 'cn=config': [CONFIG], 'dc=a': answers }).reason).toMatch(/^in each of 3 tries, entries of dc=a were renamed or moved/);
    });

    test.each(['TRUE', 'FALSE'])('a state is none where the server does not write it any more: olcLastMod %s', value => {
      const config = CONFIG.replace('olcSuffix', `olcLastMod: ${value}\nolcSuffix`);
      const answers = Array.from({ length: 20 }, (_, i) => entry('dc=a', 'entryUUID: 1', 'entryCSN: 1', `description: ${i}`));
      expect(dump({ 'cn=config': [config], 'dc=a': answers }).caveats !== '').toBe(value === 'FALSE');
    });

    test('what the configuration does not say of itself may be hidden', () => {
      const { status, reason } = dump({ 'cn=config': [CONFIG.replace(/^dn: olcDatabase=\{0\}(.+\n)*\n/m, '')], 'dc=a': [named] });
      expect(status).toBe(78);
      expect(reason).toMatch(/sees everything of: cn=config\. /);
    });

    test('what the server does not tell of entries that last for a time is said', () => {
      const { caveats } = dump({ 'cn=config': [CONFIG], 'dc=a': [entry('dc=a', 'entryUUID: 1', 'entryCSN: 1', 'entryTtl: 5')] });
      expect(caveats).toMatch(/^1 entries of dc=a expire \(slapo-dds\): .* not their entryTtl/);
    });

    test('a suffix without an entry is named', () => {
      const both = CONFIG + CONFIG.slice(CONFIG.indexOf('\ndn: olcDatabase={1}')).replace(/dc=a/g, 'dc=b');
      expect(dump({ 'cn=config': [both], 'dc=a': [named], 'dc=b': [''] }).caveats).toBe('there is no entry in dc=b\n');
    });

    test('a directory that mounts does not know is named, and one with .. is refused', () => {
      const directory = (path: string) => [CONFIG.replace('/srv/data', path)];
      expect(dump({ 'cn=config': directory('/elsewhere'), 'dc=a': [named] })).toMatchObject({
        ...{ status: 0, caveats: expect.stringMatching(/^dc=a is stored in \/elsewhere, and mounts does not say where/) },
      });
      for (const path of ['/srv/../data', 'data']) expect(dump({ 'cn=config': directory(path), 'dc=a': [named] }).status).toBe(78);
    });
  });
});
