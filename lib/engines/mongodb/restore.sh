#!/bin/sh
# Restores into new collections beside the old ones, checks them, and only then swaps the names. What a database held before
# stays in it under other names until somebody drops it.
#
# MongoDB cannot rename a database, and mongorestore replays no oplog under other names. So an archive with an oplog is first
# brought up in a server of this pod's own, where its oplog is replayed and its facts are compared, and what is consistent
# there goes on to the target: the scratch volume has to hold it. Archives of single databases go to the target directly.
#
# environment, beside mongodb.sh's:
#   DATABASE   the one to restore; empty: all of the recovery point
#   INTO       a new name for it; empty: its own
#   REPLACE    `yes`: a database of that name that holds documents may be replaced (its collections are renamed, not dropped)
#   ACCOUNTS   `yes`: users and roles that the target lacks are created; of a recovery point that is restored in part, or that is of single
#              databases, those that are of the databases restored
#   UNTIL      replay the oplog up to this second, and without it (2026-08-01T02:30:05Z); empty: all of it
set -eu
: "${ACCOUNTS:=yes}"
# shellcheck disable=SC2153 # the request's word, not the engine's list
WANTED=$DATABASE
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"

get archives.tsv >"$SCRATCH/archives.tsv" || die "archives.tsv of $POINT: $(repository_reason)"
oplog=no
if grep -q '	\*	' "$SCRATCH/archives.tsv"; then
  oplog=$(cut -f 3 "$SCRATCH/archives.tsv")
  get databases.txt >"$SCRATCH/databases.txt" || die "databases.txt of $POINT: $(repository_reason)"
  # MEMBER TAB DATABASE
  sed 's/^/all.archive	/' "$SCRATCH/databases.txt" >"$SCRATCH/held"
else
  cut -f 1,2 "$SCRATCH/archives.tsv" >"$SCRATCH/held"
fi
# MEMBER TAB DATABASE TAB TARGET, a line per database to restore
WANTED=$WANTED INTO=$INTO awk -F '\t' -v OFS='\t' '
  ENVIRON["WANTED"] == "" || $2 == ENVIRON["WANTED"] { print $1, $2, ENVIRON["INTO"] == "" ? $2 : ENVIRON["INTO"] }' "$SCRATCH/held" >"$SCRATCH/wanted"
[ -s "$SCRATCH/wanted" ] || refuse "recovery point $POINT holds no database \"$WANTED\"; it holds: $(cut -f 2 "$SCRATCH/held" | tr '\n' ',' | sed 's/,$//')"
[ -z "$INTO" ] || [ "$(wc -l <"$SCRATCH/wanted")" -eq 1 ] || refuse "into names one database, but the request restores several: name one in database"

limit=
if [ -n "$UNTIL" ]; then
  [ "$oplog" = yes ] || refuse "recovery point $POINT holds no oplog, so it cannot be restored to a point in time: leave until empty"
  limit=$(date -u -d "$UNTIL" +%s 2>/dev/null) || refuse "until is \"$UNTIL\": write a time such as 2026-08-01T02:30:05Z"
  from=$(manifest_field "$SCRATCH/manifest.json" oplogFrom)
  to=$(manifest_field "$SCRATCH/manifest.json" oplogUntil)
  if [ "$limit" -lt "$(date -u -d "$from" +%s)" ] || [ "$limit" -gt "$(($(date -u -d "$to" +%s) + 1))" ]; then
    refuse "recovery point $POINT can be restored to a point in time between $from and $to, while it was dumped, and not to $UNTIL: choose another recovery point"
  fi
  log "WARNING: documents that were dumped after $UNTIL keep their later state: only documents that were dumped before it are from that moment"
fi

