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
live /health >/dev/null
[ "$OPERATION" = restore ] || log_in
