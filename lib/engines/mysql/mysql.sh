# shellcheck shell=sh
# What the scripts of this engine share, for MySQL and for MariaDB.
#
# environment:
#   DIALECT          mysql or mariadb: of the image's programs, and so of the server
#   LOCK_TIMEOUT     seconds to wait for a table that somebody holds
#   SERVER_HOST, SERVER_PORT, SERVER_USER, SERVER_PASSWORD
#                    the production server; a verification has none of them
#   TLS              disabled, encrypted or verified; empty: what the client does by itself
#   TLS_CA           with verified: a file with the certificate of who signed the server's
#
# The members of a recovery point:
#   databases.tsv          per database: <slug> TAB <property> TAB <value>, of the properties name, charset, collation, part, and where there is
#                          such a thing: history (yes: the past of system-versioned tables is in it), apart (a view that may be
#                          impossible to make), needs (trust, no-key: see lend_settings), zone (a time zone of its events), definer (whose
#                          something in it is), largest
#                          (bytes of its largest statement), encryption (Y: tables are encrypted unless they say no), comment, and
#                          what its tables name that is in no database of its own: tablespace, directory, sequence
#   accounts.tsv           per account: <account> TAB <a statement that makes it, or grants it something>
#   spatial.sql            MySQL: statements that make the spatial reference systems that somebody has added, where there are some
#   settings.tsv           the server's variables, for whoever has to make another one
#   binlog-position        per database, when the role may ask: <file> TAB <position> TAB <GTID position, or empty> TAB <database>:
#                          where in the binary log the snapshot of its tables is
#   <slug>.tables.sql      tables, sequences and rows, in one snapshot
#   <slug>.routines.sql    procedures, functions and packages
#   <slug>.triggers.sql, <slug>.views.sql, <slug>.events.sql
#   <slug>.apart.sql       views that read what is not in the recovery point, or not there at all: made where that is possible
# Statements name no database, so that each can be restored under any name; and what acts by itself (triggers, events) is apart
# from what it acts on, so that a restore decides when it begins to act. A part that a database has nothing of is left out.
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck disable=SC2034 # read by the scripts that source this
here=$BACKUP_HOME/engine
defaults=$SCRATCH/client.cnf

# shellcheck disable=SC2034 # read by the scripts that source this
case $DIALECT in
  mariadb) client=mariadb dumper=mariadb-dump daemon=mariadbd product=MariaDB ;;
  *) client=mysql dumper=mysqldump daemon=mysqld product=MySQL ;;
esac

# ---- names: without control characters, which dump.sh refuses ---------------------------------------------------------
# shellcheck disable=SC2016 # backticks of SQL
# Most names have nothing to escape, and no program is started for them.
ident() { case $1 in *'`'*) printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')" ;; *) printf '`%s`' "$1" ;; esac; }
literal() { case $1 in *[\\\']*) printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")" ;; *) printf "'%s'" "$1" ;; esac; }
# The same in SQL, of a column.
# shellcheck disable=SC2016
ident_of() { printf 'concat("`", replace(%s, "`", "``"), "`")' "$1"; }
# Names are compared to the letter: Shop and shop may be two databases, and the catalog takes them for one.
same() { printf '%s = %s and hex(%s) = hex(%s)' "$1" "$(literal "$2")" "$1" "$(literal "$2")"; } # COLUMN NAME

# A name for files: itself where it is plain, otherwise with a checksum that keeps different names apart.
slug() {
  case $1 in
    *[!a-z0-9_]*) printf '%s-%s' "$(printf %s "$1" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_' '_' | cut -c 1-40)" "$(printf %s "$1" | cksum | cut -d ' ' -f 1)" ;;
    *) printf %s "$1" ;;
  esac
}

