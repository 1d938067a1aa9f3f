# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment:
#   MONGODB_HOST, MONGODB_PORT, MONGODB_USERNAME, MONGODB_PASSWORD, AUTHENTICATION_DATABASE   the server and who asks it
#   REPLICA_SET   the name of its replica set; empty: a server of its own, or a mongos
#   MONGODB_TLS   `yes`: TLS; MONGODB_TLS_CA: a file with the authorities to trust, or empty for the image's
#   MONGOS        `yes`: the host is a mongos, and is meant to be
#   OPLOG         `yes`: whole-instance dumps with the oplog of the time they take
#   DATABASES     names, one a line; empty: all
#   MAXIMUM_LAG   seconds that a secondary may be behind
#
# The members of a recovery point:
#   archives.tsv     per archive: <member> TAB <its database, or * for all of them> TAB <yes when it holds an oplog>
#   <slug>.archive   one per database, or
#   all.archive      one of the whole instance; both are mongodump's archives
#   accounts.json    beside the former: users and roles of these databases, with their passwords' hashes
#   databases.txt    beside the latter: the databases that were there before or after the dump, one a line
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
here=$BACKUP_HOME/engine
: "${REPLICA_SET:=}" "${DATABASES:=}" "${MONGODB_TLS:=no}" "${MONGODB_TLS_CA:=}"

# Every byte: what is encoded needs no list of what must be.
percent_encode() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# A connection string to production. It holds the password: it goes into files and environments, never into arguments.
production_uri() { # HOST:PORT OPTIONS
  uri_tls=
  [ "$MONGODB_TLS" != yes ] || uri_tls="&tls=true${MONGODB_TLS_CA:+&tlsCAFile=$(percent_encode "$MONGODB_TLS_CA")}"
  printf 'mongodb://%s:%s@%s/?authSource=%s&connectTimeoutMS=10000&serverSelectionTimeoutMS=10000%s%s' \
    "$(percent_encode "$MONGODB_USERNAME")" "$(percent_encode "$MONGODB_PASSWORD")" "$1" "$(percent_encode "$AUTHENTICATION_DATABASE")" "$uri_tls" "$2"
}
# The server that was named. An IPv6 address has brackets before a port.
named_host() {
  case $MONGODB_HOST in
    *:*) printf '[%s]:%s' "$MONGODB_HOST" "$MONGODB_PORT" ;;
    *) printf '%s:%s' "$MONGODB_HOST" "$MONGODB_PORT" ;;
  esac
}
# The primary of a replica set, whichever member that is.
primary_uri() {
  if [ -n "$REPLICA_SET" ]; then
    production_uri "$(named_host)" "&replicaSet=$(percent_encode "$REPLICA_SET")"
  else
    production_uri "$(named_host)" ''
  fi
}

# The very host that was named, whatever it is.
host_uri() { production_uri "$(named_host)" '&directConnection=true'; }

# Refuses a host that is not what was said of it. A client that is told of a replica set would wait for it in vain.
check_server() {
  use "$(host_uri)"
  attempt 'asking the server what it is' mongosh_script server >"$SCRATCH/server.tsv"
  server_kind=$(sed -n 's/^kind	//p' "$SCRATCH/server.tsv")
  server_set=$(sed -n 's/^set	//p' "$SCRATCH/server.tsv")
  case $server_kind in
    mongos) [ "$MONGOS" = yes ] || refuse "$MONGODB_HOST is a mongos: a dump through it has no oplog, and its collections are not from one instant. If that is acceptable, set mongos: true with oplog: false" ;;
    'replica set') [ "$server_set" = "$REPLICA_SET" ] || refuse "$MONGODB_HOST is a member of replica set \"$server_set\": set replicaSet: '$server_set', so that the dump reads one member, and a restore writes to the primary" ;;
    *) [ -z "$REPLICA_SET" ] || refuse "$MONGODB_HOST is not a member of a replica set, so it has no oplog: leave out replicaSet, and set oplog: false" ;;
  esac
}

# Which server the scripts for mongosh ask.
use() { # URI
  MONGODB_URI=$1
  export MONGODB_URI
}

# A file for --config, which is the one way to give the tools a password that no process list shows.
tool_config() { printf 'uri: "%s"\n' "$2" >"$1"; } # FILE URI

# Runs one of this folder's scripts for mongosh. What went wrong it says on either stream.
mongosh_script() { # NAME VARIABLE=VALUE...
  mongosh_name=$1
  shift
  env "$@" mongosh --nodb --quiet --norc "$here/$mongosh_name.js" >"$SCRATCH/mongosh.out" 2>"$SCRATCH/mongosh.err" && mongosh_rc=0 || mongosh_rc=$?
  if [ "$mongosh_rc" != 0 ]; then
    mongosh_words=$(cat "$SCRATCH/mongosh.err" "$SCRATCH/mongosh.out" | without_secrets)
    printf '%s\n' "$mongosh_words" >&2
    unexplained mongosh "$mongosh_words"
    return "$mongosh_rc"
  fi
  explained
  cat "$SCRATCH/mongosh.out"
}

