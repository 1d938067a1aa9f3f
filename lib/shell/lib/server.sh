# shellcheck shell=sh
# Whether the server answers, and whether one runs that must not. lib.sh sources it.

# The engine's `ready` ends with 0 when the server answers as it should; with 78 when it answers, and no wait can mend what it says: it
# refuses these credentials, or this way of connecting. Each try may bring an account nearer to its lock, so there is no other.
wait_until_ready() {
  begin_wait "the $ENGINE server" "$READY_TIMEOUT"
  while :; do
    engine ready 2>"$SCRATCH/ready.err" && return 0 || ready_rc=$?
    ready_words=$(last_words "$SCRATCH/ready.err" "$ready_rc")
    [ "$ready_rc" != 78 ] ||
      refuse "the $ENGINE server refuses this job, and no waiting or retrying will help: $ready_words. Check the credentials in the Secret, and the rights that the server gives them"
    may_wait "$ready_words" || die "the $ENGINE server was not ready within $READY_TIMEOUT s: $ready_words"
    sleep 2
  done
}

# Files that a running server has open must not be replaced under it. The engine's script `running` tells: exit 0 when something
# answers at the server's address, whatever it says, or has the files open; 1 when nobody does; 2 when that cannot be told. It says
# on stderr what it saw.
#
# environment: SERVER_IS_DOWN   `yes`: somebody has made sure of what cannot be told from here
refuse_running_server() {
  running_rc=0 running_said=
  if [ -e "$BACKUP_HOME/engine/running.sh" ]; then
    running_said=$(engine running 2>&1) || running_rc=$?
  else
    # What such an engine's server does not do when asked is taken for a sign that it is stopped.
    engine ready 2>/dev/null || { [ $? = 78 ] || running_rc=1; }
  fi
  running_said=$(printf '%s' "$running_said" | tr '\n\t' '  ')
  case $running_rc:${SERVER_IS_DOWN:-no} in
    0:*) refuse "the $ENGINE server is running: scale it to zero first; nothing was changed${running_said:+ ($running_said)}" ;;
    1:*) ;;
    *:yes) log "WARNING: it is not known whether the $ENGINE server is running ($running_said); the request says that it is down" ;;
    *) refuse "it is not known whether the $ENGINE server is running: $running_said. Nothing was changed. Make sure that no pod uses its volume, then set serverIsDown to yes in ConfigMap $REQUEST_NAME" ;;
  esac
  [ "$SAFETY_BACKUP" != yes ] ||
    refuse 'a safety backup needs the server running, and this restore needs it stopped: set safetyBackup to no. The old data directory is put aside, not deleted'
}

# What a connection that failed says of the server, for the engine's `running`: exit 1 when nobody listens there, or the name leads
# nowhere, as that of a headless Service does when its pods are scaled to zero; 2 when nothing came back, or no word of a server's; 0
# otherwise: whoever refuses a login is there. Lines that begin with a blank are hints.
connection_tells() { # TEXT
  printf '%s\n' "$1" | grep -v '^[[:space:]]' | grep . >"$SCRATCH/connection" || return 2
  tail -n 1 "$SCRATCH/connection" >&2
  nowhere='connection refused|name or service not known|no address associated with hostname|name does not resolve|name has no usable address|no such host'
  silence='timed out|time-?out|no route to host|unreachable|temporary failure in name resolution|try again|closed the connection|connection reset|connection closed|lost connection|not permitted'
  if ! grep -qivE "$nowhere" "$SCRATCH/connection"; then return 1; fi
  if grep -ivE "$nowhere" "$SCRATCH/connection" | grep -qivE "$silence"; then return 0; fi
  return 2
}
