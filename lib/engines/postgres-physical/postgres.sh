# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment: libpq's (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE ...), and
#   MAINTENANCE_DATABASE   a database to connect to
#
# The members of a recovery point:
#   base.tar          the base backup as one tar: the data directory, backup_manifest, and in pg_wal/ all that makes it consistent
#   backup_manifest   its list of files with checksums, alone
#   server            what a restore has to know: TAB-separated name and value, a line each
# A batch of the archived log has one member, wal.tar: whole segments as they are named, history files, and the segment that
# was being written as <name>.partial.
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# What Debian's images have in /usr/bin is a script of Perl that starts these, and takes six times as long.
case $(command -v psql) in
  /usr/bin/psql) for programs in /usr/lib/postgresql/*/bin; do [ ! -x "$programs/psql" ] || PATH=$programs:$PATH; done ;;
esac
export PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=15 PGAPPNAME="backup $SERIES"
# What others have made must not take the place of what is called here. Longer than any limit for the sessions of applications.
export PGOPTIONS='-c search_path=pg_catalog -c statement_timeout=0 -c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0'

ask() { asking psql psql -XAtq --no-password -v ON_ERROR_STOP=1 -d "$MAINTENANCE_DATABASE" "$@"; } # PSQL-ARGUMENTS...

# How the pod that receives the log calls itself, so that another one that receives it is told apart. A name ends after 63 characters.
receiver() { printf 'backup by %s' "$(printf %s "$POD_NAME" | tail -c 50)"; }

# An archive that is down for long would otherwise fill the server's disk and stop it. Prints what is wrong; nothing where all is well.
# (PostgreSQL's documentation, "max_slot_wal_keep_size": -1 is unlimited, and the default.)
unlimited_slot() {
  limit=$(ask -c "select setting from pg_settings where name = 'max_slot_wal_keep_size'") || return 1
  if [ "$limit" -lt 0 ] || [ "$limit" -gt "$SLOT_LIMIT" ]; then
    echo "max_slot_wal_keep_size is $limit MB on the server (-1: unlimited): if the log archive is down, the server's disk fills up. Run: alter system set max_slot_wal_keep_size = '${SLOT_LIMIT}MB'; select pg_reload_conf(); or raise slotLimit"
  fi
}

server_fact() { sed -n "s/^$1	//p" "$SCRATCH/server"; } # NAME: out of member `server`

# Unlogged tables come up empty after a crash, and so they do from a copy of their server's files: of each there is an empty one beside it.
say_unlogged() { # the paths of these below the data directory on stdin
  sed -n 's|^base/\([0-9][0-9]*\)/[0-9]*_init$|\1|p' | sort -u | tr '\n' ',' >"$SCRATCH/unlogged"
  [ -s "$SCRATCH/unlogged" ] || return 0
  attempt 'asking for the databases with unlogged tables' ask -c "select coalesce(string_agg(quote_ident(datname), ', ' order by datname), 'a database that was dropped') from pg_database where oid in ($(sed 's/,$//' "$SCRATCH/unlogged"))" >"$SCRATCH/unlogged.names"
  caveat "unlogged tables come back empty, as a base backup does not hold their rows; these databases have some: $(cat "$SCRATCH/unlogged.names")"
}

# What is neither file nor directory, such as a link, the server passes over in a base backup, and says so in its own language.
# (PostgreSQL's source, basebackup.c: "skipping special file".)
say_skipped() { # what pg_basebackup said on stdin
  sed -n 's/.*[^[:alnum:]]\(\.\/[^"»«”“]*\).*/\1/p' | sed 's|^\./||' | grep -vE '(^|/)\.s\.PGSQL\.|^(pg_)?log$' | LC_ALL=C sort -u >"$SCRATCH/skipped" || :
  ! grep -qE '^(base|global|pg_[a-z]+)(/|$)' "$SCRATCH/skipped" ||
    refuse "links lead data outside the data directory, which no base backup holds: $(some_of "$SCRATCH/skipped"). Move the data back in place of the link"
  [ ! -s "$SCRATCH/skipped" ] ||
    caveat "links in the data directory are left out, and a restore does not bring them back: $(some_of "$SCRATCH/skipped"). If one is the server's configuration, put it back before you start the server"
}

# What can be counted of a base backup: its files and their bytes, each of which pg_verifybackup compares.
facts_of_manifest() { # FILE
  fact files "$(grep -c '"Path"' "$1")"
  fact bytes "$(sed -n 's/.*"Size": \([0-9]*\).*/\1/p' "$1" | awk '{ sum += $1 } END { printf "%.0f", sum }')"
}