# ---- the connection: in a file, as an argument would be seen by everybody on the node ---------------------------------
option() { # NAME VALUE
  case $2 in *"
"*) refuse "the $1 in the credentials holds a line break, which an option file cannot hold: remove it from the Secret" ;; esac
  printf '%s="%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}
if [ -n "${SERVER_HOST:-}" ]; then
  # As a whole: another script may be reading it.
  {
    printf '[client]\nprotocol=TCP\n'
    option host "$SERVER_HOST"
    # shellcheck disable=SC2153
    option port "$SERVER_PORT"
    option user "$SERVER_USER"
    option password "$SERVER_PASSWORD"
    case $DIALECT:$TLS in
      mariadb:disabled) echo 'skip-ssl' ;;
      mariadb:encrypted) printf 'ssl\nskip-ssl-verify-server-cert\n' ;;
      mariadb:verified) printf 'ssl\nssl-verify-server-cert\nssl-ca=%s\n' "$TLS_CA" ;;
      mysql:disabled) echo 'ssl-mode=DISABLED' ;;
      mysql:encrypted) echo 'ssl-mode=REQUIRED' ;;
      mysql:verified) printf 'ssl-mode=VERIFY_IDENTITY\nssl-ca=%s\n' "$TLS_CA" ;;
    esac
  } >"$defaults.$$"
  mv "$defaults.$$" "$defaults"
fi

# Runs a program of the engine; what it says on stderr is said without data.
program() { # COMMAND...
  # Kept in memory: what it says may be that the scratch volume is full.
  { program_said=$("$@" 2>&1 >&3 3>&-) && program_rc=0 || program_rc=$?; } 3>&1
  program_words=
  if [ -n "$program_said" ]; then
    program_words=$(printf '%s\n' "$program_said" | LC_ALL=C awk -f "$here/said.awk")
    printf '%s\n' "$program_words" >&2
  fi
  if [ "$program_rc" = 0 ]; then explained; else unexplained "$1" "$program_words"; fi
  return "$program_rc"
}

# Asks; a line per row, its columns separated by tabs. Without --force it stops at the first error.
sql() { # DATABASE CLIENT-ARGUMENTS...
  sql_database=$1
  shift
  program "$client" --defaults-file="$defaults" --batch --raw --skip-column-names --binary-mode --default-character-set=utf8mb4 --connect-timeout=15 \
    --init-command="set session sql_mode = '', group_concat_max_len = 1073741824, lock_wait_timeout = $LOCK_TIMEOUT" --database="$sql_database" "$@"
}

# Runs a dump from stdin. With comments: some clients leave them out of the routines they make.
run_dump() { # DATABASE CLIENT-ARGUMENTS...
  run_database=$1
  shift
  program "$client" --defaults-file="$defaults" --batch --binary-mode --comments --default-character-set=utf8mb4 --connect-timeout=15 --max-allowed-packet=1G \
    --init-command="set session lock_wait_timeout = $LOCK_TIMEOUT$run_settings" --database="$run_database" "$@"
}

# Refuses a server that this image's programs are not for. Leaves its version in $version.
check_server() {
  attempt 'asking the server for its version' sql information_schema -e 'select version()' >"$SCRATCH/version"
  version=$(cat "$SCRATCH/version")
  case $version in *[Mm]aria*) found=MariaDB ;; *) found=MySQL ;; esac
  [ "$found" = "$product" ] ||
    refuse "the server is $found $version, but this job has the programs of $product, and neither can read the other's dumps. Write Engine.$(echo "$found" | tr '[:upper:]' '[:lower:]')"
  image=$("$daemon" --version | sed 's/.*Ver \([0-9]*\.[0-9]*\).*/\1/')
  [ "$(number "$image")" -ge "$(number "$version")" ] ||
    refuse "the server is $product $version, newer than the $product $image of this job's image: set version to the server's"
}
number() { echo "$1" | awk -F '[.-]' '{ print $1 * 1000 + $2 }'; } # 10.11.18-MariaDB: 10011

# ---- facts: what a restore must reproduce -----------------------------------------------------------------------------
# Lines of WHAT TAB OBJECT, or nothing, TAB NUMBER, as facts of the manifest.
as_facts() { # DATABASE
  NAME=$1 awk -F '\t' -v OFS='\t' '{ print $1 "/" ENVIRON["NAME"] ($2 == "" ? "" : "/" $2), $3 }' |
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^\(.*\)	\([0-9]*\)$/"\1":\2/'
}

# What counts of tables; views and sequences are in the same catalog. MariaDB calls some SYSTEM VERSIONED.
is_table="table_type not in ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')"

# Whose rows no dump asks for.
# shellcheck disable=SC2034 # read by the scripts that source this
engines_elsewhere="'FEDERATED', 'CONNECT', 'SPIDER', 'OQGRAPH', 'VP'"

