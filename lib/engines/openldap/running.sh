#!/bin/sh
# Whether the server runs: exit 0 when it does, 1 when it does not, 2 when that cannot be told.
#
# usage: running.sh [files]   with `files` it is asked, too, and what it does with its data directory is looked at
#
# environment, beside openldap.sh's:
#   DATA_DIRECTORY   the server's data directory
set -eu
# shellcheck source=lib/engines/openldap/openldap.sh
. "$BACKUP_HOME/engine/openldap.sh"

# The locks that it holds show on no other node. What it writes does.
if [ "${1:-}" = files ]; then
  written=$(find "$DATA_DIRECTORY" -name data.mdb ! -path '*/.before-*' ! -path '*/.restoring-*' -newer "$SCRATCH/manifest.json" 2>/dev/null | head -n 1)
  if [ -n "$written" ]; then
    echo "${written#"$DATA_DIRECTORY/"} has been written since" >&2
    exit 0
  fi
fi

# Whatever it answers to nobody in particular, it is there. Why there is no connection, only the trace says.
answer=$(timeout 15 ldapsearch -x -d 1 -o nettimeout=10 -H "$LDAP_URI" -s base -b '' 1.1 2>&1) && answer_rc=0 || answer_rc=$?
if [ "$answer_rc" = 0 ]; then
  echo "it answers at $LDAP_URI" >&2
  exit 0
fi
case $answer_rc:$answer in
  124:*) answer='timed out' ;;
  *'errno: 111'*) answer='connection refused' ;;
  *'getaddrinfo failed: '*) answer=$(printf '%s\n' "$answer" | sed -n 's/.*getaddrinfo failed: //p' | head -n 1) ;;
  *"Can't contact LDAP server"*) answer="no connection: unreachable" ;;
  *) answer=$(printf '%s\n' "$answer" | tail -n 1) ;;
esac
told=0
connection_tells "$answer" || told=$?
# A restore that has come so far knew that it was stopped.
[ "${1:-}" != files ] || [ "$told" = 0 ] || exit 1
exit "$told"
