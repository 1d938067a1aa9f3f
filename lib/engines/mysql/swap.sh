# shellcheck shell=sh
# How restored databases take others' places. mysql.sh is sourced before.
#
# No statement renames a database, and only tables can be moved between databases. So
#   - all tables of all databases of the restore change places in one RENAME TABLE, which happens as a whole or not at all;
#   - triggers, views, routines and events do not move: those of the target are dropped just before it, and made again right
#     after it, from the recovery point in the target and as they were in the database that keeps what was there before;
#   - events are made disabled. Those of a database that got its own name back are enabled when everything is in its place.
# Between the two, for a fraction of a second, the target has no triggers: what an application writes then is stored without
# them. When anything fails, everything is put back. Should this pod be lost at that very moment, what it had dropped can be
# read in the tables restore_before_triggers and restore_before_views of the database that keeps what was there before.
# What the target holds stops nothing: what of it cannot be read or kept is said.

# How many tables and sequences are there; 0 when there is no such database.
tables_of() { # DATABASE
  sql information_schema -e "select count(*) from tables where $(same table_schema "$1") and table_type <> 'VIEW'"
}

# FROM a TO b, ...: of all tables of a database
moves() { # FROM TO
  sql information_schema -e "select concat($(literal "$(ident "$1")."), $(ident_of table_name), ' to ', $(literal "$(ident "$2")."), $(ident_of table_name))
    from tables where $(same table_schema "$1") and table_type <> 'VIEW' and table_name not in ('restore_before_triggers', 'restore_before_views')"
}

drop_all() { # DATABASE KIND...: its triggers, views, routines or events; but no view of $state/broken, which nothing could make again
  drop_from=$1
  shift
  for kind in "$@"; do
    case $kind in
      triggers) drop_query="select 'trigger', trigger_name from triggers where $(same trigger_schema "$drop_from")" ;;
      views) drop_query="select 'view', table_name from views where $(same table_schema "$drop_from")" ;;
      # A package goes after its body.
      routines) drop_query="select kind, name from ($(routines_of "$drop_from")) r order by kind = 'PACKAGE'" ;;
      events) drop_query="select 'event', event_name from events where $(same event_schema "$drop_from")" ;;
    esac
    sql information_schema -e "$drop_query" >"$SCRATCH/drop" || return 1
    awk -F '\t' 'FILENAME == ARGV[1] { broken[$0]; next } $1 != "view" || !($2 in broken)' "$state/broken" "$SCRATCH/drop" |
      while IFS='	' read -r drop_kind drop_name; do
        printf 'drop %s %s.%s;\n' "$drop_kind" "$(ident "$drop_from")" "$(ident "$drop_name")"
      done | sql information_schema || return 1
  done
}

# MariaDB keeps the name of the database in defaults that ask a sequence.
sequences_follow() { # DATABASE FROM TO: defaults of DATABASE that mean sequences of FROM mean those of TO
  [ "$DIALECT" = mariadb ] || return 0
  sequences_of=$(literal "$(ident "$2").")
  sql information_schema >"$SCRATCH/defaults.sql" <<SQL || return 1
select concat('alter table ', $(literal "$(ident "$1")."), $(ident_of table_name), ' alter column ', $(ident_of column_name), ' set default ',
  replace(column_default, $sequences_of, $(literal "$(ident "$3").")), ';')
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
    [ -e "$state/old.$old_part" ] || continue
    # shellcheck disable=SC2086 # one option or none
    run_dump "$old_into" $old_force <"$state/old.$old_part" || [ -n "$old_force" ] || return 1
  done
}

# One database of a restore; what is known of it is in the folder $state.
the() { cat "$state/$1" 2>/dev/null || :; }
each() { # COMMAND...: for every database of this restore, in their order
  while read -r each_number; do
    state=$SCRATCH/swap.$each_number
    "$@" </dev/null || return 1
  done <"$SCRATCH/swaps"
}

