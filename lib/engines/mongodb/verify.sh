#!/bin/sh
# Brings the recovery point up in a server of its own, reachable in this pod only, and checks it.
set -eu
# A scratch server must know nothing of the production server.
unset MONGODB_HOST MONGODB_PORT MONGODB_USERNAME MONGODB_PASSWORD MONGODB_TLS_CA || :
DATABASES=
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

get archives.tsv >"$SCRATCH/archives.tsv" || die "archives.tsv of $POINT: $(repository_reason)"
trap stop_scratch_server EXIT
restore_started=$(date +%s)
start_scratch_server
replayed=no
while IFS='	' read -r member _ oplog; do
  restore_to_scratch "$member" "$oplog" </dev/null
  documents "$SCRATCH/restore.log" 'finished restoring' >>"$SCRATCH/documents"
  [ "$oplog" != yes ] || replayed=yes
  log "restored $member"
done <"$SCRATCH/archives.tsv"
outcome restoreSeconds "$(($(date +%s) - restore_started))"

use "$SCRATCH_URI"
DATABASES=$(cut -f 2 "$SCRATCH/archives.tsv" | grep -vxF '*' || :)
export DATABASES
attempt 'counting' mongosh_script catalog COUNT=yes >"$SCRATCH/catalog"
# What the oplog changed after the documents were restored, nobody counted; what was restored before it, mongodump did.
if [ "$replayed" = yes ]; then
  grep -v '^"documents/' "$SCRATCH/catalog" >"$SCRATCH/catalog.rest" || :
  cat "$SCRATCH/documents" "$SCRATCH/catalog.rest" >"$SCRATCH/catalog"
fi
if [ -n "$DATABASES" ]; then
  read_accounts
  [ ! -s "$SCRATCH/accounts" ] ||
    attempt 'creating the accounts' mongosh_script create-accounts "ACCOUNTS_FILE=$SCRATCH/accounts.json" "MISSING=$(cat "$SCRATCH/accounts")" >/dev/null
  attempt 'reading the accounts' mongosh_script accounts >"$SCRATCH/accounts.found"
  printf '"accounts":%s\n' "$(grep -cxFf "$SCRATCH/accounts" "$SCRATCH/accounts.found" || :)" >>"$SCRATCH/catalog"
fi
# Compared is what was noted: what changed during the dump was not.
keys_of "$SCRATCH/facts.expected" "$SCRATCH/catalog" >>"$SCRATCH/facts"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"

# Asked last: an assertion is the user's own expression, and may do anything to this server.
check_assertions ask
