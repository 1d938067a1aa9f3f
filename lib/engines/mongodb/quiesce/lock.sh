# shellcheck shell=sh disable=SC2034 # agent.sh reads the reasons
# Holds a member of a MongoDB replica set still by fsyncLock. The lock is the server's and outlives every session: a file `locked` says that it may
# be ours. One session is kept for it all the same, as a locked server may let nobody in. Sourced by agent.sh.
#
# environment, beside the agent's:
#   MONGODB_PORT, MONGODB_USERNAME, MONGODB_PASSWORD, AUTHENTICATION_DATABASE   the server in this pod, and who asks it
#   REPLICA_SET   the name of its replica set; empty: it is a member of none
#   ONLY_MEMBER   yes: it may be locked although it is its set's primary, or a server of its own
#   MONGODB_TLS   yes: TLS; MONGODB_TLS_CA: a file with the authorities to trust, or empty for the image's

# Every byte: what is encoded needs no list of what must be.
encode() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'; }

# The connection string holds the password: it goes into the environment, never into arguments.
mongosh_script() { # NAME
  tls=
  # The name in a certificate is hardly that of this pod's own loopback.
  [ "$MONGODB_TLS" != yes ] || tls="&tls=true&tlsAllowInvalidHostnames=true${MONGODB_TLS_CA:+&tlsCAFile=$(encode "$MONGODB_TLS_CA")}"
  MONGODB_URI="mongodb://$(encode "$MONGODB_USERNAME"):$(encode "$MONGODB_PASSWORD")@127.0.0.1:$MONGODB_PORT/?authSource=$(encode "$AUTHENTICATION_DATABASE")&directConnection=true&connectTimeoutMS=5000&serverSelectionTimeoutMS=5000$tls"
  export MONGODB_URI
  # It keeps a log of every run, for which there is little room.
  rm -rf "$HOME/.mongodb"
  exec mongosh --nodb --quiet --norc "$QUIESCE_HOME/lock/$1.js"
}

lock_take() {
  session_start mongosh_script hold
  session_expect LOCKED "$QUIESCE_WAIT" && return 0
  session_end
  return 1
}

lock_release() {
  session_say release
  if session_expect RELEASED 5; then
    session_end
    return 0
  fi
  why=$reason
  session_end
  lock_recover || return 2
  reason=$why
  return 1
}

lock_recover() {
  [ -e locked ] || return 0
  session_start mongosh_script unlock
  session_expect UNLOCKED 10 && rc=0 || rc=1
  session_end
  [ "$rc" = 1 ] || rm -f locked
  return "$rc"
}
