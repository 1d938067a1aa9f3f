#!/bin/sh
# Copies the files of the running server, with the redo log of the meantime.
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"

attempt 'asking the server for its version' sql 'select version()' >"$SCRATCH/version"
about server "$(cat "$SCRATCH/version")"
about tool "$(run_tool "$tool" --version 2>&1 | grep -i "$tool" | tail -n 1)"

# ---- the right files? ------------------------------------------------------------------------------------------------
directory=$(variable datadir)
[ "$DIALECT" != mariadb ] || [ "${directory%/}" = "$DATA_DIRECTORY" ] ||
  refuse "the server's data directory is $directory, and mariadb-backup expects it at that path; in this pod it is $DATA_DIRECTORY: set dataDirectory: '${directory%/}'"
for name in innodb_data_home_dir innodb_log_group_home_dir innodb_undo_directory aria_log_dir_path; do
  place=$(variable "$name")
  case $place in
    '' | . | ./ | "$directory" | "${directory%/}") ;;
    *) refuse "$name of the server is $place: files outside its data directory are not backed up" ;;
  esac
done
[ -r "$DATA_DIRECTORY/ibdata1" ] ||
  refuse "user $(id -u) of this pod finds no readable ibdata1 in $DATA_DIRECTORY: dataVolume is not the server's volume, lacks a path, or belongs to another user (imageUser)"

