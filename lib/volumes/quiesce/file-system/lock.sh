# shellcheck shell=sh disable=SC2034 # agent.sh reads the reasons
# Freezes the file system of a volume. It stays frozen when this process is gone, so a mark of our own tells the next one what to thaw.
# Sourced by agent.sh.
#
# environment, beside the agent's:
#   VOLUME   where the volume is mounted
device_of() { stat -c %d "$1"; } # PATH
mounts() { cat /proc/self/mountinfo; }

# Which directory of its file system is mounted there: / where it is the whole of it. (Linux manual, "proc_pid_mountinfo(5)".)
root_of() { mounts | awk -v path="$1" '$5 == path { root = $4 } END { print root }'; } # PATH

lock_take() {
  # What the kubelet gives to every container is on the node's own disk.
  if [ "$(device_of "$VOLUME")" = "$(device_of "$QUIESCE_STATE")" ] || [ "$(device_of "$VOLUME")" = "$(device_of /etc/hosts)" ]; then
    reason="the volume is not a file system of its own but a directory on the node's disk, which must not be frozen"
    return 1
  fi
  volume_root=$(root_of "$VOLUME")
  if [ "$volume_root" != / ]; then
    reason="the volume is not a file system of its own but a directory of one (${volume_root:-the node does not say which}): everything else on that disk would be frozen too"
    return 1
  fi
  : >frozen
  # It writes out first what is in memory, which no signal ends at once: what comes too late is thawed.
  timeout "$QUIESCE_WAIT" fsfreeze --freeze "$VOLUME" 2>fsfreeze.err && return 0 || rc=$?
  reason="it could not be frozen$(last_line fsfreeze.err)"
  case $reason in *[Bb]usy*) reason="somebody else has frozen it$(last_line fsfreeze.err)"; rm -f frozen; return 1 ;; esac
  [ "$rc" != 124 ] || reason="data in memory was not written to disk within $QUIESCE_WAIT s: raise wait"
  fsfreeze --unfreeze "$VOLUME" 2>/dev/null
  rm -f frozen
  return 1
}

lock_release() {
  if fsfreeze --unfreeze "$VOLUME" 2>fsfreeze.err; then
    rm -f frozen
    return 0
  fi
  reason="it could not be thawed$(last_line fsfreeze.err)"
  case $reason in *[Ii]nvalid*) reason="somebody else had thawed it$(last_line fsfreeze.err)"; rm -f frozen; return 1 ;; esac
  return 2
}

lock_recover() {
  [ -e frozen ] || return 0
  lock_release || [ "$?" != 2 ]
}