# The tools name the whole connection string in some errors, and in others the keys or all of the documents, which begin with a brace.
without_secrets() { sed -u -e 's#\(mongodb[a-z+]*://\)[^@/ ]*@#\1#g' -e '/finished restoring \|done dumping /!s/{.*/{...}/'; }

# Runs one of MongoDB's tools; what it says goes to the log and to a file, its standard output stays.
tool() { # LOG COMMAND...
  tool_log=$1
  shift
  rm -f "$tool_log.rc"
  {
    { "$@" 2>&1 1>&3 3>&- || echo $? >"$tool_log.rc"; } | without_secrets | tee "$tool_log" >&2
  } 3>&1
  [ ! -e "$tool_log.rc" ] || return "$(cat "$tool_log.rc")"
}

# A name for files: itself where it is plain, otherwise with a checksum that keeps different names apart.
slug() {
  case $1 in
    *[!a-z0-9_]* | all) printf '%s-%s' "$(printf %s "$1" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_' '_' | cut -c 1-40)" "$(printf %s "$1" | cksum | cut -d ' ' -f 1)" ;;
    *) printf %s "$1" ;;
  esac
}

# How many documents of each collection a tool has handled, by its own words: exact, whatever an application does meanwhile.
# Users, roles and the server's own settings are no data of a collection.
documents() { # LOG `done dumping`|`finished restoring`
  SAID=$2 awk '
    { at = index($0, ENVIRON["SAID"] " ") }
    at {
      line = substr($0, at + length(ENVIRON["SAID"]) + 1)
      if (!match(line, / \([0-9]+ documents?(, [0-9]+ failures?)?\)$/)) next
      name = substr(line, 1, RSTART - 1); count = substr(line, RSTART + 2)
      if (name ~ /^((config|local|admin\.system)\.|admin\.temp(users|roles)$)/) next
      # The collection behind a time series goes by its own name in one of the tools.
      sub(/\.system\.buckets\./, ".", name)
      sub(/ .*/, "", count)
      gsub(/["\\]/, "\\\\&", name)
      printf "\"documents/%s\":%s\n", name, count
    }' "$1"
}

# Runs mongorestore over an archive that a command writes. Without --stopOnError it exits 0 with documents that it could not
# restore; and 0 is not believed without the sentence that says so.
restore_archive() { # WHAT CONFIG LOG SOURCE-COMMAND... -- OPTIONS...
  restore_what=$1
  restore_log=$3
  set -- "$@" "--config=$2"
  shift 3
  restore_source=
  while [ "$1" != -- ]; do
    restore_source="$restore_source $1"
    shift
  done
  shift
  rm -f "$SCRATCH/source.failed"
  restore_rc=0
  # Documents may be older than the rules that their collection has by now.
  {
    # shellcheck disable=SC2086 # a function and plain words
    $restore_source || echo $? >"$SCRATCH/source.failed"
  } | tool "$restore_log" mongorestore --archive --stopOnError --bypassDocumentValidation "$@" >&2 || restore_rc=$?
  # When the reader fails, mongorestore fails as well, and the other way round: 141, a broken pipe, is the one that came second.
  if [ -e "$SCRATCH/source.failed" ] && [ "$(cat "$SCRATCH/source.failed")" != 141 ]; then die "$(source_reason)"; fi
  # Where it stops replaying before the oplog's end it calls the rest of the archive, which it did not read, a failure.
  if [ "$restore_rc" = 1 ] && [ -n "${limit:-}" ] && [ "$(sed -n 's/.*	Failed: //p' "$restore_log")" = 'archive reading interrupted' ] &&
    grep -q '	applied [0-9]* oplog entries$' "$restore_log"; then
    restore_rc=0
  fi
  [ "$restore_rc" = 0 ] || die "restoring $restore_what failed: mongorestore: $(last_words "$restore_log" "$restore_rc")"
  grep -q '[. ]0 document(s) failed to restore' "$restore_log" || die "restoring $restore_what failed: mongorestore did not report that all documents were restored"
}
source_reason() { repository_reason; }

# A server of this pod's own: it listens on the loopback address, which no other pod can reach.
SCRATCH_URI='mongodb://127.0.0.1:27017/?directConnection=true&connectTimeoutMS=10000&serverSelectionTimeoutMS=10000'
# What the scratch server says was wrong, the cause before what came of it, and without the damaged blocks that it shows byte by byte.
# Its log is of objects, a line each: https://www.mongodb.com/docs/manual/reference/log-messages/
server_words() {
  grep -E '"s":"[EF]"' "$SCRATCH/server/log" | grep -vE '__wt_bm_corrupt_dump|"msg":"(Writing fatal message|BACKTRACE| *Frame|[^"]*aborting after)' |
    sed -e 's/.*"msg":"\([^"]*\)","attr":{"error":"\([^"]*\)".*/\1: \2/' -e t -e 's/.*"attr":{"error":-\{0,1\}[0-9]*,"message":"\([^"]*\)".*/\1/' -e t \
      -e 's/.*"msg":"\([^"]*\)".*/\1/' | head -n 3 >"$SCRATCH/server/words" || :
  # What is no such object was said before there was a log.
  [ -s "$SCRATCH/server/words" ] || grep -v '^{' "$SCRATCH/server/log" | tail -n 2 >"$SCRATCH/server/words" || :
  [ -s "$SCRATCH/server/words" ] || echo 'its log names no error' >"$SCRATCH/server/words"
  cut -c 1-300 "$SCRATCH/server/words" | paste -s -d ' ' -
}

# Over $volume_data, a data directory that is there, if that is set.
start_scratch_server() {
  # A retried container finds what the last one left.
  rm -rf "$SCRATCH/server"
  mkdir -p "$SCRATCH/server/data"
  scratch_data=${volume_data:-$SCRATCH/server/data}
  # Collections with encrypted fields can be made in a replica set only.
  set --
  ! grep -qs '^"encrypted/' "$SCRATCH/facts.expected" || set -- --replSet scratch --oplogSize 990
  # What is to be counted must not be deleted because its time is over.
  # Half a gigabyte of cache: a server that reckons with the node's memory is killed for exceeding the container's.
  mongod --dbpath "$scratch_data" --port 27017 --bind_ip 127.0.0.1 --nounixsocket --setParameter ttlMonitorEnabled=false --wiredTigerCacheSizeGB 0.5 "$@" >"$SCRATCH/server/log" 2>&1 &
  scratch_server=$!
  scratch_until=$(($(date +%s) + 60))
  until mongosh_script ready "MONGODB_URI=$SCRATCH_URI" >/dev/null 2>&1; do
    kill -0 "$scratch_server" 2>/dev/null || {
      wait "$scratch_server" && server_rc=0 || server_rc=$?
      [ "$server_rc" -le 128 ] || server_signal=" (killed by signal $((server_rc - 128)))"
      die "the scratch server did not start: $(server_words)${server_signal:-}"
    }
    # Over files that are there it recovers first, which takes as long as it takes: the Job's deadline ends it.
    [ -n "${volume_data:-}" ] || [ "$(date +%s)" -lt "$scratch_until" ] || die "the scratch server did not answer within 60 s: $(server_words)"
    sleep 0.3
  done
  [ $# = 0 ] || attempt 'making the scratch server a replica set' mongosh_script initiate "MONGODB_URI=$SCRATCH_URI"
  tool_config "$SCRATCH/scratch.yaml" "$SCRATCH_URI"
}
stop_scratch_server() {
  [ -z "${scratch_server:-}" ] || kill -KILL "$scratch_server" 2>/dev/null || :
}

# Brings an archive of the recovery point up in the scratch server, and notes the documents restored.
restore_to_scratch() { # MEMBER OPLOG OPTIONS...
  scratch_member=$1
  [ "$2" != yes ] || set -- "$@" --oplogReplay
  shift 2
  restore_archive "$scratch_member" "$SCRATCH/scratch.yaml" "$SCRATCH/restore.log" get "$scratch_member" -- "$@"
}

# Of FOUND the facts whose keys are in EXPECTED.
keys_of() { # EXPECTED FOUND
  awk '{ key = $0; sub(/:[0-9]*$/, "", key) } NR == FNR { expected[key]; next } key in expected' "$1" "$2"
}

# Leaves the accounts that came with single databases in $SCRATCH/accounts.json, and a line for each in $SCRATCH/accounts.
read_accounts() {
  fetch accounts.json "$SCRATCH/accounts.json"
  attempt 'reading the accounts' mongosh_script accounts "ACCOUNTS_FILE=$SCRATCH/accounts.json" >"$SCRATCH/accounts"
}

# How assertions are asked.
ask() { # DATABASE, and the expression on stdin
  { echo 'globalThis.answer ='; cat; } >"$SCRATCH/query.js"
  mongosh_script ask "DATABASE=$1" "QUERY_FILE=$SCRATCH/query.js"
}