binlog_directory=$(variable log_bin_basename)
binlog_directory=${binlog_directory%/*}
[ -z "$binlog_directory" ] || [ "$binlog_directory" = "${directory%/}" ] || about binlogDirectory "$binlog_directory"

# A restored table would find its file of before the restore where this leads.
elsewhere=$(find "$DATA_DIRECTORY" \( -name '*.isl' -o -type l \) ! -path "$DATA_DIRECTORY/mysql/.before-*" 2>/dev/null | head -n 1)
if [ -z "$elsewhere" ] && [ "$DIALECT" = mysql ]; then
  attempt 'asking for files elsewhere' sql "select file_name from information_schema.files where file_name like '/%' limit 1" >"$SCRATCH/elsewhere"
  elsewhere=$(cat "$SCRATCH/elsewhere")
fi
[ -z "$elsewhere" ] || refuse "$elsewhere points outside the data directory (DATA DIRECTORY of a table, or a link): files outside it are not backed up. Move them into it"

# Files of one server with the redo log of another are worth nothing, and the tool would not notice.
number_at() { # FILE OFFSET: eight bytes, the highest first
  od -A n -t u1 -j "$2" -N 8 "$1" | awk '{ for (i = 1; i <= NF; i++) value = value * 256 + $i } END { printf "%.0f\n", value }'
}
checkpoint() {
  checkpoint_row=$(sql "show global status like 'Innodb_lsn_last_checkpoint'") || return 1
  printf '%s\n' "$checkpoint_row" | cut -f 2
}
# Leaves its answer in $same: a server that does not answer is not another one.
same_server() {
  same=yes
  if [ "$DIALECT" = mariadb ]; then
    # Where the redo log of the files begins to count is what the server calls its last checkpoint; it may move while we look.
    before=$(checkpoint) || return 1
    written=$({ number_at "$DATA_DIRECTORY/ib_logfile0" 4096; number_at "$DATA_DIRECTORY/ib_logfile0" 8192; } | sort -n | tail -n 1)
    after=$(checkpoint) || return 1
    [ "$before" -le "$written" ] && [ "$written" -le "$after" ] || same=no
  else
    server_uuid=$(variable server_uuid) || return 1
    [ "$(sed -n 's/^server-uuid=//p' "$DATA_DIRECTORY/auto.cnf")" = "$server_uuid" ] || same=no
  fi
}
tries=0
while :; do
  same_server
  [ "$same" = no ] || break
  tries=$((tries + 1))
  [ "$tries" -lt 10 ] || refuse "the files in $DATA_DIRECTORY are not those of the server at $SERVER_HOST: dataVolume must be the volume of the same server that host names"
  sleep 0.5
done

# ---- can they be restored? -------------------------------------------------------------------------------------------
if [ "$DIALECT" = mariadb ]; then
  encrypted="select count(*) from information_schema.innodb_tablespaces_encryption where encryption_scheme <> 0"
else
  encrypted="select count(*) from information_schema.innodb_tablespaces where encryption = 'Y'"
fi
attempt 'asking for encrypted tables' sql "$encrypted" >"$SCRATCH/encrypted"
[ "$(cat "$SCRATCH/encrypted")" = 0 ] || refuse "$(cat "$SCRATCH/encrypted") tablespaces are encrypted by the server, and no verification has their key. Back them up logically (Engine.mysql or Engine.mariadb)"
# The account may see no table: it is the files that are counted.
tables=$(find "$DATA_DIRECTORY" -mindepth 2 -maxdepth 2 \( -name '*.frm' -o -name '*.ibd' \) ! -path "$DATA_DIRECTORY/mysql/*" ! -path "$DATA_DIRECTORY/sys/*" ! -path "$DATA_DIRECTORY/.*" 2>/dev/null | wc -l | tr -d ' ')
[ "$tables" != 0 ] || [ "$ALLOW_EMPTY" = yes ] || refuse 'the server holds no table: an empty backup is rarely intended; if this one is, set allowEmpty'

sql "show global variables where variable_name in ('character_set_server', 'collation_server', 'innodb_data_file_path',
  'innodb_checksum_algorithm', 'innodb_page_size', 'innodb_undo_tablespaces', 'lower_case_table_names',
  'default_storage_engine', 'explicit_defaults_for_timestamp', 'innodb_default_row_format', 'innodb_strict_mode', 'old_mode',
  'innodb_file_per_table', 'innodb_autoinc_lock_mode', 'innodb_compression_default',
  'ft_min_word_len', 'ft_max_word_len', 'ft_stopword_file', 'innodb_ft_min_token_size', 'innodb_ft_max_token_size',
  'innodb_ft_enable_stopword', 'innodb_ft_server_stopword_table', 'ngram_token_size',
  'group_concat_max_len', 'div_precision_increment', 'default_week_format', 'max_sort_length', 'max_recursive_iterations',
  'system_versioning_alter_history', 'system_versioning_insert_history')
  and value <> '' and value not like '/%' and value not like '(%'" >"$SCRATCH/variables"
{ echo '[server]'; sed 's/^\([^	]*\)	\(.*\)$/loose-\1=\2/' "$SCRATCH/variables"; } >"$SCRATCH/server.new"
put server.cnf cat "$SCRATCH/server.new"

say_left_out

# ---- the copy -------------------------------------------------------------------------------------------------------
put "$stream" sh "$BACKUP_HOME/engine/dump-stream.sh"
sed -n -e 's/.*(from LSN \([0-9]*\) to \([0-9]*\)) was copied.*/\1 \2/p' -e 's/.*log of lsn (\([0-9]*\)) to (\([0-9]*\)) was copied.*/\1 \2/p' "$SCRATCH/tool.log" >"$SCRATCH/redo"
read -r redo_from redo_to <"$SCRATCH/redo" || refuse "$tool did not report which redo log it copied"
fact lsn "$redo_to"
about logBytes $((redo_to - redo_from))
if [ "$DIALECT" = mariadb ]; then
  # `#` begins what a statement has not finished.
  sed -n 's|.*Streaming \./\([^/]*\)/[^/#]*\.frm to .*|\1|p' "$SCRATCH/tool.log" | LC_ALL=C sort | uniq -c >"$SCRATCH/definitions"
  while read -r number directory; do fact "definitions/$directory" "$number"; done <"$SCRATCH/definitions"
else
  fact tablespaces "$(grep -cE 'Streaming \./[^/]*/[^/]*\.ibd' "$SCRATCH/tool.log")"
fi
about binlog "$(sed -n "s/.*binlog position: \(filename .*\)/\1/p" "$SCRATCH/tool.log" | tail -n 1)"

# A file is known again by its birth; where the log is not among the data, the server is asked for its beginning.
log_bin=$(variable log_bin)
if [ "$DIALECT" = mariadb ] && [ "$log_bin" = ON ]; then
  # shellcheck source=lib/engines/mysql-physical/log.sh
  . "$BACKUP_HOME/engine/log.sh"
  note_log_settings
  sed -n "s/.*binlog position: filename '\([^']*\)', position '\([0-9]*\)'.*/\1 \2/p" "$SCRATCH/tool.log" | tail -n 1 >"$SCRATCH/position"
  read -r file position <"$SCRATCH/position" || refuse 'mariadb-backup did not report the position in the binary log, although log_bin is on'
  born=
  if [ -r "$DATA_DIRECTORY/$file" ]; then
    born=$(birth "$DATA_DIRECTORY/$file")
  else
    born=$(remote_birth "$file" 2>/dev/null) || log "WARNING: the binary log is not in the data directory, and the account is not allowed to read it (REPLICATION SLAVE): no log can be replayed onto this recovery point"
    rm -f "$SCRATCH/outcome/reason"
  fi
  if [ -n "$born" ]; then
    echo "$file $position $born" >"$SCRATCH/binlog"
    put binlog cat "$SCRATCH/binlog"
  fi
fi
