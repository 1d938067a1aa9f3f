#!/bin/sh
# Stores the snapshot that was taken before, once a scratch server has come up over what was restored from it.
#
# environment, beside etcd.sh's:
#   RELEASE_SERIES   of the image's etcd: 3.5
#   ALLOW_EMPTY      `yes`: a server without a key is no reason to fail
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"

wait_for_scratch_server
note_facts ''
while IFS= read -r examined; do caveat "$examined"; done <"$SCRATCH/examined"
least=$(cat "$SCRATCH/least.revision")
[ -z "$least" ] || [ "$revision" -ge "$least" ] ||
  die "the snapshot is at revision $revision, but the cluster was already at $least before it: the member that sent it is behind. Nothing was published; run the backup again, or ask another member"
if [ "$keys" = 0 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
  refuse 'the server holds no key: an empty backup is rarely intended; if this one is, set allowEmpty'
fi

live /version >"$SCRATCH/version" 2>/dev/null || : >"$SCRATCH/version"
server=$(sed -n 's/.*"etcdserver": *"\([^"]*\)".*/\1/p' "$SCRATCH/version")
case $server in
  '' | "$RELEASE_SERIES".*) ;;
  *) refuse "the server is etcd $server, but the image holds etcd $RELEASE_SERIES, which writes files for that series: set version to the server's" ;;
esac
about server "${server:-unknown}"
about proven "the snapshot's own checksum; a server started on the data restored from it, with $keys keys at revision $revision"

# Where the server can be asked as well, and has not compacted since, it must say the same of its own content. It often has.
if log_in 2>/dev/null && grep -q '"hash"' "$SCRATCH/facts" &&
  live /v3/maintenance/hashkv --header "@$SCRATCH/authorization" --data "{\"revision\":$revision}" >"$SCRATCH/live" 2>/dev/null &&
  grep -q '"hash"' "$SCRATCH/live" && [ "$(number_in "$SCRATCH/live" compact_revision)" = "$(number_in "$SCRATCH/hash" compact_revision)" ]; then
  [ "$(number_in "$SCRATCH/live" hash)" = "$(number_in "$SCRATCH/hash" hash)" ] ||
    die "the restored snapshot differs from the server: their hashes at revision $revision differ"
  about live 'the server itself gives the same hash at that revision'
fi
rm -f "$SCRATCH/authorization"

put snapshot.db cat "$SCRATCH/snapshot.db"
