#!/bin/sh
# Dumps the whole instance with its oplog, or the chosen databases one after another, and notes what a restore must reproduce.
#
# environment, beside mongodb.sh's:
#   READ_FROM     secondaryPreferred, secondary or primary: the member of a replica set to dump from
#   MAXIMUM_LAG   seconds that a secondary may be behind; then the primary is dumped from, or nothing is
#   ALLOW_EMPTY   `yes`: a chosen database without a collection is no reason to fail
set -eu
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"

check_server
about server "MongoDB $(sed -n 's/^version	//p' "$SCRATCH/server.tsv"), $server_kind"
about client "$(mongodump --version | head -n 1)"

use "$(primary_uri)"
if [ -n "$REPLICA_SET" ]; then
  sed -n 's/^silent	//p' "$SCRATCH/server.tsv" | while IFS= read -r silent; do log "WARNING: member $silent does not answer"; done
  member=$(sed -n 's/^member	//p' "$SCRATCH/server.tsv")
  [ -n "$member" ] || die "replica set $REPLICA_SET has no member that answers and is allowed by readFrom ($READ_FROM)"
  member_kind=$(printf %s "$member" | cut -f 2) lag=$(printf %s "$member" | cut -f 3)
  member=$(printf %s "$member" | cut -f 1)
  log "dumping from $member, a $member_kind"
  about member "$member $member_kind, $lag s behind"
  # Documents that a majority has are never rolled back.
  concern=majority
  if ! grep -q '^primary	yes$' "$SCRATCH/server.tsv"; then
    caveat "replica set $REPLICA_SET has no primary: this is what its member $member had when the primary was lost, however long ago"
  elif [ "$lag" -gt "$MAXIMUM_LAG" ]; then
    [ "$member_kind" = primary ] ||
      die "the secondary $member is $lag s behind its primary, and maximumLag is $MAXIMUM_LAG s: nothing was dumped. Find out why it is behind, or let readFrom allow the primary"
    # Without a majority of members that are up to date nothing new is safe from being rolled back, and old documents would be dumped.
    concern=local
    caveat "the data that a majority of the members has is $lag s old, so the primary was dumped as it is: a failover may undo writes that are in this recovery point"
  fi
  use "$(production_uri "$member" "&directConnection=true&readPreference=secondaryPreferred&readConcernLevel=$concern")"
fi
SOURCE=$SCRATCH/source.yaml
export SOURCE
tool_config "$SOURCE" "$MONGODB_URI"

# Everything that can be refused is refused before the first byte is stored.
catalog() { # FILE, and the newest moment of the oplog beside it
  attempt 'reading the catalog' mongosh_script catalog "NEWEST=$OPLOG" NAMES=yes >"$SCRATCH/catalog"
  grep '^"' "$SCRATCH/catalog" >"$1" || :
  sed -n 's/^newest	//p' "$SCRATCH/catalog" >"$1.newest"
  sed -n 's/^database	//p' "$SCRATCH/catalog" >"$1.databases"
}
catalog "$SCRATCH/catalog.before"
: >"$SCRATCH/chosen"
while IFS= read -r name; do
  collections=$(awk -F '":' -v kinds="\"collections/$name|\"timeseries/$name" 'BEGIN { split(kinds, kind, "|") } $1 == kind[1] || $1 == kind[2] { sum += $2 } END { print sum + 0 }' "$SCRATCH/catalog.before")
  if [ "$collections" = 0 ]; then
    [ "$SAFETY" = yes ] || [ "$ALLOW_EMPTY" = yes ] || [ -z "$DATABASES" ] ||
      refuse "database \"$name\" holds no collection, or does not exist: an empty backup is rarely intended; if this one is, set allowEmpty"
    log "database \"$name\" holds no collection"
  fi
  printf '%s\n' "$name" >>"$SCRATCH/chosen"
done <"$SCRATCH/catalog.before.databases"
[ -s "$SCRATCH/chosen" ] || [ "$SAFETY" = yes ] || [ "$ALLOW_EMPTY" = yes ] ||
  refuse 'no database of this server holds a collection: an empty backup is rarely intended; if this one is, set allowEmpty'

: >"$SCRATCH/documents"
: >"$SCRATCH/archives.tsv"
if [ -z "$DATABASES" ]; then
  put all.archive sh "$here/dump-archive.sh"
  documents "$SCRATCH/dump.log" 'done dumping' >>"$SCRATCH/documents"
  printf 'all.archive\t*\t%s\n' "$OPLOG" >>"$SCRATCH/archives.tsv"
else
  while IFS= read -r name; do
    member=$(slug "$name").archive
    put "$member" sh "$here/dump-archive.sh" "$name" </dev/null
    documents "$SCRATCH/dump.log" 'done dumping' >>"$SCRATCH/documents"
    printf '%s\t%s\tno\n' "$member" "$name" >>"$SCRATCH/archives.tsv"
  done <"$SCRATCH/chosen"
fi
put archives.tsv cat "$SCRATCH/archives.tsv"

# The dump read the catalog some time in between: what was the same before and after it is what it found.
catalog "$SCRATCH/catalog.after"
if [ -z "$DATABASES" ]; then
  sort -u "$SCRATCH/catalog.before.databases" "$SCRATCH/catalog.after.databases" >"$SCRATCH/databases.txt"
  put databases.txt cat "$SCRATCH/databases.txt"
else
  attempt 'reading the accounts of the databases' mongosh_script export-accounts >"$SCRATCH/accounts.json"
  put accounts.json cat "$SCRATCH/accounts.json"
  attempt 'reading the accounts' mongosh_script accounts "ACCOUNTS_FILE=$SCRATCH/accounts.json" >"$SCRATCH/accounts"
  fact accounts "$(grep -c . "$SCRATCH/accounts" || :)"
  ! grep -q '"unseen"' "$SCRATCH/accounts.json" ||
    caveat "this user is not allowed to see the users and roles of these databases, so none of those are in this recovery point; grant it the role backup"
  rm -f "$SCRATCH/accounts.json"
fi
if [ "$OPLOG" = yes ]; then
  # The moments between which the archive's oplog begins and ends.
  about oplogFrom "$(date -u -d "@$(cat "$SCRATCH/catalog.before.newest")" +%Y-%m-%dT%H:%M:%SZ)"
  about oplogUntil "$(date -u -d "@$(cat "$SCRATCH/catalog.after.newest")" +%Y-%m-%dT%H:%M:%SZ)"
fi
awk 'NR == FNR { before[$0]; next } $0 in before' "$SCRATCH/catalog.before" "$SCRATCH/catalog.after" >>"$SCRATCH/facts"
changed=$(awk 'NR == FNR { after[$0]; next } !($0 in after)' "$SCRATCH/catalog.after" "$SCRATCH/catalog.before" | tr '\n' ' ')
[ -z "$changed" ] || log "changed during the dump, and so not compared after a restore: $changed"
cat "$SCRATCH/documents" >>"$SCRATCH/facts"