# Everything that can be refused is refused before anything is made.
check_server
use "$(primary_uri)"
run=$(printf 'restore_%s_%s' "$POINT" "${POD_NAME:-$$}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' '_' | cut -c 1-52)_of_
: >"$SCRATCH/direct"
attempt 'looking into the target' mongosh_script holdings "TARGETS=$(cut -f 3 "$SCRATCH/wanted")" >"$SCRATCH/holdings"
holding() { # TARGET KIND
  TARGET=$1 KIND=$2 awk -F '\t' '$1 == ENVIRON["TARGET"] && $2 == ENVIRON["KIND"] { print $3 }' "$SCRATCH/holdings"
}
timeseries_of() { KEY="\"timeseries/$1\":" awk 'index($0, ENVIRON["KEY"]) == 1 { print substr($0, length(ENVIRON["KEY"]) + 1) }' "$SCRATCH/facts.expected"; } # DATABASE
# MongoDB manual, "MongoDB Limits and Thresholds": a database and a collection have names of at most 255 bytes, the dot included.
has_long_names() { # DATABASE TARGET
  NAME=$1 SPACE=$((255 - $(printf %s "$2.$run" | wc -c))) LC_ALL=C awk '
    { key = $0; sub(/":[0-9]*$/, "", key); sub(/^"[a-z]*\//, "", key) }
    index(key, ENVIRON["NAME"] ".") == 1 && length(key) - length(ENVIRON["NAME"]) - 1 > ENVIRON["SPACE"] { long = 1 }
    END { exit !long }' "$SCRATCH/facts.expected"
}
while IFS='	' read -r member name target; do
  held=$(holding "$target" held)
  [ "$held" = 0 ] || [ "$REPLACE" = yes ] ||
    refuse "database \"$target\" holds documents in $held collections: nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME (the old collections are kept under other names), or set into to a new name"
  holding "$target" left | while IFS= read -r left; do
    log "WARNING: an interrupted restore left collections $left* in database \"$target\"; drop them, unless another restore is running"
  done
  unmovable=
  case $(timeseries_of "$name") in
    0) ;;
    # Nobody counted them, as they changed while they were dumped.
    '') [ "$(holding "$target" collections)" != 0 ] || printf '%s\n' "$target" >>"$SCRATCH/direct" ;;
    *) unmovable='time series, which MongoDB cannot rename' ;;
  esac
  ! grep -qF "\"encrypted/$name\":" "$SCRATCH/facts.expected" || unmovable='collections with encrypted fields, which MongoDB does not rename'
  ! has_long_names "$name" "$target" || unmovable='collections whose names are too long for a copy beside them'
  if [ -n "$unmovable" ]; then
    [ "$(holding "$target" collections)" = 0 ] ||
      refuse "database \"$name\" has $unmovable, and database \"$target\" is not empty: nothing was changed. Set into to a new name"
    printf '%s\n' "$target" >>"$SCRATCH/direct"
  fi
  [ "$(holding "$target" timeseries)" = 0 ] ||
    refuse "database \"$target\" has time series, which MongoDB cannot rename: nothing was changed. Set into to a new name"
done <"$SCRATCH/wanted"

