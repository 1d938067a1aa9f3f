import { debianRoot } from '../rootfs';
import type { Image } from './catalog';

const USER = [
  'groupadd -r mysql --gid=999',
  'useradd -r -g mysql --uid=999 --home-dir=/var/lib/mysql --no-create-home mysql',
  'mkdir /docker-entrypoint-initdb.d',
];

/**
 * The official mariadb image, as its Dockerfile builds it (MariaDB/mariadb-docker), from Debian's own packages instead of MariaDB's on Ubuntu.
 *
 * Kept: uid 999, mariadb-backup and mbstream, the directories and their modes, the settings that are commented out, certificates; from 11 on
 * no programs by the name of mysql. Left out: gosu, jemalloc, pwgen and docker-entrypoint.sh.
 */
export async function mariadbImage(version: '10.11' | '11.8'): Promise<Image> {
  const root = await debianRoot({
    suite: version === '10.11' ? 'bookworm' : 'trixie',
    packages: ['ca-certificates', 'gpg', 'gpgv', 'tzdata', 'xz-utils', 'zstd', 'mariadb-server', 'mariadb-backup', 'socat'],
    // The package's own installation makes a data directory unless it finds one.
    before: [...USER, 'mkdir -p /var/lib/mysql/mysql', 'touch /var/lib/mysql/mysql/user.frm'].join('\n'),
    after: [
      'rm -rf /var/lib/mysql',
      'mkdir -p /var/lib/mysql /run/mysqld',
      'chown -R mysql:mysql /var/lib/mysql /run/mysqld',
      `chmod ${version === '10.11' ? '777' : '1777'} /run/mysqld`,
      "find /etc/mysql -name '*.cnf' -print0 | xargs -0 grep -lZE '^(bind-address|log|user\\s)' | xargs -r -0 sed -Ei 's/^(bind-address|log|user\\s)/#&/'",
      'printf "[mariadb]\\nhost-cache-size=0\\nskip-name-resolve\\n" >/etc/mysql/mariadb.conf.d/05-skipcache.cnf',
      ...(version === '10.11' ? ['test -e /usr/bin/mysqldump'] : ['rm -f /usr/bin/mysql* /usr/sbin/mysqld']),
      'test "$(id -u mysql):$(id -g mysql)" = 999:999',
      'for tool in mariadb mariadb-dump mariadb-backup mbstream mariadbd mariadb-install-db mariadb-binlog flock setsid zstd tar; do command -v $tool; done',
    ].join('\n'),
  });
  return { name: `mariadb:${version}`, root, env: { LANG: 'C.UTF-8' } };
}

/** What Oracle Linux's slim image does not have, and Oracle's package `server-minimal` leaves out (mysql-server, packaging/rpm-docker). */
const MISSING_IN_MYSQL = [
  // util-linux, procps, hostname, diffutils, debianutils and perl
  'flock setsid setpriv unshare nsenter getopt more mountpoint script taskset ionice column hexdump look rev ul pgrep pkill ps top',
  'free vmstat w watch uptime hostname cmp diff diff3 sdiff which tempfile perl',
  // of MySQL
  'innochecksum ibd2sdi myisamchk myisam_ftdump myisamlog myisampack mysqlbinlog mysqlcheck mysql_client_test mysql_config_editor mysqld_multi',
  'mysqld_safe mysqldumpslow mysqlimport mysql_secure_installation mysqlshow mysqlslap mysql_upgrade mysqlpump perror mysqlreport mysqloptimize',
  'mysqlrepair mysqlanalyze mysql_migrate_keyring mysqlbackup mysqlxtest',
].join(' ');

/**
 * The official mysql image (docker-library/mysql on oraclelinux:9-slim), from Debian's packages of the same MySQL.
 *
 * Kept: uid 999, bash as sh and gawk as awk, zstd, gzip, xz, bzip2, openssl, curl and tar, the directories and their modes, the place of the socket;
 * and what is missing there: no flock and no setsid (there is no util-linux), no ps, no mysqlbinlog, no mysqlcheck. Left out: gosu, mysqlsh
 * and docker-entrypoint.sh.
 */
export async function mysqlImage(): Promise<Image> {
  const root = await debianRoot({
    suite: 'sid',
    packages: [
      ...['bash', 'bzip2', 'ca-certificates', 'curl', 'findutils', 'gawk', 'gzip', 'openssl', 'tar', 'tzdata', 'xz-utils', 'zstd'],
      ...['mysql-client', 'mysql-server-core'],
    ],
    before: USER.join('\n'),
    after: [
      'ln -sf bash /bin/sh',
      'rm -rf /etc/mysql /etc/my.cnf',
      'mkdir -p /etc/mysql/conf.d /var/lib/mysql /var/run/mysqld /var/lib/mysql-files',
      'printf "[mysqld]\\nhost-cache-size=0\\nskip-name-resolve\\ndatadir=/var/lib/mysql\\nsocket=/var/run/mysqld/mysqld.sock\\nsecure-file-priv=/var/lib/mysql-files\\nuser=mysql\\npid-file=/var/run/mysqld/mysqld.pid\\n[client]\\nsocket=/var/run/mysqld/mysqld.sock\\n\\n!includedir /etc/mysql/conf.d/\\n" >/etc/my.cnf',
      'chown mysql:mysql /var/lib/mysql /var/run/mysqld /var/lib/mysql-files',
      'chmod 1777 /var/lib/mysql /var/run/mysqld',
      'chmod 750 /var/lib/mysql-files',
      `for tool in ${MISSING_IN_MYSQL}; do rm -f "/usr/bin/$tool" "/usr/sbin/$tool"; done`,
      'test "$(id -u mysql):$(id -g mysql)" = 999:999',
      'sh --version | grep -q bash',
      'awk --version | grep -q GNU',
      'for tool in flock setsid mysqlbinlog mysqlcheck; do test -z "$(command -v $tool)"; done',
      'for tool in mysql mysqldump mysqladmin mysqld zstd gzip tar gawk sha256sum; do command -v $tool; done',
    ].join('\n'),
  });
  return { name: 'mysql:9.7', root };
}
