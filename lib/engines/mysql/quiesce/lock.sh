# shellcheck shell=sh disable=SC2034 # agent.sh reads the reasons
# Holds MariaDB or MySQL still by one session. Sourced by agent.sh.
#
# environment, beside the agent's:
#   DIALECT         mariadb or mysql
#   LOCK            stage: MariaDB's BACKUP STAGE BLOCK_COMMIT. instance: MySQL's LOCK INSTANCE FOR BACKUP. tables: FLUSH TABLES WITH READ LOCK
#   LONGEST_QUERY   with `tables`: seconds; where a statement has been running for longer, no lock is tried
#   SERVER_PORT, SERVER_USER, SERVER_PASSWORD   the server, in this pod
#   TLS, TLS_CA     disabled, encrypted or verified, with a file; empty: what the client does by itself, whatever certificate the server has
case $LOCK in
  stage) lock_sql='backup stage start; backup stage block_commit' unlock_sql='backup stage end' ;;
  instance) lock_sql='lock instance for backup' unlock_sql='unlock instance' ;;
  tables) lock_sql='flush tables with read lock' unlock_sql='unlock tables' ;;
esac

option() { printf '%s="%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"; } # NAME VALUE

# The credentials are in a file, as an argument would be seen by everybody on the node.
client() {
  {
    printf '[client]\nprotocol=TCP\nhost=127.0.0.1\n'
    option port "$SERVER_PORT"
    option user "$SERVER_USER"
    option password "$SERVER_PASSWORD"
    case $DIALECT:$TLS in
      mariadb:) echo 'skip-ssl-verify-server-cert' ;;
      mariadb:disabled) echo 'skip-ssl' ;;
      mariadb:encrypted) printf 'ssl\nskip-ssl-verify-server-cert\n' ;;
      mariadb:verified) printf 'ssl\nssl-verify-server-cert\nssl-ca=%s\n' "$TLS_CA" ;;
      mysql:disabled) echo 'ssl-mode=DISABLED' ;;
      mysql:encrypted) echo 'ssl-mode=REQUIRED' ;;
      mysql:verified) printf 'ssl-mode=VERIFY_IDENTITY\nssl-ca=%s\n' "$TLS_CA" ;;
    esac
  } >client.cnf
  exec "$DIALECT" --defaults-file=client.cnf --batch --skip-column-names --unbuffered --skip-reconnect
}

# FLUSH TABLES waits for the statements that are running, and everybody who comes after waits for it.
no_long_query() {
  session_say "select 'LONGEST', count(*), ifnull(max(time), 0) from performance_schema.processlist
    where command in ('Query', 'Execute') and time >= $LONGEST_QUERY and id <> connection_id();"
  session_expect LONGEST "$QUIESCE_WAIT" || return 1
  [ "${answer:?}" != '0	0' ] || return 0
  reason="${answer%%	*} statements have been running for up to ${answer##*	} s, and everything would wait behind them: end them, or raise longestQuery"
  return 1
}

# Tables of Aria and MyISAM are closed, and what they are is with the kernel: a snapshot of the disk has only what was written to it.
# Nobody waits for longer for a disk that does not answer, though nothing can end a process that does.
on_disk() { # SECONDS
  (
    exec 3>&- 4>&- 5>&-
    sync && printf 'SYNCED-%s\n' "${sessions:?}" 1<>session.out
  ) 2>/dev/null &
  session_expect "SYNCED-$sessions" "$1" && return 0
  case $reason in 'no answer'*) reason="the node's disks did not take what was written within $1 s: raise wait, or look for a disk that is slow or gone" ;; esac
  return 1
}

lock_take() {
  lock_asked=$(date +%s)
  session_start client
  if [ "$LOCK" = tables ] && ! no_long_query; then session_end; return 1; fi
  # The server lets go of a session that is idle for longer, so that it goes on even when nothing in this container does.
  session_say "set session wait_timeout = $((QUIESCE_LIMIT + 5)), lock_wait_timeout = $((QUIESCE_WAIT > 1 ? QUIESCE_WAIT - 1 : 1));"
  session_say "$lock_sql;"
  session_say "select 'LOCKED', connection_id();"
  session_expect LOCKED "$QUIESCE_WAIT" || { session_end; return 1; }
  connection=$answer
  lock_left=$((QUIESCE_WAIT - ($(date +%s) - lock_asked)))
  on_disk "$((lock_left > 1 ? lock_left : 1))" || { session_end; return 1; }
}

lock_release() {
  session_say "select 'HELD', connection_id();"
  session_say "$unlock_sql;"
  session_say "select 'RELEASED', connection_id();"
  reason='another session answered'
  session_expect HELD 5 && [ "$answer" = "$connection" ] && session_expect RELEASED 5 && rc=0 reason='' || rc=1
  session_end
  return "$rc"
}

# A session dies with the agent, and its lock with it.
lock_recover() { :; }
