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
#   databases.tsv          per database: <slug> TAB name|charset|collation|part TAB <value>
#   accounts.tsv           per account: <account> TAB <a statement that makes it, or grants it something>
#   settings.tsv           the server's variables, for whoever has to make another one
#   binlog-position        per database, when the role may ask: <file> TAB <position> TAB <GTID position, or empty> TAB <database>:
#                          where in the binary log the snapshot of its tables is
#   <slug>.tables.sql      tables, sequences and rows, in one snapshot
#   <slug>.routines.sql    procedures, functions and packages
#   <slug>.triggers.sql, <slug>.views.sql, <slug>.events.sql
# Statements name no database, so that each can be restored under any name; and what acts by itself (triggers, events) is apart
# from what it acts on, so that a restore decides when it begins to act. A part that a database has nothing of is left out.
# shellcheck source=lib/shell/lib.sh
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
ident() { printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')"; }
literal() { printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"; }
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
"*) refuse "the $1 in the credentials holds a line break, which no option file can" ;; esac
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

# Asks; a line per row, its columns separated by tabs. Without --force it stops at the first error.
sql() { # DATABASE CLIENT-ARGUMENTS...
  sql_database=$1
  shift
  "$client" --defaults-file="$defaults" --batch --raw --skip-column-names --binary-mode --default-character-set=utf8mb4 --connect-timeout=15 \
    --init-command="set session sql_mode = '', group_concat_max_len = 1073741824, lock_wait_timeout = $LOCK_TIMEOUT" --database="$sql_database" "$@"
}

# Runs a dump from stdin. With comments: some clients leave them out of the routines they make.
run_dump() { # DATABASE CLIENT-ARGUMENTS...
  run_database=$1
  shift
  "$client" --defaults-file="$defaults" --batch --binary-mode --comments --default-character-set=utf8mb4 --connect-timeout=15 --max-allowed-packet=1G \
    --init-command="set session lock_wait_timeout = $LOCK_TIMEOUT" --database="$run_database" "$@"
}

# Refuses a server that this image's programs are not for. Leaves its version in $version.
check_server() {
  attempt 'asking the server for its version' sql information_schema -e 'select version()' >"$SCRATCH/version"
  version=$(cat "$SCRATCH/version")
  case $version in *[Mm]aria*) found=MariaDB ;; *) found=MySQL ;; esac
  [ "$found" = "$product" ] ||
    refuse "the server is $found $version, and this job has the programs of $product: what one dumps the other cannot read. Write Engine.$(echo "$found" | tr '[:upper:]' '[:lower:]')"
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

# What facts.awk counts in the dump, counted in a database.
objects_of() { # DATABASE NAME: of DATABASE, under the name it had when it was dumped
  objects_tables="select table_name from information_schema.tables where $(same table_schema "$1") and $is_table"
  sql information_schema >"$SCRATCH/objects" <<SQL || return 1
select 'tables', '', count(*) from tables where $(same table_schema "$1") and $is_table having count(*) > 0;
select 'sequences', '', count(*) from tables where $(same table_schema "$1") and table_type = 'SEQUENCE' having count(*) > 0;
select 'columns', '', count(*) from columns where $(same table_schema "$1") and table_name in ($objects_tables) having count(*) > 0;
select 'indexes', '', count(*) from (select distinct table_name, index_name from statistics where $(same table_schema "$1")) i having count(*) > 0;
select 'foreign-keys', '', count(*) from referential_constraints where $(same constraint_schema "$1") having count(*) > 0;
select 'routines', '', count(*) from routines where $(same routine_schema "$1") having count(*) > 0;
select 'triggers', '', count(*) from triggers where $(same trigger_schema "$1") having count(*) > 0;
select 'views', '', count(*) from views where $(same table_schema "$1") having count(*) > 0;
select 'events', '', count(*) from events where $(same event_schema "$1") and event_type = 'RECURRING' and ends is null having count(*) > 0;
SQL
  as_facts "$2" <"$SCRATCH/objects"
}

rows_of() { # DATABASE NAME
  # Dumps hold no rows of tables that only show those of others.
  sql information_schema >"$SCRATCH/counts.sql" <<SQL || return 1
select concat('select ''rows'', ', quote(table_name), ', count(*) from ', $(literal "$(ident "$1")"), '.', $(ident_of table_name), ';')
from tables where $(same table_schema "$1") and $is_table and engine not in ('MRG_MyISAM', 'FEDERATED', 'CONNECT', 'SPIDER') order by table_name;
SQL
  sql information_schema <"$SCRATCH/counts.sql" >"$SCRATCH/counts" || return 1
  as_facts "$2" <"$SCRATCH/counts"
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

make_database() { # SLUG TARGET
  sql information_schema -e "create database $(ident "$2") character set $(property "$1" charset) collate $(property "$1" collation)"
}

# What a server often cannot say any more: that there is no room left, not even to say so.
room() {
  room_left=$(df -P -k "$SCRATCH" | awk 'NR == 2 { print $4 }')
  [ "$room_left" -ge 8192 ] || printf ' (the scratch volume is full: %s KiB are left)' "$room_left"
}

# Streams a part into a database; a database without it is none the worse. FILTER, a program from stdin to stdout, may change it.
load() { # SLUG PART DATABASE [FILTER]
  has_part "$1" "$2" || return 0
  rm -f "$SCRATCH/get.failed"
  load_rc=0
  {
    get "$1.$2.sql" || echo $? >"$SCRATCH/get.failed"
  } | ${4:-cat} | run_dump "$3" 2>"$SCRATCH/load.err" || load_rc=$?
  cat "$SCRATCH/load.err" >&2
  # When the reader fails, the client does not notice; when the client fails, the reader's pipe breaks: 141 is the one that came second.
  if [ -e "$SCRATCH/get.failed" ] && [ "$(cat "$SCRATCH/get.failed")" != 141 ]; then die "$(repository_reason)"; fi
  [ "$load_rc" -le 128 ] || die "restoring $1.$2.sql failed: $client was killed by signal $((load_rc - 128)), as happens when memory runs out"
  [ "$load_rc" = 0 ] || die "restoring $1.$2.sql failed: $(last_words "$SCRATCH/load.err" "$load_rc")$(room)"
}

# The accounts of accounts.tsv that this server lacks: those that exist keep their passwords and privileges, a restore of data
# is no reason to reset them. Leaves in $SCRATCH what makes them (accounts.create) and what they may do (accounts.grant).
missing_accounts() {
  : >"$SCRATCH/accounts.create" && : >"$SCRATCH/accounts.grant"
  manifest_members "$SCRATCH/manifest.json" | grep -q '^accounts.tsv	' || return 0
  get accounts.tsv >"$SCRATCH/accounts.tsv" || die "accounts.tsv of $POINT: $(repository_reason)"
  attempt 'listing the accounts' sql mysql -e "$(accounts_sql)" >"$SCRATCH/accounts.present"
  awk -F '\t' -v create="$SCRATCH/accounts.create" -v grant="$SCRATCH/accounts.grant" '
    NR == FNR { present[$1]; next }
    !($1 in present) { sub(/^[^\t]*\t/, ""); print >(/^CREATE / ? create : grant) }' "$SCRATCH/accounts.present" "$SCRATCH/accounts.tsv"
}

# ACCOUNT TAB user|role, of all but the server's own.
accounts_sql() {
  if [ "$DIALECT" = mariadb ]; then
    echo "select if(is_role = 'Y', quote(user), concat(quote(user), '@', quote(host))), if(is_role = 'Y', 'role', 'user')
      from user where user not in ('mariadb.sys', 'PUBLIC') order by 1"
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
  [ "$1" = early ] || [ ! -s "$SCRATCH/grant.err" ] || log "WARNING: these privileges of new accounts could not be given: $(grep -v '^$\|^-*$' "$SCRATCH/grant.err" | tr '\n' ' ')"
}
