# shellcheck shell=sh disable=SC2034 # agent.sh reads the reasons
# Has Redis or Valkey write its dump file anew, in the background. Nothing is held. Sourced by agent.sh.
#
# environment, beside the agent's:
#   PROGRAM      redis or valkey: what the image's programs are called, before -cli
#   REDIS_PORT, REDIS_USERNAME, REDISCLI_AUTH   the server, in this pod; without a username nobody is asked for
#   TLS_AUTHORITY, TLS_CLIENT   a file and a directory with tls.crt and tls.key; empty: no TLS, no certificate of the client's

# redis-cli exits with 0 when the server answers with an error: answers are looked at.
cli() {
  [ -z "$TLS_CLIENT" ] || set -- --cert "$TLS_CLIENT/tls.crt" --key "$TLS_CLIENT/tls.key" "$@"
  [ -z "$TLS_AUTHORITY" ] || set -- --tls --cacert "$TLS_AUTHORITY" "$@"
  [ -z "${REDIS_USERNAME:-}" ] || set -- --user "$REDIS_USERNAME" --no-auth-warning "$@"
  timeout 5 "$PROGRAM-cli" -h 127.0.0.1 -p "$REDIS_PORT" "$@" 2>&1 | tr -d '\r'
}

persistence() { printf '%s\n' "$saving" | sed -n "s/^$1://p"; } # FIELD, of the last answer

lock_take() {
  end=$(($(now) + QUIESCE_WAIT))
  asked=$(cli time | head -n 1)
  case $asked in '' | *[!0-9]*) reason="the server did not give its time: $asked"; return 1 ;; esac
  # A dump that was begun before is of an earlier time, and two cannot be written at once: ours comes after it.
  until said=$(cli bgsave) && [ "$said" = 'Background saving started' ]; do
    case $said in *'in progress'* | *'child process is active'*) ;; *) reason="the server does not save: $said"; return 1 ;; esac
    [ "$(now)" -lt "$end" ] || { reason="another dump was being written for $QUIESCE_WAIT s: raise wait"; return 1; }
    sleep 0.5
  done
  while saving=$(cli info persistence) && [ "$(persistence rdb_bgsave_in_progress)" != 0 ]; do
    [ "$(now)" -lt "$end" ] || { reason="the dump was not written within $QUIESCE_WAIT s: raise wait"; return 1; }
    sleep 0.2
  done
  if [ "$(persistence rdb_last_bgsave_status)" = ok ] && [ "$(persistence rdb_last_save_time)" -ge "$asked" ]; then return 0; fi
  reason='the server could not write its dump: its log says why (such as a full disk, or too little memory)'
  return 1
}

lock_release() { :; }
lock_recover() { :; }
