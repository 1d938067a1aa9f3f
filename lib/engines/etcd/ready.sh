#!/bin/sh
# Exit 0 when the server answers, and lets in whom the job will come as; 78 when it does not, or its certificate is not trusted.
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
# An unhealthy server, such as one that is full, answers too, and a snapshot of it is worth the more.
rc=0
live /health >/dev/null 2>"$SCRATCH/ready.client" || rc=$?
cat "$SCRATCH/ready.client" >&2
# curl's manual, "Exit codes": of certificates, its own, the server's and their files; in 35 and 56 either side has said so in TLS's words.
case $rc in
  0) ;;
  51 | 58 | 60 | 66 | 77 | 83 | 90) exit 78 ;;
  *) ! grep -qE ' alert |certificate' "$SCRATCH/ready.client" || exit 78; exit "$rc" ;;
esac
log_in 2>"$SCRATCH/ready.client" && exit 0
cat "$SCRATCH/ready.client" >&2
! grep -qE 'authentication failed|authentication is not enabled|permission denied' "$SCRATCH/ready.client" || exit 78
exit 1
