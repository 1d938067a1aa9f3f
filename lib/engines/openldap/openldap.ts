import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { SecretKeyRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';

/** Options of OpenLDAP. */
export interface OpenldapEngineOptions {
  /**
   * The image of the jobs: the server's own, or one with the same release and modules. It has slapd, slapadd, slapcat, ldapsearch, gzip, a
   * shell, and GNU or busybox tools. There is no default, since there is no official image. Bitnami's is no longer updated
   * (https://github.com/bitnami/containers/issues/87985). The stable one of osixia is of OpenLDAP 2.4, from before mdb was the only back
   * end (https://github.com/osixia/container-openldap/issues/670).
   */
  readonly image: string;
  /** The user that the server runs as in its own pod, as a number. Restored files belong to it. In Bitnami's image that is 1001. */
  readonly imageUser: number;
  /**
   * Where directories of the server's container are in its `dataVolume`, by their paths in that container. An example is
   * `{ '/var/lib/ldap': 'data', '/etc/ldap/slapd.d': 'config' }`, for a volume that the server mounts twice, by `subPath`. An empty path is
   * the volume's directory itself. A restore writes there what `olcDbDirectory` of each database says.
   */
  readonly mounts: { [path: string]: string };
  /**
   * The directory of the server's configuration, as its container sees it. If `mounts` leads to it, a restore writes it. Otherwise the
   * restore leaves cn=config.ldif beside the entries, and says so.
   * @default '/etc/ldap/slapd.d'
   */
  readonly configDirectory?: string;
  /**
   * The suffixes to back up. Every verdict names those that are left out.
   * @default - all that the server's configuration has
   */
  readonly suffixes?: string[];
  /**
   * A server without an entry is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * The account may see less than everything, and what it does not see needs no backup. Every verdict then says that this may be so.
   * Without it, a backup fails unless the server's own rules say that the account reads everything.
   * @default false
   */
  readonly allowPartial?: boolean;
  /**
   * The certificate authority that signed the server's certificate, as a PEM file in a Secret. The default port is then 636.
   * @default - no TLS
   */
  readonly tlsAuthority?: SecretKeyRef;
  /**
   * TLS begins on the ordinary port, 389, by StartTLS.
   * @default false
   */
  readonly startTls?: boolean;
}

/**
 * OpenLDAP, from 2.5 on. A backup has its configuration (cn=config: schema, databases, access), and every entry of every suffix. Entries
 * have all that is stored of them, including passwords, entryUUID, entryCSN and contextCSN.
 *
 * They are read by the protocol, not from the files. On a volume that is mounted read-only, LMDB reads without its lock file
 * (`mdb_env_setup_locks` in its mdb.c). A server that writes meanwhile would overwrite what is being read.
 *
 * LDAP has no snapshots. So the names and states of all entries are read before the dump and after it. If they differ, the dump is made
 * again, up to three times. An entry that was changed during the last one is whole, but of another moment than others, and the verdict
 * counts such entries. If entries were renamed or moved, or cn=config was changed, the run fails. Entries without an entryUUID or entryCSN
 * (glue of a replica, the top of an access log) are compared by all their lines. Suffixes are read one after the other: an entry that is
 * moved from one to another meanwhile may be in neither.
 *
 * The Secret with the credentials has the keys `username`, a DN, and `password`. A server does not count what it hides, so a backup reads
 * the rules of access in cn=config. It continues if the DN is a database's `olcRootDN`, or if the first rule lets it read everything
 * (`{0}to * by dn.exact="..." read by * break`). The same holds for `olcDatabase={0}config`. Limits of size and time that end a search fail
 * the run.
 *
 * A verification loads cn=config and all entries as a server would. It starts a server on them, without overlays and without a network.
 * Then it compares the number of entries and a sum of all their lines, suffix by suffix, in any order.
 *
 * A restore works on the data volume of a server that is scaled to zero (`dataVolume`). It does the same in a directory beside the old one,
 * and then puts the old one aside. Other files stay, including databases in directories below. A restored replica takes from its provider what has changed since. After a provider was restored, its
 * replicas are ahead of it: empty them, and they copy it. With several providers, what was written to one of them since comes back from the
 * others by replication.
 *
 * The configuration is then that of the recovery point, for all databases. A database that was made since is not served until it is in the
 * configuration again. If indexes were made or dropped since, databases that were not restored need slapindex.
 *
 * - Left out, and named: suffixes that another server keeps (back-ldap, back-meta, back-relay), and those that `suffixes` leaves out.
 * - Left out, and named: how long an entry of slapo-dds lasts (entryTtl). When it ends is in the backup.
 * - Refused, unless `suffixes` leaves them out: back ends other than mdb, the empty suffix, hidden and disabled databases, and glued ones
 *   (`olcSubordinate`) with those that they are glued to.
 * - Refused: every overlay that is not known to answer what is stored (translucent, rwm, collect and valsort answer something else), of a
 *   database or of all.
 * - Not part of a backup: certificates, keys and modules, which are files of the server's container.
 *
 * Assertions are filters. The answer is how many entries match below the DN that is named as database:
 * `Assertion.atLeast('(objectClass=inetOrgPerson)', 100, { database: 'ou=people,dc=example,dc=com' })`. Without a DN it is the suffix, if
 * `suffixes` names only one.
 */
export class OpenldapEngine implements IEngine {
  constructor(private readonly options: OpenldapEngineOptions) {
    checkNew('OpenldapEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { image, imageUser, mounts, suffixes = [], tlsAuthority, startTls = false } = this.options;
    const { configDirectory = '/etc/ldap/slapd.d' } = this.options;
    checkPaths(scope, mounts, configDirectory);
    suffixes.forEach((suffix, index) => {
      if (!/^[A-Za-z][\w.;-]*\s*=[^\n]+$/.test(suffix) || suffixes.indexOf(suffix) !== index) {
        const because = "write each suffix once, as in the server's olcSuffix, such as 'dc=example,dc=com'";
        throw new InputError(scope, { prop: `engine.suffixes[${index}]`, got: suffix, because });
      }
    });
    if (startTls && !tlsAuthority) {
      const because = "name the authority too, for example SecretRef.named('ldap-tls').key('ca.crt'): the images have none";
      throw new InputError(scope, { prop: 'engine.tlsAuthority', got: undefined, because });
    }
    const encrypted = tlsAuthority !== undefined && !startTls;
    const port = options.port ?? (encrypted ? 636 : 389);
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    const items = tlsAuthority && [{ key: tlsAuthority.keyName, path: 'ca.crt' }];
    return {
      name: 'openldap',
      image: { reference: ImageReference.of(image).bind(scope, 'engine.image'), user: imageUser, programs: ['gzip', 'flock'] },
      scripts: ScriptFolder.at('openldap', __dirname),
      environment: [
        { name: 'SUFFIXES', value: suffixes.join('\n') },
        { name: 'ALLOW_EMPTY', value: this.options.allowEmpty ? 'yes' : 'no' },
        { name: 'ALLOW_PARTIAL', value: this.options.allowPartial ? 'yes' : 'no' },
        { name: 'CONFIG_DIRECTORY', value: configDirectory },
        {
          name: 'MOUNTS',
          value: Object.entries(mounts)
            .map(pair => pair.join('\t'))
            .join('\n'),
        },
      ],
      connection: {
        port,
        grants: { backup: GRANTS },
        environment: [
          { name: 'LDAP_URI', value: `${encrypted ? 'ldaps' : 'ldap'}://${host}:${port}` },
          { name: 'LDAP_START_TLS', value: startTls ? 'yes' : 'no' },
          ...(tlsAuthority
            ? [
                { name: 'LDAPTLS_CACERT', value: '/tls/ca.crt' },
                { name: 'LDAPTLS_REQCERT', value: 'demand' },
              ]
            : []),
          options.credentials.key('username').toEnvironment('LDAP_USERNAME'),
          options.credentials.key('password').toEnvironment('LDAP_PASSWORD'),
        ],
        ...(tlsAuthority && {
          volumes: [{ name: 'tls', secret: { secretName: tlsAuthority.secretName, items } }],
          volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
        }),
      },
      serverFiles: { restored: true },
      restoreRequest: [{ key: 'replace', variable: 'REPLACE', value: 'no' }],
      ...(suffixes.length === 1 && { defaultDatabase: suffixes[0] }),
    };
  }
}

function checkPaths(scope: Construct, mounts: { [path: string]: string }, configDirectory: string): void {
  const absolute = (path: string) => /^(\/[\w.=-]+)+$/.test(path) && !path.split('/').some(part => part === '.' || part === '..');
  if (!absolute(configDirectory)) {
    const because = "write an absolute path without a trailing slash, such as '/etc/ldap/slapd.d'";
    throw new InputError(scope, { prop: 'engine.configDirectory', got: configDirectory, because });
  }
  const entries = Object.entries(mounts);
  if (entries.length === 0) {
    const because = "say where the server's directories are in its data volume, for example { '/var/lib/ldap': '' }";
    throw new InputError(scope, { prop: 'engine.mounts', got: mounts, because });
  }
  for (const [path, below] of entries) {
    if (!absolute(path) || !(below === '' || absolute(`/${below}`))) {
      const because = "write an absolute path in the server's container, and a path in its data volume without leading or trailing slashes";
      throw new InputError(scope, { prop: `engine.mounts['${path}']`, got: below, because });
    }
  }
}

/** What a person types to ldapmodify, for cn=config and for each database. Words in angle brackets are to be replaced. */
const GRANTS = [
  ...["# ldapmodify -Y EXTERNAL -H ldapi:///, once for 'olcDatabase={0}config' and once for each database, here 'olcDatabase={1}mdb'"],
  'dn: olcDatabase={1}mdb,cn=config',
  'changetype: modify',
  'add: olcAccess',
  'olcAccess: {0}to * by dn.exact="<username>" read by * break',
  '-',
  '# a database with entries as well, so that no search of it ends before its end',
  'add: olcLimits',
  'olcLimits: {0}dn.exact="<username>" size=unlimited time=unlimited',
];
