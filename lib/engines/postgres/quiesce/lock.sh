# shellcheck shell=sh disable=SC2034 # agent.sh reads the reasons
# Writes what PostgreSQL has in memory to its files, by a checkpoint. Nothing is held. Sourced by agent.sh.
#
# environment, beside the agent's: libpq's, of the server in this pod
export PGAPPNAME=quiesce PGCONNECT_TIMEOUT="$QUIESCE_WAIT"
# What is given when connecting goes before what is set on the role or the database.
export PGOPTIONS='-c search_path=pg_catalog -c statement_timeout=0'

lock_take() {
  timeout "$QUIESCE_WAIT" psql -XAtq --no-password -v ON_ERROR_STOP=1 -c checkpoint 2>psql.err && return 0 || rc=$?
  reason="the server did not make a checkpoint$(last_line psql.err)"
  # The server goes on with a checkpoint that nobody waits for, which does no harm.
  [ "$rc" != 124 ] || reason="the checkpoint took longer than $QUIESCE_WAIT s: raise wait"
  return 1
}

lock_release() { :; }
lock_recover() { :; }
