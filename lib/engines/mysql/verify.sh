#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, and checks it.
set -eu
# A scratch server must know nothing of the production server; these are also read by clients and servers.
unset SERVER_HOST SERVER_PORT SERVER_USER SERVER_PASSWORD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT MYSQL_PWD MYSQL_HOME MYSQL_GROUP_SUFFIX || :
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

server=$SCRATCH/server
child=
trap '[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || :' EXIT
# A retried container finds what the last one left.
rm -rf "$server"
mkdir -p "$server/tmp"
get databases.tsv >"$SCRATCH/databases.tsv" || die "databases.tsv of $POINT: $(repository_reason)"
get settings.tsv >"$SCRATCH/settings.tsv" || die "settings.tsv of $POINT: $(repository_reason)"
setting() { sed -n "s/^$1	//p" "$SCRATCH/settings.tsv"; }

# What decides whether the same tables can be made at all is as in production; the rest is a server that lives for minutes,
# whose durability is worth nothing. Nothing of it acts by itself: no events, no replication, no binary log, no network.
set -- --no-defaults --datadir="$server/data" --tmpdir="$server/tmp" --lower-case-table-names="$(setting lower_case_table_names)" \
  --innodb-page-size="$(setting innodb_page_size)"
# What went wrong, by what the server and its client left behind.
said() {
  # The first error is the cause. It may be no more than the system's number for a full device.
  said_lines=$(grep -hiE '\[error\]|no space|err.* 28|is full' "$server"/*.log "$server"/*.err 2>/dev/null | head -n 2 | tr '\n' ' ')
  said_full=$(room)
  ! printf %s "$said_lines" | grep -qiE 'err[a-z: ]* 28([^0-9]|$)' || said_full=' (No space left on device: the scratch volume is too small)'
  printf '%s%s' "${said_lines:-it gave no reason}" "$said_full"
}
restore_started=$(date +%s)
case $DIALECT in
  mariadb)
    mkdir "$server/data"
    mariadb-install-db "$@" --auth-root-authentication-method=normal --skip-test-db --force >"$server/init.log" 2>"$server/init.err" ||
      die "the scratch server's data directory could not be made: $(said)"
    set -- "$@" --skip-slave-start
    ;;
  *)
    mysqld "$@" --initialize-insecure --innodb-doublewrite=OFF 2>"$server/init.err" ||
      die "the scratch server's data directory could not be made: $(said)"
    # The plugin of old passwords is there up to 8.4, and not loaded from 8.4 on.
    set -- "$@" --skip-replica-start --mysqlx=OFF --loose-mysql-native-password=ON
    ;;
esac
# What it lets in is what production lets in; what a restore then lends itself, a verification does too.
for name in max_allowed_packet sql_mode innodb_strict_mode innodb_default_row_format explicit_defaults_for_timestamp sql_require_primary_key \
  innodb_force_primary_key partial_revokes log_bin_trust_function_creators innodb_ft_min_token_size ft_min_word_len; do
  ! grep -q "^$name	" "$SCRATCH/settings.tsv" || set -- "$@" "--loose-$(echo "$name" | tr _ -)=$(setting "$name")"
done
"$daemon" "$@" --socket="$server/socket" --pid-file="$server/pid" --log-error="$server/server.log" --skip-networking --skip-log-bin \
  --event-scheduler=OFF --character-set-server="$(setting character_set_server)" --collation-server="$(setting collation_server)" \
  --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF \
  --innodb-buffer-pool-size=256M --performance-schema=OFF >/dev/null 2>"$server/server.err" &
child=$!
printf '[client]\nsocket=%s\nprotocol=SOCKET\nuser=root\n' "$server/socket" >"$defaults"
tries=0
until sql information_schema -e 'select 1' >/dev/null 2>"$server/client.err"; do
  tries=$((tries + 1))
  if ! kill -0 "$child" 2>/dev/null || [ "$tries" -ge 300 ]; then
    die "the scratch server did not start: $(said)"
  fi
  sleep 0.2
done

lend_settings
cp "$SCRATCH/facts.expected" "$SCRATCH/facts.manifest"
comparable_checksums
missing_accounts
# An account whose way to log in needs a plugin that this image lacks or has not loaded, or a password that the server's rules want
# otherwise, is made without one: what belongs to it can then be made, too.
sql mysql --force <"$SCRATCH/accounts.create" 2>"$SCRATCH/accounts.err" || :
if [ -s "$SCRATCH/accounts.err" ]; then
  attempt 'listing the accounts' sql mysql -e "$(accounts_sql)" >"$SCRATCH/accounts.present"
  awk -F '\t' 'FILENAME == ARGV[1] { present[$1]; next } $2 ~ /^CREATE USER / && !($1 in present) { print $1 }' \
    "$SCRATCH/accounts.present" "$SCRATCH/accounts.tsv" >"$SCRATCH/accounts.odd"
  sed 's/.*/create user &;/' "$SCRATCH/accounts.odd" >"$SCRATCH/accounts.bare"
  attempt 'making the accounts' sql mysql <"$SCRATCH/accounts.bare"
  caveat "these accounts could be created here only without their authentication method: $(paste -s -d ' ' "$SCRATCH/accounts.odd") ($(last_words "$SCRATCH/accounts.err" 1))"
fi
# Events only have to be made, not to act: a time zone by this name will do.
missing_zones >"$SCRATCH/zones.missing"
zone_number=9000
while IFS= read -r zone; do
  zone_number=$((zone_number + 1))
  sql mysql -e "insert into time_zone (time_zone_id, use_leap_seconds) values ($zone_number, 'N');
    insert into time_zone_transition_type (time_zone_id, transition_type_id, \`offset\`, is_dst, abbreviation) values ($zone_number, 0, 0, 0, 'ANY');
    insert into time_zone_name (name, time_zone_id) values ($(literal "$zone"), $zone_number)"
done <"$SCRATCH/zones.missing"
sed -n 's/^\([^	]*\)	name	.*/\1/p' "$SCRATCH/databases.tsv" >"$SCRATCH/slugs"
while read -r slug; do make_database "$slug" "$(property "$slug" name)"; done <"$SCRATCH/slugs"
attempt 'making spatial reference systems' spatial_systems
attempt 'making sequences' stand_in_sequences cat
own_engines() { # of those that make nothing but tables here
  for engine in archive blackhole; do
    ! grep -q "^\"engine/.*/$engine\":" "$SCRATCH/facts.expected" || sql information_schema -e "install soname 'ha_$engine'" 2>/dev/null || :
  done
}
[ "$DIALECT" != mariadb ] || own_engines
attempt 'asking for storage engines' lacking_engines <"$SCRATCH/facts.expected" >"$SCRATCH/engines.lacking"
[ ! -s "$SCRATCH/engines.lacking" ] ||
  caveat "this image has no storage engine $(paste -s -d , "$SCRATCH/engines.lacking" | sed 's/,/, /g'): tables of it were verified as InnoDB"
without_keys() { LC_ALL=C awk -f "$here/scratch.awk"; }
# Part by part, not database by database: views and triggers may reach into other databases.
for part in tables routines triggers stand-ins views events; do
  [ "$part" != triggers ] || grant_accounts early
  while read -r slug; do
    name=$(property "$slug" name)
    case $part in
      tables) load "$slug" tables "$name" without_keys ;;
      stand-ins | views) WHAT=$part load "$slug" views "$name" views_alone ;;
      *) load "$slug" "$part" "$name" ;;
    esac
    [ "$part" != tables ] || log "restored the tables of database \"$name\""
  done <"$SCRATCH/slugs"
done
grant_accounts finally
outcome restoreSeconds "$(($(date +%s) - restore_started))"

while read -r slug; do
  name=$(property "$slug" name)
  {
    attempt "counting in database $name" objects_of "$name" "$name"
    attempt "counting rows in database $name" rows_of "$name" "$name" "$(property "$slug" history)"
    attempt "summing up the rows of database $name" checksums_of "$name" "$name"
  } >>"$SCRATCH/facts"
  sql information_schema -e "select concat('check table ', $(literal "$(ident "$name")"), '.', $(ident_of table_name), ';') from tables
    where $(same table_schema "$name") and $is_table" >"$SCRATCH/check.sql"
  attempt "checking the tables of database $name" sql information_schema <"$SCRATCH/check.sql" >"$SCRATCH/checked"
  # An engine that knows no check says so in a note.
  bad=$(awk -F '\t' '$3 == "Error" || $3 == "error" || $3 == "warning" || ($3 == "status" && $4 != "OK") { print $1 ": " $4 }' "$SCRATCH/checked" | head -n 3 | tr '\n' ' ')
  [ -z "$bad" ] || die "check table reports for database $name: $bad"
done <"$SCRATCH/slugs"
fact databases "$(wc -l <"$SCRATCH/slugs" | tr -d ' ')"
without_engines <"$SCRATCH/facts.expected" >"$SCRATCH/facts.comparable"
without_engines <"$SCRATCH/facts" >"$SCRATCH/facts.found"
compare_facts "$SCRATCH/facts.comparable" "$SCRATCH/facts.found"
# What could not be compared here a caveat names; whoever compares again knows all of it.
cp "$SCRATCH/facts.manifest" "$SCRATCH/facts"

# Asked last: an assertion is the user's own statement, and may do anything to this server.
ask() { sql "$1"; }
check_assertions ask