# Reads what the target holds, and makes the database that will keep it.
prepare() {
  target=$(the target)
  : >"$state/broken" && : >"$state/lost"
  prepare_comment=
  [ "$DIALECT" != mariadb ] || prepare_comment=", ' comment ', quote(schema_comment)"
  if [ "$(sql information_schema -e "select count(*) from schemata where $(same schema_name "$target")")" = 0 ]; then
    attempt "making database $target" make_database "$(the slug)" "$target"
    : >"$state/new"
  fi
  sql information_schema -e "select concat('character set ', default_character_set_name, ' collate ', default_collation_name$prepare_comment) from schemata where $(same schema_name "$target")" >"$state/charset" ||
    die "the target \"$target\" could not be read"
  objects_of "$target" '' >"$state/objects" || die "the target \"$target\" could not be read"
  [ ! -e "$state/new" ] && [ -s "$state/objects" ] || return 0
  broken_views "$target" >"$state/broken" || die "the views of \"$target\" could not be read"
  lost_tables >"$state/lost" || die "the tables of \"$target\" could not be read"
  [ ! -s "$state/lost" ] || caveat "tables of \"$target\" had lost their files, so nothing of them could be kept: $(paste -s -d , "$state/lost")"
  # Within the 64 characters of a name.
  old=$(printf %s "$target" | awk '{ print length($0) <= 42 ? $0 : substr($0, 1, 42) }')_before_$(date -u +%Y%m%d%H%M%S)
  for part in routines triggers views events; do
    # shellcheck disable=SC2154 # mysql.sh sets here
    APART=$state/broken FACTS=/dev/null BINLOG_POSITION=no CHECKSUMS=0 KEEP_WHAT_IS=yes sh "$here/dump-database.sh" "$part" "$target" >"$state/old.$part" 2>"$SCRATCH/old.err" ||
      caveat "not all $part of what \"$target\" held before could be read, so \"$old\" may lack some: $(last_words "$SCRATCH/old.err" 1)"
  done
  [ ! -s "$state/broken" ] ||
    caveat "views of \"$target\" that were broken before this restore are in \"$old\" as text only (table restore_before_views): $(paste -s -d , "$state/broken")"
  # What needs no table is there already; and the events do nothing by themselves.
  disabled <"$state/old.events" >"$state/old.disabled"
  sql information_schema -e "
    create database $(ident "$old") $(the charset);
    create table $(ident "$old").restore_before_triggers (n int auto_increment primary key) as select * from triggers where $(same trigger_schema "$target");
    create table $(ident "$old").restore_before_views (n int auto_increment primary key) as select * from views where $(same table_schema "$target")" 2>"$SCRATCH/swap.err" || {
    sql information_schema -e "drop database if exists $(ident "$old")" || :
    die "the database to keep the old content of \"$target\" could not be created, and nothing was changed: $(last_words "$SCRATCH/swap.err" 1)"
  }
  printf %s "$old" >"$state/old"
  old_parts rest "$old" routines disabled 2>"$SCRATCH/old.err"
  [ ! -s "$SCRATCH/old.err" ] || caveat "not all routines and events of what \"$target\" held before could be kept in \"$old\": $(last_words "$SCRATCH/old.err" 1)"
}

disabled() { WHAT=disabled LC_ALL=C awk -f "$here/events.awk"; }

# Tables of the target whose file is gone: they can neither be read nor be moved.
lost_error='^ERROR (1812|1932) |^ERROR 1030 .*Got error 194 '
lost_tables() {
  # shellcheck disable=SC2154 # mysql.sh sets is_table
  sql information_schema -e "select table_name from tables where $(same table_schema "$target") and $is_table" >"$SCRATCH/tables" || return 1
  while IFS= read -r table; do printf 'select 0 from %s limit 1;\n' "$(ident "$table")"; done <"$SCRATCH/tables" >"$SCRATCH/tables.sql"
  sql "$target" --force <"$SCRATCH/tables.sql" 2>&1 | grep -qE "$lost_error" || return 0
  while IFS= read -r table; do
    lost_said=$(sql "$target" -e "select 0 from $(ident "$table") limit 1" </dev/null 2>&1) ||
      ! printf %s "$lost_said" | grep -qE "$lost_error" || printf '%s\n' "$table"
  done <"$SCRATCH/tables"
}

