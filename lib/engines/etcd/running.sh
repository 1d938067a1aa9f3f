#!/bin/sh
# Whether the member runs: exit 0 when it does, 1 when it does not, 2 when that cannot be told.
#
# usage: running.sh [files]   with `files` it is not asked, and only what it does with its data directory is looked at
#
# environment, beside etcd.sh's:
#   BESIDE_SERVER    `yes`: a restore that the running server does not mind, and which is not asked for it
#   DATA_DIRECTORY   the member's data directory
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
[ "${BESIDE_SERVER:-no}" != yes ] || exit 1

# A member holds a lock on its database for as long as it runs; it is the kernel's, so that it is seen on this node.
database=$DATA_DIRECTORY/member/snap/db
if [ -e "$database" ] && ! flock -n "$database" true; then
  echo "it has $DATA_DIRECTORY open" >&2
  exit 0
fi
[ "${1:-}" != files ] || exit 1

# Whoever refuses these certificates is there as well. Why there is no connection curl says among much else.
live /health --verbose >"$SCRATCH/health" 2>"$SCRATCH/connected" && rc=0 || rc=$?
case $rc in
  6)
    host=${SERVER_URL#*://} host=${host%:*}
    # curl has one number for a name that nothing is known of, and for a resolver that does not answer.
    nslookup "$host" >"$SCRATCH/resolved" 2>&1 || :
    ! grep -qiE 'timed out|no servers|SERVFAIL|REFUSED' "$SCRATCH/resolved" || { echo "the name $host could not be looked up" >&2; exit 2; }
    exit 1
    ;;
  7) answer=$(sed -n 's/.* failed: //p' "$SCRATCH/connected" | grep . || echo 'timed out') ;;
  28) answer='timed out' ;;
  *) answer="it answers at $SERVER_URL" ;;
esac
told=0
connection_tells "$answer" || told=$?
exit "$told"
