#!/bin/sh
# Starts a server on a volume of another one, where it recovers as after a crash, and checks it.
#
# environment, beside physical.sh's:
#   DATA_DIRECTORY   the data directory; it may be written, and is thrown away
set -eu
unset SERVER_HOST || :
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"
data=$DATA_DIRECTORY

# ---- whose files are they? ------------------------------------------------------------------------------------------
[ -f "$data/ibdata1" ] ||
  refuse "there is no file ibdata1, so this is not a data directory of $DIALECT; it holds: $(held_names 10). If the data is in a directory of the volume, set path to it"
if [ -e "$data/mysql.ibd" ]; then held=mysql; else held=mariadb; fi
[ "$held" = "$DIALECT" ] || refuse "the data directory is from $held, but the engine is for $DIALECT: write Engine.${held}Physical"
# Not every server has noted its version: the images write it when they have made or upgraded a data directory.
noted=$(cat "$data"/m*_upgrade_info "$data/mysql_upgrade_history" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | sort -t . -k 1,1n -k 2,2n | tail -n 1) || :
image=$("$server" --version | sed 's/.*Ver \([0-9]*\.[0-9]*\).*/\1/')
[ -z "$noted" ] || [ "${noted%.*}" = "$image" ] ||
  refuse "the data directory is from $DIALECT $noted, but the image holds $DIALECT $image: set version to the server's"
[ "$DIALECT" != mariadb ] || [ -e "$data/ib_logfile0" ] ||
  refuse 'there is no ib_logfile0: the redo log is on another volume, and without it the files are not consistent'
[ "$DIALECT" != mysql ] || [ -d "$data/#innodb_redo" ] || [ -e "$data/ib_logfile0" ] ||
  refuse 'there is neither #innodb_redo nor ib_logfile0: the redo log is on another volume, and without it the files are not consistent'
[ "$DIALECT" != mysql ] || [ -e "$data/undo_001" ] ||
  refuse 'there is no undo_001: the undo log is on another volume, and without it uncommitted changes cannot be rolled back'
elsewhere=$(find "$data" '(' -name '*.isl' -o -type l ! -exec test -e {} ';' ')' -print | head -n 1)
[ -z "$elsewhere" ] ||
  refuse "the server has tables on other volumes, which this snapshot does not hold: ${elsewhere##*/} leads to $(if [ -L "$elsewhere" ]; then readlink "$elsewhere"; else cat "$elsewhere"; fi)"

# What was prepared in the tables is finished or undone by what the binary log says of it. Its index may name where production has it.
index=$(find "$data" -maxdepth 1 -name '*.index' ! -name '*relay*' | head -n 1)
if [ -n "$index" ]; then
  scratch_log=--log-bin=${index##*/}
  scratch_log=${scratch_log%.index}
  sed 's|.*/|./|' "$index" >"$SCRATCH/index"
  cat "$SCRATCH/index" >"$index"
fi

# What production has persisted for itself (memory, plugins, statements for every connection) is not for this server.
rm -f "$data/mysqld-auto.cnf"

# ---- does it come up? -----------------------------------------------------------------------------------------------
trap kill_scratch_server EXIT
# Settings without which a server cannot read these files; what it says of them is the only place where they are noted.
sizes='' case_of_names=''
settings() {
  echo '[server]'
  # What is damaged is to be seen, not mended.
  printf 'loose-myisam-recover-options=OFF\nloose-aria-recover-options=OFF\nskip-slave-start\n'
  [ -z "$sizes" ] || echo "innodb-page-size=$sizes"
  [ -z "$case_of_names" ] || echo "lower-case-table-names=$case_of_names"
}
learn() {
  learned=$sizes:$case_of_names
  sizes=$(sed -n 's/.*uses page size \([0-9]*\), but.*/\1/p' "$SCRATCH/server.log" | head -n 1)
  case_of_names=$(sed -n "s/.*lower_case_table_names settings for server .* and data dictionary ('\([0-9]\)').*/\1/p" "$SCRATCH/server.log" | head -n 1)
  [ "$sizes:$case_of_names" != "$learned" ]
}
restore_started=$(date +%s)
while :; do
  settings >"$SCRATCH/server.cnf"
  ! launch_scratch_server "$data" || break
  learn || not_started
done
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log "$(grep -iE 'crash recovery|after a crash|rolled back' "$SCRATCH/server.log" | sed 's/.*\[Note\] //' | tr '\n' ';')"

check_scratch_server
attempt 'counting the tables' scratch_sql -e "select table_schema, count(*) from information_schema.tables
  where table_type <> 'VIEW' and table_schema not in ('information_schema', 'performance_schema', 'mysql', 'sys') group by table_schema order by 1" >"$SCRATCH/counted"
[ -s "$SCRATCH/counted" ] || [ "$ALLOW_EMPTY" = yes ] || die 'the server holds no table of a user (if that is right, set allowEmpty)'
log "tables: $(tr '\t\n' ' ,' <"$SCRATCH/counted" | sed -e 's/,$//' -e 's/,/, /g')"

# Asked last: an assertion is the user's own statement, and may do anything to this server.
check_assertions ask