# Of the views of the recovery point's database NAME those that count.
but_apart() { # NAME
  [ -e "$SCRATCH/databases.tsv" ] || return 0
  NAME=$1 awk -F '\t' '
    $2 == "name" && $3 == ENVIRON["NAME"] { slug = $1 }
    $1 == slug && $2 == "apart" { print $3 }' "$SCRATCH/databases.tsv" >"$SCRATCH/but"
  but_in "$SCRATCH/but"
}
but_in() { while IFS= read -r but_view; do printf ' and hex(table_name) <> hex(%s)' "$(literal "$but_view")"; done <"$1"; } # FILE

# Views whose columns the server itself does not know: what they read is gone, or their owner may not read it.
broken_views() { # DATABASE
  sql information_schema -e "select table_name from views where $(same table_schema "$1") order by table_name" >"$SCRATCH/views" || return 1
  [ -s "$SCRATCH/views" ] || return 0
  while IFS= read -r broken_view; do
    printf 'select "view", %s; show fields from %s;\n' "$(literal "$broken_view")" "$(ident "$broken_view")"
  done <"$SCRATCH/views" >"$SCRATCH/views.sql"
  # A connection that breaks leaves no fields either.
  echo 'select "all", "asked";' >>"$SCRATCH/views.sql"
  sql "$1" --force <"$SCRATCH/views.sql" 2>/dev/null | awk -F '\t' '
    $1 == "view" && NF == 2 { order[++n] = $2; next }
    $1 == "all" && NF == 2 { all = 1; next }
    { fields[n]++ }
    END { for (i = 1; i <= n; i++) if (!fields[i]) print order[i]; exit !all }'
}

# Routines, and from MySQL 9.2 on the libraries that these use, which the dumping program takes for such, too.
routines_of() { # DATABASE: a query for KIND, NAME
  printf "select routine_type kind, routine_name name from routines where %s" "$(same routine_schema "$1")"
  [ "$DIALECT" = mariadb ] || [ "$(sql information_schema -e "select count(*) from tables where table_schema = 'information_schema' and table_name = 'LIBRARIES'" </dev/null)" = 0 ] ||
    printf " union all select 'LIBRARY', library_name from libraries where %s" "$(same library_schema "$1")"
}

# What facts.awk counts in the dump, counted in a database.
objects_of() { # DATABASE NAME [FILE]: of DATABASE, under the name it had when it was dumped; views in FILE do not count
  objects_but=$(but_apart "$2"; but_in "${3:-/dev/null}")
  objects_tables="select table_name from information_schema.tables where $(same table_schema "$1") and $is_table"
  sql information_schema >"$SCRATCH/objects" <<SQL || return 1
select 'tables', '', count(*) from tables where $(same table_schema "$1") and $is_table having count(*) > 0;
select 'engine', lower(engine), count(*) from tables where $(same table_schema "$1") and $is_table and engine is not null group by 2;
select 'sequences', '', count(*) from tables where $(same table_schema "$1") and table_type = 'SEQUENCE' having count(*) > 0;
select 'columns', '', count(*) from columns where $(same table_schema "$1") and table_name in ($objects_tables) having count(*) > 0;
select 'indexes', '', count(*) from (select distinct table_name, index_name from statistics where $(same table_schema "$1")) i having count(*) > 0;
select 'foreign-keys', '', count(*) from referential_constraints where $(same constraint_schema "$1") having count(*) > 0;
select 'routines', '', count(*) from ($(routines_of "$1")) r having count(*) > 0;
select 'triggers', '', count(*) from triggers where $(same trigger_schema "$1") having count(*) > 0;
select 'views', '', count(*) from views where $(same table_schema "$1")$objects_but having count(*) > 0;
select 'events', '', count(*) from events where $(same event_schema "$1") and event_type = 'RECURRING' and ends is null having count(*) > 0;
SQL
  as_facts "$2" <"$SCRATCH/objects"
}

