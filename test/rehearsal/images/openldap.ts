import { debianRoot } from '../rootfs';
import type { Image } from './catalog';

/**
 * An image of OpenLDAP, from Debian's own packages. There is no official one to stand in for.
 *
 * Kept: slapd with its modules and tools, ldap-utils, Debian's own tools and no more. Left out: Debian's configuration and its database,
 * since a server's own are on its volume.
 */
export async function openldapImage(suite: 'bookworm'): Promise<Image> {
  const root = await debianRoot({
    suite,
    packages: ['slapd', 'ldap-utils'],
    before: [
      'groupadd -r -g 999 openldap',
      'useradd -r -g openldap -u 999 openldap',
      "echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections",
    ].join('\n'),
    after: [
      'test "$(id -u openldap):$(id -g openldap)" = 999:999',
      'rm -rf /etc/ldap/slapd.d /var/lib/ldap /etc/init.d/slapd /usr/bin/perl',
      'mkdir -p /etc/ldap/slapd.d /var/lib/ldap && chown openldap:openldap /etc/ldap/slapd.d /var/lib/ldap',
      'test ! -e /usr/bin/zstd',
    ].join('\n'),
  });
  return { name: `openldap:2.5-${suite}`, root };
}