# How the restored collections of a target are called until they are checked.
prefix_of() { grep -qxF -e "$1" "$SCRATCH/direct" || printf %s "$run"; }
: >"$SCRATCH/made"
names_of() { # TARGET: what is restored to it, as far as it is known, as JSON
  if [ -s "$SCRATCH/catalog" ]; then names_in=$SCRATCH/catalog; else names_in=$SCRATCH/facts.expected; fi
  NAME=$(TARGET=$1 awk -F '\t' '$3 == ENVIRON["TARGET"] { print $2 }' "$SCRATCH/wanted") awk '
    { key = $0; sub(/":[0-9]*$/, "", key) }
    sub(/^"(definition|documents)\//, "", key) && index(key, ENVIRON["NAME"] ".") == 1 { print "\"" substr(key, length(ENVIRON["NAME"]) + 2) "\"" }' "$names_in"
}
clean_up() {
  stop_scratch_server
  while IFS= read -r target; do
    use "$(primary_uri)"
    names_of "$target" >"$SCRATCH/names"
    mongosh_script discard "TARGET=$target" "PREFIX=$(prefix_of "$target")" "NAMES_FILE=$SCRATCH/names" </dev/null >&2 ||
      log "WARNING: collections $(prefix_of "$target")* of database \"$target\" are left over from this failed restore; drop them"
  done <"$SCRATCH/made"
}
trap clean_up EXIT

not_in() { grep -vxFf "$1" "$SCRATCH/accounts" || :; } # FILE: accounts of the recovery point that it does not name

# Of the facts in a file only those of the databases asked for.
facts_of_wanted() { # FILE
  : >"$SCRATCH/facts.wanted"
  while IFS='	' read -r member name target; do
    NAME=$name awk '
      { key = $0; sub(/":[0-9]*$/, "", key); at = index(key, "/"); rest = substr(key, at + 1) }
      at && (rest == ENVIRON["NAME"] || index(rest, ENVIRON["NAME"] ".") == 1)' "$1" >>"$SCRATCH/facts.wanted"
  done <"$SCRATCH/wanted"
}

restore_started=$(date +%s)
if [ "$(head -n 1 "$SCRATCH/wanted" | cut -f 1)" = all.archive ] && grep -q '	\*	' "$SCRATCH/archives.tsv"; then
  start_scratch_server
  # shellcheck disable=SC2086 # one option or none
  restore_to_scratch all.archive "$oplog" ${limit:+--oplogLimit=$limit} </dev/null
  documents "$SCRATCH/restore.log" 'finished restoring' >"$SCRATCH/facts.scratch"
  use "$SCRATCH_URI"
  attempt 'counting' mongosh_script catalog DATABASES= COUNT=yes NAMES=yes >"$SCRATCH/catalog"
  # What the oplog changed after the documents were restored, nobody counted; what was restored before it, mongodump did. And up
  # to a moment in between, nothing but that is as it was counted.
  if [ -n "$limit" ]; then
    grep '^"documents/' "$SCRATCH/facts.expected" >"$SCRATCH/facts.whole"
  else
    grep '^"' "$SCRATCH/catalog" | grep -v '^"documents/' >>"$SCRATCH/facts.scratch"
    cat "$SCRATCH/facts.expected" >"$SCRATCH/facts.whole"
  fi
  keys_of "$SCRATCH/facts.whole" "$SCRATCH/facts.scratch" >"$SCRATCH/facts"
  compare_facts "$SCRATCH/facts.whole" "$SCRATCH/facts"
  log "restored $POINT into a server in this pod; copying it to the target"
  # What was made or dropped while the dump was made, is there or not as of the moment of the oplog's end, or of until.
  sed -n 's/^database	//p' "$SCRATCH/catalog" >"$SCRATCH/databases.found"
  surplus=$(grep -vxFf "$SCRATCH/databases.txt" "$SCRATCH/databases.found" | tr '\n' ' ') || :
  [ -z "$surplus" ] || caveat "databases that were created and dropped during the dump are not restored: $surplus"
  awk -F '\t' 'NR == FNR { found[$0]; next } $2 in found' "$SCRATCH/databases.found" "$SCRATCH/wanted" >"$SCRATCH/wanted.found"
  [ -s "$SCRATCH/wanted.found" ] || refuse "the requested databases were dropped during the dump, and are not in $POINT: choose another recovery point"
  mv "$SCRATCH/wanted.found" "$SCRATCH/wanted"
  # From here on the scratch server says what has to arrive.
  attempt 'reading the accounts' mongosh_script accounts >"$SCRATCH/accounts"
  facts_of_wanted "$SCRATCH/catalog"
  SOURCE=$SCRATCH/scratch.yaml
  export SOURCE
else
  facts_of_wanted "$SCRATCH/facts.expected"
fi

use "$(primary_uri)"
tool_config "$SCRATCH/target.yaml" "$MONGODB_URI"
dump_from_scratch() { OPLOG=no sh "$here/dump-archive.sh" "$name" 2>"$SCRATCH/hop.err" || { cat "$SCRATCH/hop.err" >&2; return 1; }; }
while IFS='	' read -r member name target; do
  prefix=$(prefix_of "$target")
  printf '%s\n' "$target" >>"$SCRATCH/made"
  if [ -n "${SOURCE:-}" ]; then
    source_reason() { last_words "$SCRATCH/hop.err" 1; }
    set -- dump_from_scratch
  else
    set -- get "$member"
  fi
  restore_archive "$name" "$SCRATCH/target.yaml" "$SCRATCH/target.log" "$@" -- "--nsFrom=$name.*" "--nsTo=$target.$prefix*" </dev/null
  # As they were called when they were dumped.
  documents "$SCRATCH/target.log" 'finished restoring' | FROM="\"documents/$target.$prefix" TO="\"documents/$name." awk '
    index($0, ENVIRON["FROM"]) == 1 { print ENVIRON["TO"] substr($0, length(ENVIRON["FROM"]) + 1) }' >>"$SCRATCH/facts.found"
  attempt "reading the catalog of \"$target\"" mongosh_script catalog "DATABASES=$target" "PREFIX=$prefix" "NAMED=$name" </dev/null >>"$SCRATCH/facts.found"
  log "restored database \"$name\" as $target.$prefix*"
done <"$SCRATCH/wanted"
keys_of "$SCRATCH/facts.wanted" "$SCRATCH/facts.found" >"$SCRATCH/facts"
compare_facts "$SCRATCH/facts.wanted" "$SCRATCH/facts"

# Of single databases only those accounts that are theirs.
cut -f 2 "$SCRATCH/wanted" >"$SCRATCH/wanted.names"
if [ -n "${SOURCE:-}" ]; then
  accounts_source=SOURCE_URI=$SCRATCH_URI
else
  read_accounts
  accounts_source=ACCOUNTS_FILE=$SCRATCH/accounts.json
fi
if [ -z "${SOURCE:-}" ] || [ -n "$WANTED" ]; then
  awk 'NR == FNR { of["[\"" $0 "\""]; next } { named = $2; sub(/,.*/, "", named) } named in of' "$SCRATCH/wanted.names" "$SCRATCH/accounts" >"$SCRATCH/accounts.theirs"
  mv "$SCRATCH/accounts.theirs" "$SCRATCH/accounts"
fi
# Whoever is there already keeps password and roles. Before the names are swapped: should it fail, the databases are as they were.
if [ -s "$SCRATCH/accounts" ] && [ "$ACCOUNTS" = yes ] && [ -z "$INTO" ]; then
  hint='; set accounts to no to leave them out'
  role_databases=$(sed -n 's/^role \["\([^"]*\)",.*/\1/p' "$SCRATCH/accounts" | sort -u)
  use "$(primary_uri)"
  attempt "looking for the target's accounts$hint" mongosh_script accounts "ROLE_DATABASES=$role_databases" >"$SCRATCH/accounts.before"
  if [ -n "$(not_in "$SCRATCH/accounts.before")" ]; then
    attempt "creating the accounts that the target lacks$hint" mongosh_script create-accounts "$accounts_source" "MISSING=$(not_in "$SCRATCH/accounts.before")" >/dev/null
    attempt "looking for the target's accounts$hint" mongosh_script accounts "ROLE_DATABASES=$role_databases" >"$SCRATCH/accounts.after"
    missing=$(not_in "$SCRATCH/accounts.after" | head -n 3 | tr '\n' ' ')
    [ -z "$missing" ] || die "the target lacks $missing, although they were restored: the databases are unchanged$hint"
  fi
  log "the target has all $(grep -c . "$SCRATCH/accounts") users and roles of $POINT; $(grep -cxFf "$SCRATCH/accounts.before" "$SCRATCH/accounts") were there before, and are unchanged"
fi

swapped=
suffix=_before_$(date -u +%Y%m%d%H%M%S)
while IFS='	' read -r member name target; do
  prefix=$(prefix_of "$target")
  if [ -n "$prefix" ]; then
    mongosh_script swap "TARGET=$target" "PREFIX=$prefix" "SUFFIX=$suffix" </dev/null 2>"$SCRATCH/swap.err" ||
      die "the collections of database \"$target\" could not be renamed, and are unchanged: $(last_words "$SCRATCH/swap.err" 1)${swapped:+. Restored before it, and not undone:$swapped}"
  fi
  grep -vxF -e "$target" "$SCRATCH/made" >"$SCRATCH/made.rest" || :
  mv "$SCRATCH/made.rest" "$SCRATCH/made"
  swapped="$swapped $target"
  log "database \"$target\" is restored; the names of its previous collections end in $suffix: drop them when you no longer need them"
done <"$SCRATCH/wanted"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
