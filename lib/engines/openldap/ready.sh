#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/openldap/openldap.sh
. "$BACKUP_HOME/engine/openldap.sh"
# An empty password is no login, and answered as if it was one.
if [ -z "$LDAP_USERNAME" ] || [ -z "$LDAP_PASSWORD" ]; then
  echo 'error: the username or the password is empty: an anonymous user sees next to nothing. Fill in the Secret' >&2
  exit 78
fi
ask_server -s base -b '' 1.1 >/dev/null 2>"$SCRATCH/ready.client" && exit 0 || ready_rc=$?
cat "$SCRATCH/ready.client" >&2
case $ready_rc in
  # RFC 4511, "Result Message": a way to log in that the server does not know, wants to be stronger, or wants to be encrypted; credentials
  # that are wrong; what the account may not do.
  7 | 8 | 13 | 48 | 49 | 50 | 78) exit 78 ;;
esac
# A server that is not there has a number and words of its own; what else goes wrong when TLS begins is a certificate, or a server without it.
if grep -qE 'certificate|^ldap_start_tls: ' "$SCRATCH/ready.client" && ! grep -q "Can't contact LDAP server" "$SCRATCH/ready.client"; then
  echo 'error: the TLS handshake failed: is tlsAuthority the authority of the certificate, and host a name in it?' >&2
  exit 78
fi
exit 1
