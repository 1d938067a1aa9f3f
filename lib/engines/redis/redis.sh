# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment:
#   PROGRAM            redis or valkey: what the image's programs are called, before -cli, -server and -check-rdb
#   DUMP_FILE          the server's dbfilename
#   APPEND_FILE        the server's appendfilename
#   APPEND_DIRECTORY   the server's appenddirname
#   REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDISCLI_AUTH   where the server is; not in a verification
#   TLS_AUTHORITY, TLS_CLIENT   a file and a directory with tls.crt and tls.key; empty: no TLS, no certificate of the client's
#
# A recovery point has one member, dump.rdb: what the server sends to a replica. Its facts are of that very stream:
#   keys        all keys in it, also those whose time has run out since
#   expires     those of them that have an expiry
#   databases   the numbered databases that hold a key
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# redis-cli takes the password from REDISCLI_AUTH. It exits 0 when the server answers with an error: answers are looked at.
cli() {
  [ -z "$TLS_CLIENT" ] || set -- --cert "$TLS_CLIENT/tls.crt" --key "$TLS_CLIENT/tls.key" "$@"
  [ -z "$TLS_AUTHORITY" ] || set -- --tls --sni "$REDIS_HOST" --cacert "$TLS_AUTHORITY" "$@"
  ${CLI_TIMEOUT:+timeout "$CLI_TIMEOUT"} "$PROGRAM-cli" -h "$REDIS_HOST" -p "$REDIS_PORT" --user "$REDIS_USERNAME" --no-auth-warning "$@"
}

# Notes the facts of what redis-check-rdb has read.
facts_of_check() { # FILE: its output
  awk '/Selecting DB ID/ { databases++ } / keys read$/ { keys = $2 } / expires$/ { expires = $2 }
    END { print "keys", keys; print "expires", expires + 0; print "databases", databases + 0 }' "$1" >"$SCRATCH/counted"
  while read -r counted number; do fact "$counted" "$number"; done <"$SCRATCH/counted"
}

# The files of a data directory in which a node of a cluster keeps who it is and which slots it has, whatever they are called.
node_files() {
  [ ! -d "$DATA_DIRECTORY" ] || find "$DATA_DIRECTORY" -mindepth 1 -maxdepth 1 -type f -size -2048k -name '*.conf' -exec grep -lE '^[0-9a-f]{40} .*myself' {} +
}

# What a program says, without the names of keys, and what else it quotes.
without_keys() { sed -e "s/'.*'/'...'/" -e 's/".*"/"..."/' -e '/Reading key/d'; }

# ---- a scratch server, reachable through a socket in this container only -------------------------------------------
# It is a replica of nobody: a replica keeps keys whose time has run out until its master drops them, so that everything that
# was dumped can be counted. A master drops such keys while it loads.
scratch() { "$PROGRAM-cli" -s "$SCRATCH/server.socket" "$@"; }

# Leaves in $SCRATCH/server.words what the scratch server complains of. Of the machine it warns every time, and where it ends by a signal,
# the end of its threads and a report of itself come after the reason.
server_words() {
  grep ' # ' "$SCRATCH/server.log" | sed 's/.* # //' | grep -vE '^WARNING |version=|^Server initialized|^Configuration loaded| is starting |^Bio .*thread .* terminated|^Terminating server after|^-+$|^!!! ' |
    without_keys >"$SCRATCH/server.words" || :
  [ -s "$SCRATCH/server.words" ] || without_keys <"$SCRATCH/server.log" >"$SCRATCH/server.words"
}

start_scratch_server() { # DIRECTORY yes|no: whether it reads the append-only files there instead of the dump
  directory=$1 append=$2
  set --
  # What is in a database beyond the last of a server is refused when it is loaded, and how many the original has, nobody is asked.
  # 16384 cost some megabytes.
  # The modules that the image's own start script loads: without them their data types cannot be read.
  for module in /usr/local/lib/redis/modules/*.so; do
    [ ! -x "$module" ] || set -- "$@" --loadmodule "$module"
  done
  "$PROGRAM-server" --port 0 --unixsocket "$SCRATCH/server.socket" --unixsocketperm 700 --daemonize no \
    --dir "$directory" --dbfilename "$DUMP_FILE" --appendonly "$append" --appendfilename "$APPEND_FILE" --appenddirname "$APPEND_DIRECTORY" \
    --databases 16384 --save '' --replicaof 127.0.0.1 1 --enable-debug-command local "$@" >"$SCRATCH/server.log" 2>&1 &
  scratch_server=$!
  trap 'kill -KILL "$scratch_server" 2>/dev/null || :' EXIT
  # It answers with LOADING until everything is there.
  until [ "$(scratch ping 2>/dev/null)" = PONG ]; do
    kill -0 "$scratch_server" 2>/dev/null || {
      wait "$scratch_server" && server_rc=0 || server_rc=$?
      server_words
      die "the scratch server could not load the backup: $(last_words "$SCRATCH/server.words" "$server_rc")"
    }
    sleep 0.1
  done
}

stop_scratch_server() {
  scratch shutdown nosave >/dev/null 2>&1 || :
  wait "$scratch_server" || :
  trap - EXIT
}

count_scratch_server() {
  : >"$SCRATCH/facts"
  scratch info keyspace | tr -d '\r' | awk -F '[:=,]' '/^db[0-9]/ { keys += $3; expires += $5; databases++ }
    END { print "[info] " keys + 0 " keys read"; print "[info] " expires + 0 " expires"; while (databases-- > 0) print "Selecting DB ID" }' >"$SCRATCH/keyspace"
  facts_of_check "$SCRATCH/keyspace"
}

# Compares what the scratch server holds with the recovery point's facts, and leaves a digest of all content in $digest.
check_scratch_server() {
  count_scratch_server
  compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
  digest=$(scratch debug digest)
  case $digest in '' | *[!0-9a-f]*) die "the scratch server did not give the digest of its content: $digest" ;; esac
}

# Assertions see what a restored server would hold: keys whose time has run out are gone.
check_scratch_assertions() {
  scratch replicaof no one >/dev/null
  check_assertions ask
}

ask() { # DATABASE: a command as one types it to redis-cli; the lines that redis-cli --raw answers, joined by spaces
  asked=$(sed 's/;$//' | scratch -e --raw -n "$1") || return 1
  printf '%s' "$asked" | tr '\n' ' '
}