rows_of() { # DATABASE NAME [HISTORY]: with `yes` the past is counted, too
  # Dumps hold no rows of tables that only show those of others.
  sql information_schema >"$SCRATCH/counts.sql" <<SQL || return 1
select concat('select ''rows'', ', quote(table_name), ', count(*) from ', $(literal "$(ident "$1")"), '.', $(ident_of table_name),
  if(table_type = 'SYSTEM VERSIONED' and '${3:-}' = 'yes', ' for system_time all', ''), ';')
from tables where $(same table_schema "$1") and $is_table and engine not in ('MRG_MyISAM', $engines_elsewhere) order by table_name;
SQL
  sql information_schema <"$SCRATCH/counts.sql" >"$SCRATCH/counts" || return 1
  # A table of theirs that another engine had to take is empty, and nothing is known of its rows.
  as_facts "$2" <"$SCRATCH/counts" | awk '
    FILENAME == ARGV[1] { sub(/:[0-9]*$/, ""); expected[$0]; next }
    { fact = $0; sub(/:[0-9]*$/, "", fact) }
    fact in expected || !/:0$/' "$SCRATCH/facts.expected" -
}

# Engines that this server lacks: it makes tables of another one instead, and says no more than a warning.
lacking_engines() { # <FACTS
  sql information_schema -e "select lower(engine) from engines where support in ('YES', 'DEFAULT')" >"$SCRATCH/engines" || return 1
  sed -n 's/^"engine\/.*\/\([0-9a-z_]*\)":[0-9]*$/\1/p' | LC_ALL=C sort -u | grep -vxF -f "$SCRATCH/engines" || :
}
# How many tables have which engine is only to be compared where all engines are, and where it was counted.
without_engines() { # <FACTS
  if [ -s "$SCRATCH/engines.lacking" ] || ! grep -q '^"engine/' "$SCRATCH/facts.expected"; then grep -v '^"engine/' || :; else cat; fi
}

# Of those tables that the recovery point has a checksum of.
checksums_of() { # DATABASE NAME
  sql information_schema -e "select table_name from tables where $(same table_schema "$1") and table_type = 'BASE TABLE' order by 1" >"$SCRATCH/tables" || return 1
  sed -e 's/^/checksum	/' -e 's/$/	0/' "$SCRATCH/tables" | as_facts "$2" | sed 's/:0$//' | paste - "$SCRATCH/tables" |
    awk 'FILENAME == ARGV[1] { sub(/:[0-9]*$/, ""); expected[$0]; next } { tab = index($0, "\t") } substr($0, 1, tab - 1) in expected { print substr($0, tab + 1) }' \
      "$SCRATCH/facts.expected" - >"$SCRATCH/summed"
  while IFS= read -r summed_table; do
    printf 'select "sum", %s; checksum table %s.%s extended;\n' "$(literal "$summed_table")" "$(ident "$1")" "$(ident "$summed_table")"
  done <"$SCRATCH/summed" >"$SCRATCH/sums.sql"
  sql information_schema <"$SCRATCH/sums.sql" >"$SCRATCH/sums" || return 1
  awk -F '\t' -v OFS='\t' '$1 == "sum" { table = $2; next } { print "checksum", table, $2 }' "$SCRATCH/sums" >"$SCRATCH/sums.facts"
  as_facts "$2" <"$SCRATCH/sums.facts"
}

# How rows are summed up may be another thing in another release.
comparable_checksums() {
  comparable_was=$(sed -n 's/^version	//p' "$SCRATCH/settings.tsv")
  comparable_is=$(sql information_schema -e 'select version()') || return 1
  [ "$(number "$comparable_was")" != "$(number "$comparable_is")" ] || return 0
  ! grep -q '^"checksum/' "$SCRATCH/facts.expected" || caveat "checksums of rows are not compared: the backup is from release $comparable_was, and this is $comparable_is"
  grep -v '^"checksum/' "$SCRATCH/facts.expected" >"$SCRATCH/facts.comparable" || :
  mv "$SCRATCH/facts.comparable" "$SCRATCH/facts.expected"
}

