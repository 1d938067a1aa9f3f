# shellcheck shell=sh
# How a restored database takes another's place. mysql.sh is sourced before.
#
# No statement renames a database, and only tables can be moved between databases. So
#   - all tables change places in one RENAME TABLE, which happens as a whole or not at all;
#   - triggers, views, routines and events do not move: those of the target are dropped just before it, and made again right
#     after it, from the recovery point in the target and as they were in the database that keeps what was there before.
# Between the two, for a fraction of a second, the target has no triggers: what an application writes then is stored without
# them. When anything fails, everything is put back. Should this pod be lost at that very moment, what it had dropped can be
# read in the tables restore_before_triggers and restore_before_views of the database that keeps what was there before.

# How many tables and sequences are there; 0 when there is no such database.
tables_of() { # DATABASE
  sql information_schema -e "select count(*) from tables where $(same table_schema "$1") and table_type <> 'VIEW'"
}

# FROM a TO b, ...: of all tables of a database
moves() { # FROM TO
  moves_but=
  [ "$1" != "$OLD" ] || moves_but=" and table_name not in ('restore_before_triggers', 'restore_before_views')"
  sql information_schema -e "select concat($(literal "$(ident "$1")."), $(ident_of table_name), ' to ', $(literal "$(ident "$2")."), $(ident_of table_name))
    from tables where $(same table_schema "$1") and table_type <> 'VIEW'$moves_but"
}

move() { # FROM TO [FROM TO]: in one statement
  move_list=$(
    moves "$1" "$2" || exit 1
    [ -z "${3:-}" ] || moves "$3" "$4" || exit 1
  ) || return 1
  [ -n "$move_list" ] || return 0
  printf 'rename table %s;\n' "$(printf '%s\n' "$move_list" | paste -s -d , -)" | sql information_schema
}

drop_all() { # DATABASE KIND...: its triggers, views, routines or events
  drop_from=$1
  shift
  for kind in "$@"; do
    case $kind in
      triggers) drop_query="select 'trigger', trigger_name from triggers where $(same trigger_schema "$drop_from")" ;;
      views) drop_query="select 'view', table_name from views where $(same table_schema "$drop_from")" ;;
      routines) drop_query="select routine_type, routine_name from routines where $(same routine_schema "$drop_from")
        order by routine_type = 'PACKAGE'" ;; # a package goes after its body
      events) drop_query="select 'event', event_name from events where $(same event_schema "$drop_from")" ;;
    esac
    sql information_schema -e "$drop_query" >"$SCRATCH/drop" || return 1
    while IFS='	' read -r drop_kind drop_name; do
      printf 'drop %s %s.%s;\n' "$drop_kind" "$(ident "$drop_from")" "$(ident "$drop_name")"
    done <"$SCRATCH/drop" | sql information_schema || return 1
  done
}

# MariaDB keeps the name of the database in defaults that ask a sequence.
sequences_follow() { # DATABASE FROM: defaults of DATABASE that mean sequences of FROM mean its own
  [ "$DIALECT" = mariadb ] || return 0
  sequences_of=$(literal "$(ident "$2").")
  sql information_schema >"$SCRATCH/defaults.sql" <<SQL || return 1
select concat('alter table ', $(literal "$(ident "$1")."), $(ident_of table_name), ' alter column ', $(ident_of column_name), ' set default ',
  replace(column_default, $sequences_of, $(literal "$(ident "$1").")), ';')
from columns where $(same table_schema "$1") and instr(column_default, concat('val(', $sequences_of));
SQL
  sql information_schema <"$SCRATCH/defaults.sql"
}

# What the target had, as it was dumped from it; `all` stops at the first error, `rest` makes what is missing.
old_parts() { # all|rest DATABASE PART...
  old_force=
  [ "$1" != rest ] || old_force=--force
  old_into=$2
  shift 2
  for old_part in "$@"; do
    [ -e "$SCRATCH/old.$old_part" ] || continue
    # shellcheck disable=SC2086 # one option or none
    run_dump "$old_into" $old_force <"$SCRATCH/old.$old_part" || [ -n "$old_force" ] || return 1
  done
}

# Puts back whatever of a swap was done, the last first.
swap_back() {
  log "putting \"$swap_target\" back as it was"
  if [ "$swap_done" = moved ]; then
    drop_all "$swap_target" triggers events views routines &&
      { [ -z "$OLD" ] || drop_all "$OLD" triggers events views routines; } &&
      if [ -n "$OLD" ]; then move "$swap_target" "$swap_from" "$OLD" "$swap_target"; else move "$swap_target" "$swap_from"; fi &&
      { [ -z "$OLD" ] || sequences_follow "$swap_target" "$OLD"; } || return 1
  fi
  [ -n "$swap_new" ] || sql information_schema -e "alter database $(ident "$swap_target") $swap_charset" || return 1
  if [ -n "$OLD" ]; then
    if [ "$swap_done" = moved ]; then set -- routines triggers views events; else set -- triggers; fi
    old_parts rest "$swap_target" "$@" 2>"$SCRATCH/back.err"
    [ "$(objects_of "$swap_target" x)" = "$swap_objects" ] || return 1
    sql information_schema -e "drop database $(ident "$OLD")"
  elif [ -n "$swap_new" ]; then
    sql information_schema -e "drop database $(ident "$swap_target")"
  fi
}