# The views of the target, too: one may have the name of a table that comes.
make_room() {
  drop_all "$(the from)" triggers || return 1
  [ -e "$state/old" ] || return 0
  drop_all "$(the target)" triggers views || return 1
  # Of a table without a file nothing is lost when it makes room.
  while IFS= read -r table; do
    sql information_schema -e "drop table $(ident "$(the target)").$(ident "$table")" || return 1
  done <"$state/lost"
  while IFS= read -r view; do
    [ "$(sql information_schema -e "select count(*) from tables where $(same table_schema "$(the from)") and $(same table_name "$view")")" = 0 ] ||
      sql information_schema -e "drop view $(ident "$(the target)").$(ident "$view")" || return 1
  done <"$state/broken"
}

moves_away() { [ ! -e "$state/old" ] || moves "$(the target)" "$(the old)"; }
moves_in() { moves "$(the from)" "$(the target)"; }
moves_out() { moves "$(the target)" "$(the from)"; }
moves_back() { [ ! -e "$state/old" ] || moves "$(the old)" "$(the target)"; }

move() { # FIRST SECOND: moves of each database, in one statement
  move_list=$(each "$1" && each "$2") || return 1
  [ -n "$move_list" ] || return 0
  printf 'rename table %s;\n' "$(printf '%s\n' "$move_list" | paste -s -d , -)" | sql information_schema
}

settle() {
  # A default may ask the sequence of another database.
  while IFS='	' read -r settle_from settle_to; do
    sequences_follow "$(the target)" "$settle_from" "$settle_to" || return 1
  done <"$SCRATCH/moved.tsv"
  sql information_schema -e "alter database $(ident "$(the target)") $(database_options "$(the slug)")" &&
    drop_all "$(the target)" events views routines
}

make_part() { # PART
  case $1 in
    events) load "$(the slug)" events "$(the target)" disabled ;;
    stand-ins | views) WHAT=$1 load "$(the slug)" views "$(the target)" own_views ;;
    *) load "$(the slug)" "$1" "$(the target)" ;;
  esac
}

# A view whose owner is no more is kept with the name of its database: in a copy of another name it means the copy.
own_names() {
  own_name=$(ident "$(property "$(the slug)" name)" | sed 's/[][\\.*^$/]/\\&/g')
  own_target=$(ident "$(the target)" | sed 's/[\\/&]/\\&/g')
  sed "s/$own_name\\./$own_target./g"
}

own_views() { views_alone | own_names; }

# Views that were broken in the target and are not in the recovery point.
# shellcheck disable=SC2016 # backticks of SQL
outlived() {
  [ -s "$state/broken" ] || return 0
  { ! has_part "$(the slug)" views || get "$(the slug).views.sql"; } | sed -n 's/^-- Final view structure for view `\(.*\)`$/\1/p' | sed 's/``/`/g' |
    awk 'FILENAME == ARGV[1] { comes[$0]; next } !($0 in comes)' - "$state/broken"
}

check_objects() {
  outlived >"$state/outlived"
  objects_of "$(the target)" "$(the name)" "$state/outlived" >"$SCRATCH/objects.swapped" || return 1
  without_engines <"$SCRATCH/objects.swapped" >"$SCRATCH/facts.swapped"
  facts_about "$(the name)" <"$SCRATCH/facts.wanted" | without_engines | grep -v '^"\(rows\|checksum\)/' >"$SCRATCH/facts.objects"
  compare_facts "$SCRATCH/facts.objects" "$SCRATCH/facts.swapped"
}

