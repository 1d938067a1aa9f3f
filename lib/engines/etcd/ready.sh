#!/bin/sh
# Exit 0 when the server answers, and lets in whom the job will come as.
#
# environment, beside etcd.sh's:
#   BESIDE_SERVER   `yes`: a restore that the running server does not mind, and which is not asked for it
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
[ "$OPERATION:${BESIDE_SERVER:-no}" != restore:yes ] || exit 1
# An unhealthy server, such as one that is full, answers too, and a snapshot of it is worth the more.
rc=0
live /health >/dev/null || rc=$?
if [ "$OPERATION" = restore ]; then
  # Whoever refuses these certificates is there as well: only a name, an address or an answer that is missing says that nobody is.
  case $rc in 6 | 7 | 28) exit 1 ;; *) exit 0 ;; esac
fi
[ "$rc" = 0 ] || exit "$rc"
log_in
