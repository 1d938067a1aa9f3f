import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Image, ImageCatalog } from '../../rehearsal';
import { openldapImage } from '../../rehearsal/images/openldap';
import { inImage } from './in-image';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

const USER = 999;

/** Below 1024 only root may listen. */
export const PORT = 3389;

/** The image that stands in for one that somebody builds. */
export async function openldapImages(): Promise<ImageCatalog> {
  return new ImageCatalog().add({ ...(await openldapImage('bookworm')), name: 'registry.example/openldap:2.5.13' });
}

export const SUFFIX = 'dc=example,dc=com';
export const OTHER_SUFFIX = 'o=other org,c=de';
export const BACKUP_DN = `cn=backup,${SUFFIX}`;
export const BACKUP_PASSWORD = 'backup secret';

const readAll = (reader: string) => `to * by dn.exact="${reader}" read by * break`;
export const READ_ALL = readAll(BACKUP_DN);

function database(number: number, suffix: string, directory: string, reader: string): string {
  return `dn: olcDatabase={${number}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {${number}}mdb
olcDbDirectory: ${directory}
olcSuffix: ${suffix}
olcRootDN: cn=admin,${suffix}
olcRootPW: admin secret
olcDbIndex: objectClass,entryCSN,entryUUID eq
olcDbIndex: uid,cn eq,sub
olcDbMaxSize: 268435456
olcLimits: {0}dn.exact="${reader}" size=unlimited time=unlimited
olcAccess: {0}${readAll(reader)}
olcAccess: {1}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {2}to * by * read
`;
}

const configuration = (reader: string) => `dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCertificateFile: /srv/tls.crt
olcTLSCertificateKeyFile: /srv/tls.key

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: syncprov
olcModuleLoad: memberof
olcModuleLoad: ppolicy
olcModuleLoad: retcode

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: cn=shop,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: shop
olcAttributeTypes: ( 1.3.6.1.4.1.99999.1 NAME 'shopNumber' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
olcObjectClasses: ( 1.3.6.1.4.1.99999.2 NAME 'shopThing' SUP top AUXILIARY MAY shopNumber )

dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcSizeLimit: 100

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcRootDN: cn=config
olcRootPW: config secret
olcAccess: {0}${readAll(reader)}
olcAccess: {1}to * by * none

${database(1, SUFFIX, '/srv/data', reader)}
dn: olcOverlay={0}syncprov,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: {0}syncprov

dn: olcOverlay={1}memberof,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOfConfig
olcOverlay: {1}memberof

dn: olcOverlay={2}ppolicy,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {2}ppolicy

${database(2, OTHER_SUFFIX, '/srv/other', reader)}`;

/** A real slapd, run from an image's root file system, on a loopback address and port 3389. */
export class OpenldapServer {
  readonly address = loopbackAddress();
  readonly directory: string;
  private process: ChildProcess | undefined;

  private constructor(
    private readonly image: Image,
    directory?: string,
  ) {
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'e2e-openldap-'));
    for (const name of ['.', 'data', 'other', 'slapd.d']) {
      mkdirSync(join(this.directory, name), { recursive: true });
      chownSync(join(this.directory, name), USER, USER);
    }
  }

  /** A server without an entry, whose rules let the reader read everything. */
  static async start(image: Image, directory?: string, reader = BACKUP_DN): Promise<OpenldapServer> {
    const server = new OpenldapServer(image, directory);
    const [certificate, key] = [join(server.directory, 'tls.crt'), join(server.directory, 'tls.key')];
    const words = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=ldap', '-addext', 'subjectAltName=DNS:ldap', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...words, '-out', certificate, '-keyout', key], { stdio: 'ignore' });
    chownSync(key, USER, USER);
    writeFileSync(join(server.directory, 'configuration.ldif'), configuration(reader));
    server.run(['slapadd', '-n', '0', '-F', '/srv/slapd.d', '-l', '/srv/configuration.ldif']);
    rmSync(join(server.directory, 'configuration.ldif'));
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const command = ['slapd', '-d', '0', '-F', '/srv/slapd.d', '-h', `ldap://${this.address}:${PORT}/`];
    const child = spawn('unshare', inImage(this.image, this.directory, USER, command), { stdio: ['ignore', 'ignore', 'inherit'] });
    this.process = child;
    await until('the server answers', () => {
      if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
      try {
        this.search('', ['-s', 'base', '1.1']);
        return true;
      } catch {
        return false;
      }
    });
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** As a StatefulSet that is scaled to zero stops it. */
  down(): Promise<void> {
    return this.end('SIGTERM');
  }

  async stop(): Promise<void> {
    this.signal('SIGCONT');
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  /** What somebody who is anonymous finds. */
  search(base: string, words: string[]): string {
    return this.run(['ldapsearch', '-x', '-LLL', '-o', 'ldif-wrap=no', '-H', `ldap://${this.address}:${PORT}`, '-b', base, ...words]);
  }

  /** LDIF for ldapmodify: records without a changetype are added. */
  modify(ldif: string, { dn = `cn=admin,${SUFFIX}`, password = 'admin secret' } = {}): void {
    this.run(['ldapmodify', '-a', '-x', '-M', '-H', `ldap://${this.address}:${PORT}`, '-D', dn, '-w', password], ldif);
  }

  /** Writes the same again and again, from when it has been written once until it is stopped. */
  async repeat(ldif: string, { dn = `cn=admin,${SUFFIX}`, password = 'admin secret' } = {}): Promise<{ stop(): Promise<void> }> {
    const command = ['ldapmodify', '-x', '-M', '-H', `ldap://${this.address}:${PORT}`, '-D', dn, '-w', password];
    const child = spawn('unshare', inImage(this.image, this.directory, USER, command), { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    // It is killed in the middle of reading.
    child.stdin.on('error', () => {});
    const feed = () => {
      while (child.stdin.write(`${ldif}\n`));
    };
    child.stdin.on('drain', feed);
    feed();
    await new Promise<void>(resolve => child.stdout.once('data', () => resolve()));
    child.stdout.resume();
    return {
      stop: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  configure(ldif: string): void {
    this.modify(ldif, { dn: 'cn=config', password: 'config secret' });
  }

  /** What is stored, by the server's own tool: of a suffix, or of cn=config. */
  stored(suffix: string): string {
    const which = suffix === 'cn=config' ? ['-n', '0'] : ['-b', suffix];
    return this.run(['slapcat', '-F', '/srv/slapd.d', '-o', 'ldif-wrap=no', ...which])
      .split('\n\n')
      .filter(entry => entry.trim() !== '')
      .map(entry => entry.split('\n').sort().join('\n'))
      .sort()
      .join('\n\n');
  }

  private run(command: string[], input = ''): string {
    return execFileSync('unshare', inImage(this.image, this.directory, USER, command), {
      encoding: 'utf8',
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 256 * 1024 * 1024,
    });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }
}

/** The account for backups, and what it is in. */
export const ACCOUNT = `dn: ${SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ${BACKUP_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: backup
userPassword: ${BACKUP_PASSWORD}
`;