# A view that is put back may read one of a database that comes later.
old_stand_ins() {
  [ ! -e "$state/old.views" ] || WHAT=stand-ins views_alone <"$state/old.views" | run_dump "$(the target)" --force 2>/dev/null || :
}
# One that cannot be put back is no reason to leave the others as they are.
put_all_back() {
  put_all_rc=0
  each old_stand_ins
  while read -r each_number; do
    state=$SCRATCH/swap.$each_number
    put_back </dev/null || put_all_rc=1
  done <"$SCRATCH/swaps"
  return "$put_all_rc"
}
# Puts back whatever of a swap was done.
put_back() {
  target=$(the target) old=$(the old)
  log "putting \"$target\" back as it was"
  [ -e "$state/new" ] || sql information_schema -e "alter database $(ident "$target") $(the charset)" || return 1
  if [ -n "$old" ]; then
    if [ "$swap_done" = moved ]; then set -- routines triggers views events; else set -- triggers views; fi
    old_parts rest "$target" "$@" 2>"$SCRATCH/back.err"
    # Not every image has a program that compares files.
    objects_of "$target" '' >"$SCRATCH/objects.back" && [ "$(cat "$SCRATCH/objects.back")" = "$(cat "$state/objects")" ] || return 1
    sql information_schema -e "drop database $(ident "$old")"
  elif [ -e "$state/new" ]; then
    sql information_schema -e "drop database $(ident "$target")"
  fi
}
clear_away() {
  drop_all "$(the target)" triggers events views routines && { [ ! -e "$state/old" ] || drop_all "$(the old)" triggers events views routines; }
}
sequences_back() { [ ! -e "$state/old" ] || sequences_follow "$(the target)" "$(the old)" "$(the target)"; }

swap_failed() { # WHAT
  swap_reason=$(last_words "$SCRATCH/swap.err" 1)
  # What died within says more, and less: not what became of the target.
  [ ! -s "$SCRATCH/outcome/reason" ] || { swap_reason=$(cat "$SCRATCH/outcome/reason") && rm "$SCRATCH/outcome/reason"; }
  cat "$SCRATCH/swap.err" >&2
  if { [ "$swap_done" != moved ] || { each clear_away && move moves_out moves_back && each sequences_back; }; } && put_all_back; then
    die "$1, and $targets is unchanged: $swap_reason"
  fi
  die "$1, and not everything could be put back. The old content of $targets is in it, and in databases whose names begin like it and contain _before_ (see their tables restore_before_triggers and restore_before_views); nothing was deleted: $swap_reason"
}

finish() {
  target=$(the target) old=$(the old)
  while IFS= read -r view; do sql information_schema -e "drop view if exists $(ident "$target").$(ident "$view")" || :; done <"$state/outlived"
  if [ -n "$old" ]; then
    if { sequences_follow "$old" "$target" "$old" && old_parts all "$old" triggers views; } 2>"$SCRATCH/swap.err"; then
      sql information_schema -e "drop table $(ident "$old").restore_before_triggers"
      [ -s "$state/broken" ] || sql information_schema -e "drop table $(ident "$old").restore_before_views"
    else
      caveat "the old tables of \"$target\" are complete in \"$old\", but not its other objects: see its tables restore_before_triggers and restore_before_views ($(last_words "$SCRATCH/swap.err" 1))"
    fi
  fi
  # What reads what is not in the recovery point, or is not there at all: as far as this server has it.
  if has_part "$(the slug)" apart; then
    # One may read another.
    for _ in 1 2 3; do get "$(the slug).apart.sql" | run_dump "$target" --force 2>/dev/null || :; done
    missing=$(property "$(the slug)" apart | while IFS= read -r view; do
      [ "$(sql information_schema -e "select count(*) from views where $(same table_schema "$target") and $(same table_name "$view")")" = 1 ] || printf '%s\n' "$view"
    done | paste -s -d , -)
    [ -z "$missing" ] || caveat "these views of \"$target\" were broken or read other databases when they were backed up, and cannot be created here: $missing"
  fi
}

# Statements that enable the events of a database that were enabled; their owners stay, and so do their times.
enable_events() {
  has_part "$(the slug)" events || return 0
  target=$(the target)
  elsewhere=$(sql information_schema -e "select group_concat(event_name order by 1 separator ', ') from events where $(same event_schema "$target") and status like '%SIDE\_DISABLED'") || elsewhere=NULL
  [ "$elsewhere" = NULL ] || caveat "these events of \"$target\" are disabled, as on the replica that was backed up; enable them if they should run here: $elsewhere"
  get "$(the slug).events.sql" | WHAT=enabling LC_ALL=C awk -f "$here/events.awk" >"$SCRATCH/enable.sql"
  [ -s "$SCRATCH/enable.sql" ] || return 0
  if [ "$target" = "$(the name)" ]; then
    sql "$target" --force <"$SCRATCH/enable.sql" 2>"$SCRATCH/enable.err" || :
    # One whose time is over is not made any more.
    ! grep -v '^ERROR 1539 ' "$SCRATCH/enable.err" >"$SCRATCH/enable.rest" || caveat "not all events of \"$target\" could be enabled: $(last_words "$SCRATCH/enable.rest" 1)"
  else
    caveat "events of \"$target\" are disabled, as this is a copy of \"$(the name)\": $(sed 's/.* event \(.*\) enable;$/\1/' "$SCRATCH/enable.sql" | paste -s -d , -)"
  fi
}