swap_failed() { # WHAT
  swap_reason=$(last_words "$SCRATCH/swap.err" 1)
  # What died within says more, and less: not what became of the target.
  [ ! -s "$SCRATCH/outcome/reason" ] || { swap_reason=$(cat "$SCRATCH/outcome/reason") && rm "$SCRATCH/outcome/reason"; }
  cat "$SCRATCH/swap.err" >&2
  if swap_back; then die "$1, and \"$swap_target\" is as it was: $swap_reason"; fi
  die "$1, and not everything could be put back: what \"$swap_target\" held is in it and in \"$OLD\" (see its tables restore_before_triggers and restore_before_views); nothing was deleted: $swap_reason"
}

# Gives the tables of FROM, and the rest of the recovery point, to TARGET. OLD is then where its old content is, or empty.
swap() { # SLUG NAME FROM TARGET
  swap_slug=$1 swap_name=$2 swap_from=$3 swap_target=$4
  OLD='' swap_new='' swap_done=''
  rm -f "$SCRATCH"/old.*
  if [ "$(sql information_schema -e "select count(*) from schemata where $(same schema_name "$swap_target")")" = 0 ]; then
    attempt "making database $swap_target" make_database "$swap_slug" "$swap_target"
    swap_new=yes
  fi
  swap_charset=$(sql information_schema -e "select concat('character set ', default_character_set_name, ' collate ', default_collation_name) from schemata where $(same schema_name "$swap_target")")
  swap_objects=$(objects_of "$swap_target" x) || die "the target \"$swap_target\" cannot be looked into"
  if [ -z "$swap_new" ] && [ -n "$swap_objects" ]; then
    # Within the 64 characters of a name.
    swap_old=$(printf %s "$swap_target" | awk '{ print length($0) <= 42 ? $0 : substr($0, 1, 42) }')_before_$(date -u +%Y%m%d%H%M%S)
    for part in routines triggers views events; do
      # shellcheck disable=SC2154 # mysql.sh sets here
      attempt "reading the $part of \"$swap_target\"" env FACTS=/dev/null BINLOG_POSITION=no sh "$here/dump-database.sh" "$part" "$swap_target" >"$SCRATCH/old.$part"
    done
    # What needs no table is there already; and the events do nothing by themselves.
    sed 's/^\(\/\*!50106 CREATE\*\/.* ON COMPLETION \(NOT \)\{0,1\}PRESERVE \)ENABLE /\1DISABLE /' "$SCRATCH/old.events" >"$SCRATCH/old.disabled"
    {
      sql information_schema -e "
      create database $(ident "$swap_old") $swap_charset;
      create table $(ident "$swap_old").restore_before_triggers (n int auto_increment primary key) as select * from triggers where $(same trigger_schema "$swap_target");
      create table $(ident "$swap_old").restore_before_views (n int auto_increment primary key) as select * from views where $(same table_schema "$swap_target")" &&
        old_parts all "$swap_old" routines disabled
    } 2>"$SCRATCH/swap.err" || {
      sql information_schema -e "drop database if exists $(ident "$swap_old")" || :
      die "what \"$swap_target\" holds could not be made ready to be kept, and nothing was changed: $(last_words "$SCRATCH/swap.err" 1)"
    }
    OLD=$swap_old
  fi

  # What has begun is finished, or put back; a moment later the pod may end. (Ignored by the programs called here, too.)
  trap '' TERM INT
  : >"$SCRATCH/swap.err"
  {
    drop_all "$swap_from" triggers views &&
      if [ -n "$OLD" ]; then
        drop_all "$swap_target" triggers && move "$swap_target" "$OLD" "$swap_from" "$swap_target"
      else
        move "$swap_from" "$swap_target"
      fi
  } 2>"$SCRATCH/swap.err" || swap_failed "the tables of \"$swap_target\" could not change places"
  swap_done=moved
  {
    sequences_follow "$swap_target" "$swap_from" &&
      sql information_schema -e "alter database $(ident "$swap_target") character set $(property "$swap_slug" charset) collate $(property "$swap_slug" collation)" &&
      drop_all "$swap_target" events views routines &&
      # In a shell of its own: what dies in there has to be put back.
      (for part in triggers routines views events; do
        [ "$part" != views ] || grant_accounts early
        load "$swap_slug" "$part" "$swap_target"
      done) &&
      objects_of "$swap_target" "$swap_name" >"$SCRATCH/facts.swapped" &&
      (facts_about "$swap_name" <"$SCRATCH/facts.wanted" | grep -v '^"rows/' >"$SCRATCH/facts.objects"
        compare_facts "$SCRATCH/facts.objects" "$SCRATCH/facts.swapped")
  } 2>"$SCRATCH/swap.err" || swap_failed "not everything of \"$swap_target\" could be made again"
  if [ -n "$OLD" ]; then
    if { sequences_follow "$OLD" "$swap_target" && old_parts all "$OLD" triggers views; } 2>"$SCRATCH/swap.err"; then
      sql information_schema -e "drop table $(ident "$OLD").restore_before_triggers, $(ident "$OLD").restore_before_views"
    else
      log "WARNING: the tables that \"$swap_target\" held are whole in \"$OLD\", but not everything beside them: see its tables restore_before_triggers and restore_before_views ($(last_words "$SCRATCH/swap.err" 1))"
    fi
  fi
  trap - TERM INT
}