# Of a list of facts those about one database.
facts_about() { # DATABASE <FACTS
  about_name=$(json_string "$1")
  about_name=${about_name#\"}
  NAME="/${about_name%\"}" awk '
    BEGIN { name = ENVIRON["NAME"] }
    { key = $0; sub(/":[0-9]*$/, "", key); at = index(key, "/"); rest = substr(key, at); after = substr(rest, length(name) + 1, 1) }
    at && index(rest, name) == 1 && (after == "" || after == "/")'
}

# ---- what a recovery point holds --------------------------------------------------------------------------------------
property() { sed -n "s/^$1	$2	//p" "$SCRATCH/databases.tsv"; } # SLUG WHAT
has_part() { grep -qxF "$1	part	$2" "$SCRATCH/databases.tsv"; }    # SLUG PART

make_database() { # SLUG TARGET: without what only a server with keys can do
  sql information_schema -e "create database $(ident "$2") $(database_options "$1")"
}
database_options() { # SLUG
  database_comment=$(property "$1" comment)
  printf 'character set %s collate %s%s' "$(property "$1" charset)" "$(property "$1" collation)" "${database_comment:+ comment $database_comment}"
}

# shellcheck disable=SC2016 # backticks of SQL
# A default of a column that asks a sequence wants it to be there; sequences come with the tables of their database.
stand_in_sequences() { # FILTER: of the names
  LC_ALL=C sed -n 's/^[^	]*	sequence	//p' "$SCRATCH/databases.tsv" | LC_ALL=C sort -u | "$1" | while IFS= read -r sequence; do
    printf 'create database if not exists %s;\ncreate sequence if not exists %s;\n' "$(printf %s "$sequence" | sed 's/^\(`\(``\|[^`]\)*`\)\..*/\1/')" "$sequence"
  done >"$SCRATCH/sequences.sql"
  sql information_schema <"$SCRATCH/sequences.sql"
}

# ---- what a server lets in --------------------------------------------------------------------------------------------
# A server takes in time what it would not take at once: a row that grew beyond what one statement may hold, a table that was made
# before a key was required, a function that was made before the binary log. So a restore lends itself what it needs.
lent="$SCRATCH/lent" run_settings=''

lend() { # VARIABLE VALUE CONDITION: of the server, while the condition on @@global.VARIABLE holds
  lend_was=$(sql information_schema -e "select @@global.$1 from dual where $3") || die "the server does not give the value of $1"
  [ -n "$lend_was" ] || return 0
  sql information_schema -e "set global $1 = $2" 2>"$SCRATCH/lend.err" ||
    refuse "$1 is $lend_was on the server, which prevents this restore, and the role is not allowed to change it; nothing was changed. Run \"set global $1 = $2\", restore, and set it back ($(last_words "$SCRATCH/lend.err" 1))"
  printf 'set global %s = %s;\n' "$1" "$lend_was" >>"$lent"
  log "$1 is $2 during this restore; it was $lend_was"
}

lend_settings() {
  lend_largest=$(awk -F '\t' '$2 == "largest" && $3 > largest { largest = $3 } END { print (int(largest / 1048576) + 2) * 1048576 }' "$SCRATCH/databases.tsv")
  [ "$lend_largest" -le 1073741824 ] || lend_largest=1073741824
  lend max_allowed_packet "$lend_largest" "@@global.max_allowed_packet < $lend_largest"
  ! grep -q '	needs	trust$' "$SCRATCH/databases.tsv" || lend log_bin_trust_function_creators 1 '@@global.log_bin and not @@global.log_bin_trust_function_creators'
  if grep -q '	needs	no-key$' "$SCRATCH/databases.tsv"; then
    if [ "$DIALECT" = mariadb ]; then
      lend innodb_force_primary_key 0 '@@global.innodb_force_primary_key'
    elif sql information_schema -e 'set session sql_require_primary_key = 0' 2>/dev/null; then
      run_settings="$run_settings, sql_require_primary_key = 0"
    else
      lend sql_require_primary_key 0 '@@global.sql_require_primary_key'
    fi
  fi
  # Without a key a table is to stay.
  invisible_key=
  [ "$DIALECT" = mariadb ] || invisible_key=$(sql information_schema -e "show global variables where variable_name = 'sql_generate_invisible_primary_key' and value = 'ON'") || return 1
  if [ -n "$invisible_key" ]; then
    if sql information_schema -e 'set session sql_generate_invisible_primary_key = 0' 2>/dev/null; then
      run_settings="$run_settings, sql_generate_invisible_primary_key = 0"
    else
      lend sql_generate_invisible_primary_key 0 '@@global.sql_generate_invisible_primary_key'
    fi
  fi
  # A row that was written while checks were off need not pass them.
  [ "$DIALECT" != mariadb ] || run_settings="$run_settings, check_constraint_checks = 0"
  # A table that was made when this was off need not fit what it asks for.
  ! sql information_schema -e 'set session innodb_strict_mode = 0' 2>/dev/null || run_settings="$run_settings, innodb_strict_mode = 0"
}

give_back() {
  [ -s "$lent" ] || return 0
  sql information_schema --force <"$lent" || log "WARNING: not every setting could be set back; set back those of these that are missing: $(tr '\n' ' ' <"$lent")"
  rm -f "$lent"
}

# Time zones that events name and this server does not know.
missing_zones() {
  sed -n 's/^[^	]*	zone	//p' "$SCRATCH/databases.tsv" | LC_ALL=C sort -u >"$SCRATCH/zones"
  while IFS= read -r zone; do
    [ "$(sql information_schema -e "select convert_tz('2026-01-01', '+00:00', $(literal "$zone")) is null" </dev/null)" = 0 ] || printf '%s\n' "$zone"
  done <"$SCRATCH/zones"
}

# What a server often cannot say any more: that there is no room left, not even to say so.
room() {
  room_left=$(df -P -k "$SCRATCH" | awk 'NR == 2 { print $4 }')
  [ "$room_left" -ge 8192 ] || printf ' (the scratch volume is full: %s KiB are left)' "$room_left"
}

# Triggers, with no database in their heads. Those of older recovery points may have it.
without_databases() { LC_ALL=C awk -f "$here/triggers.awk"; }

# Streams a part into a database; a database without it is none the worse. FILTER, a program from stdin to stdout, may change it.
load() { # SLUG PART DATABASE [FILTER]
  has_part "$1" "$2" || return 0
  rm -f "$SCRATCH/get.failed"
  load_rc=0
  load_filter=${4:-cat}
  [ "$2" != triggers ] || load_filter=without_databases
  {
    get "$1.$2.sql" || echo $? >"$SCRATCH/get.failed"
  } | "$load_filter" | run_dump "$3" 2>"$SCRATCH/load.err" || load_rc=$?
  cat "$SCRATCH/load.err" >&2
  # When the reader fails, the client does not notice; when the client fails, the reader's pipe breaks: 141 is the one that came second.
  if [ -e "$SCRATCH/get.failed" ] && [ "$(cat "$SCRATCH/get.failed")" != 141 ]; then die "$(repository_reason)"; fi
  [ "$load_rc" -le 128 ] || die "restoring $1.$2.sql failed: $client was killed by signal $((load_rc - 128)), probably out of memory"
  [ "$load_rc" = 0 ] || die "restoring $1.$2.sql failed: $(last_words "$SCRATCH/load.err" "$load_rc")$(room)"
}

# What MySQL measures geometries by, as far as it is not MySQL's own.
spatial_systems() {
  manifest_members "$SCRATCH/manifest.json" | grep -q '^spatial.sql	' || return 0
  get spatial.sql >"$SCRATCH/spatial.sql" || die "spatial.sql of $POINT: $(repository_reason)"
  # One that is there is asked for by no privilege that a role may lack.
  while IFS= read -r spatial_statement; do
    spatial_id=${spatial_statement#create spatial reference system if not exists }
    [ "$(sql information_schema -e "select count(*) from st_spatial_reference_systems where srs_id = ${spatial_id%% *}" </dev/null)" = 0 ] || continue
    printf '%s\n' "$spatial_statement" | sql information_schema || return 1
  done <"$SCRATCH/spatial.sql"
}

# The views of a part without their stand-ins, or these alone.
views_alone() { LC_ALL=C awk -f "$here/views.awk"; } # with WHAT

# The accounts of accounts.tsv that this server lacks: those that exist keep their passwords and privileges, a restore of data
# is no reason to reset them. Leaves in $SCRATCH what makes them (accounts.create) and what they may do (accounts.grant).
missing_accounts() {
  : >"$SCRATCH/accounts.create" && : >"$SCRATCH/accounts.grant"
  manifest_members "$SCRATCH/manifest.json" | grep -q '^accounts.tsv	' || return 0
  get accounts.tsv >"$SCRATCH/accounts.tsv" || die "accounts.tsv of $POINT: $(repository_reason)"
  sql mysql -e "$(accounts_sql)" >"$SCRATCH/accounts.present" 2>"$SCRATCH/accounts.err" || {
    caveat "missing accounts are not created, as the role is not allowed to see which are missing ($(last_words "$SCRATCH/accounts.err" 1))"
    return 0
  }
  # It is there for good once somebody has granted it something.
  if grep -q '^PUBLIC	' "$SCRATCH/accounts.present" && [ -z "$(sql mysql -e 'show grants for public' 2>/dev/null)" ]; then
    sed '/^PUBLIC	/d' "$SCRATCH/accounts.present" >"$SCRATCH/accounts.named" && mv "$SCRATCH/accounts.named" "$SCRATCH/accounts.present"
  fi
  # One for a nearer host would be taken for the account that this restore logs in with, and so would one of nobody's.
  OWN=$(literal "${SERVER_USER:-}") awk -F '\t' '
    NR == FNR { present[$1]; next }
    !($1 in present) && (index($1, ENVIRON["OWN"] "@") == 1 || index($1, "\047\047@") == 1) && !seen[$1]++ { print $1 }' \
    "$SCRATCH/accounts.present" "$SCRATCH/accounts.tsv" >"$SCRATCH/accounts.own"
  if [ -n "${SERVER_HOST:-}" ] && [ -s "$SCRATCH/accounts.own" ]; then
    caveat "these accounts are not created, as they would lock out the account that restores: $(paste -s -d ' ' "$SCRATCH/accounts.own")"
    cat "$SCRATCH/accounts.own" >>"$SCRATCH/accounts.present"
  fi
  # Given without what is taken back again, they might read what was kept from them.
  LC_ALL=C awk -F '\t' 'NR == FNR { present[$1]; next } !($1 in present) && $2 ~ /^REVOKE / && !seen[$1]++ { print $1 }' \
    "$SCRATCH/accounts.present" "$SCRATCH/accounts.tsv" >"$SCRATCH/accounts.revoked"
  revokes=1
  [ ! -s "$SCRATCH/accounts.revoked" ] || revokes=$(sql information_schema -e 'select @@global.partial_revokes') || return 1
  if [ "$revokes" != 1 ]; then
    caveat "these accounts are not created, as they have revokes on single databases and partial_revokes is off on the server: $(paste -s -d ' ' "$SCRATCH/accounts.revoked"). To restore them, set partial_revokes on and restore again"
    cat "$SCRATCH/accounts.revoked" >>"$SCRATCH/accounts.present"
  fi
  awk -F '\t' -v create="$SCRATCH/accounts.create" -v grant="$SCRATCH/accounts.grant" '
    NR == FNR { present[$1]; next }
    !($1 in present) { sub(/^[^\t]*\t/, ""); print >(/^CREATE / ? create : grant) }' "$SCRATCH/accounts.present" "$SCRATCH/accounts.tsv"
}

# ACCOUNT TAB user|role|public, of all but the server's own.
accounts_sql() {
  if [ "$DIALECT" = mariadb ]; then
    # What everybody may has no statement that makes it.
    echo "select if(is_role <> 'Y', concat(quote(user), '@', quote(host)), if(user = 'PUBLIC', user, quote(user))), if(is_role <> 'Y', 'user', if(user = 'PUBLIC', 'public', 'role'))
      from user where user <> 'mariadb.sys' order by 1"
  else
    echo "select concat(quote(user), '@', quote(host)), 'user' from user where user not in ('mysql.sys', 'mysql.session', 'mysql.infoschema') order by 1"
  fi
}

# A view or trigger of somebody is only made where that account exists and may do what it says; and the privilege on a table or
# a routine is only given where it is. So privileges are given as far as they can be, and again when everything is there.
# Those that cannot be given (of objects that are not here, by whoever may not grant them) are no reason to lose the rest.
grant_accounts() { # early|finally
  [ -s "$SCRATCH/accounts.grant" ] || return 0
  sql mysql --force <"$SCRATCH/accounts.grant" 2>"$SCRATCH/grant.err" || :
  [ "$1" = early ] || [ ! -s "$SCRATCH/grant.err" ] || caveat "not every privilege of the created accounts could be granted: $(tr '\n' ' ' <"$SCRATCH/grant.err")"
}