# What in a copy reads or writes other databases, the original among them.
name_others() {
  target=$(the target)
  [ "$target" != "$(the name)" ] || return 0
  sql information_schema >"$SCRATCH/others" <<SQL || return 0
select distinct concat(what, ' ', name, ' (', s.schema_name, ')') from (
  select 'trigger' what, trigger_name name, action_statement body from triggers where $(same trigger_schema "$target")
  union all select 'view', table_name, view_definition from views where $(same table_schema "$target")
  union all select lower(routine_type), routine_name, routine_definition from routines where $(same routine_schema "$target")
  union all select 'event', event_name, event_definition from events where $(same event_schema "$target")
  union all select 'foreign key', constraint_name, concat('\`', unique_constraint_schema, '\`.') from referential_constraints where $(same constraint_schema "$target")) o
join schemata s on s.schema_name not in ('information_schema', 'performance_schema', 'mysql', 'sys') and not ($(same s.schema_name "$target"))
  and (instr(body, concat('\`', replace(s.schema_name, '\`', '\`\`'), '\`.'))
    or s.schema_name regexp '^[0-9A-Za-z_]+\$' and body regexp concat('(^|[^0-9A-Za-z_.\`])', s.schema_name, '[[:space:]]*[.]'))
order by 1;
SQL
  [ ! -s "$SCRATCH/others" ] || caveat "these objects of the copy \"$target\" name other databases, and still read or write them: $(paste -s -d , "$SCRATCH/others" | sed 's/,/, /g')"
}

# Gives the tables of the databases of $SCRATCH/wanted, and the rest of the recovery point, to their targets.
swap() { # PREFIX of the databases that were restored beside
  swap_done=''
  swap_number=0
  : >"$SCRATCH/swaps" && : >"$SCRATCH/moved.tsv"
  while IFS='	' read -r slug name target; do
    swap_number=$((swap_number + 1))
    rm -rf "$SCRATCH/swap.$swap_number"
    mkdir "$SCRATCH/swap.$swap_number"
    for what in slug:"$slug" name:"$name" target:"$target" from:"${1}_$swap_number"; do printf %s "${what#*:}" >"$SCRATCH/swap.$swap_number/${what%%:*}"; done
    echo "$swap_number" >>"$SCRATCH/swaps"
    printf '%s\t%s\n' "${1}_$swap_number" "$target" >>"$SCRATCH/moved.tsv"
  done <"$SCRATCH/wanted"
  targets=$(cut -f 3 "$SCRATCH/wanted" | sed 's/.*/"&"/' | paste -s -d , - | sed 's/","/", "/g')
  each prepare

  # What has begun is finished, or put back; a moment later the pod may end. (Ignored by the programs called here, too.)
  trap '' TERM INT
  : >"$SCRATCH/swap.err"
  { each make_room && move moves_away moves_in; } 2>"$SCRATCH/swap.err" || swap_failed "the tables of $targets could not be exchanged"
  swap_done=moved
  {
    each settle &&
      # In a shell of its own: what dies in there has to be put back.
      (for part in triggers routines stand-ins views events; do
        [ "$part" != stand-ins ] || grant_accounts early
        each make_part "$part"
      done) &&
      (each check_objects)
  } 2>"$SCRATCH/swap.err" || swap_failed "not every object of $targets could be re-created"
  each finish
  trap - TERM INT
  grant_accounts finally
  each enable_events
  each name_others
  each say_restored
}

say_restored() {
  if [ -e "$state/old" ]; then
    log "\"$(the target)\" is restored; its old content is \"$(the old)\", with events disabled: drop that when you no longer need it"
  else
    log "\"$(the target)\" is restored"
  fi
}
