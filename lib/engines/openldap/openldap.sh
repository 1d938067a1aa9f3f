# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment:
#   LDAP_URI, LDAP_START_TLS, LDAP_USERNAME, LDAP_PASSWORD   where the server is, `yes` for StartTLS, and as whom to ask it; not in a
#                      verification. LDAPTLS_CACERT is libldap's own
#   SUFFIXES           the suffixes that are backed up, a line each; empty: all
#   ALLOW_EMPTY        `yes`: a server without an entry is no reason to fail
#   ALLOW_PARTIAL      `yes`: an account that is not known to see everything is no reason to fail
#   CONFIG_DIRECTORY   the directory of cn=config, as the server sees it
#   MOUNTS             where directories of the server's are in its data directory: a line each, path, tab, path
#
# A recovery point has the members config.ldif (cn=config), suffixes (a line each: number, tab, suffix) and data-<number>.ldif, as
# clean.awk leaves them. Its facts are, for cn=config and for each suffix:
#   entries/SUFFIX    how many entries it has
#   checksum/SUFFIX   of all lines of all entries, in whatever order these come: the first 52 bits of a SHA-256
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# Everything that is stored, and as it is stored: with ManageDsaIT referrals are entries, and dynlist adds no members of its own (slapo-dynlist(5));
# aliases are not followed. A limit that is not asked for is the server's soft one.
ldif() { ldapsearch -x -LLL -o ldif-wrap=no -o nettimeout=15 -MM -a never -z max -l max "$@"; }

ask_server() { # ARGUMENTS...: of ldapsearch, to the server
  printf %s "$LDAP_PASSWORD" >"$SCRATCH/password"
  [ "$LDAP_START_TLS" != yes ] || set -- -ZZ "$@"
  ldif -H "$LDAP_URI" -D "$LDAP_USERNAME" -y "$SCRATCH/password" "$@"
}

# Entries of administration are in no answer beside others, only in one of their own (RFC 3672, "Subentries Control").
all_below() { # ASK BASE ATTRIBUTES...: ASK is the function that asks
  all_ask=$1 all_base=$2
  shift 2
  "$all_ask" -b "$all_base" '(objectClass=*)' "$@" || return
  # cn=config has none, and does not know the question.
  [ "$all_base" = cn=config ] || "$all_ask" -b "$all_base" -E '!subentries=true' '(objectClass=*)' "$@"
}

# What programs say of entries is data.
without_names() { sed -e 's/dn="[^"]*"/dn="..."/g' -e 's/<[^>]*>/<...>/g' -e 's/^\(Matched DN\): .*/\1: .../' -e 's/"[^"]*"/"..."/g' -e 's/\(entry [0-9]*\): .*/\1: .../'; }

clean() { awk -f "$BACKUP_HOME/engine/clean.awk"; }

# Lines of cn=config that are base64 in one program's words and plain in another's; values of it are text. One of several lines stays
# base64, where nothing is said that breaks them instead.
plain_config() { # [BREAK]
  while IFS= read -r plain_line; do
    case $plain_line in
      olc*':: '*)
        plain_value=$(printf %s "${plain_line#*:: }" | base64 -d; echo .)
        plain_value=${plain_value%.}
        case ${1:+broken}$plain_value in
          broken*) plain_value=$(printf %s "$plain_value" | tr '\n' "$1"; echo .) plain_value=${plain_value%.} ;;
          *"$NEWLINE"*) printf '%s\n' "$plain_line" && continue ;;
        esac
        printf '%s: %s\n' "${plain_line%%:*}" "$plain_value"
        ;;
      *) printf '%s\n' "$plain_line" ;;
    esac
  done
}
NEWLINE='
'

count_entries() { grep -c '^dn:' "$1" || :; } # FILE

note_facts() { # SUFFIX FILE
  fact "entries/$1" "$(count_entries "$2")"
  awk '/^dn:/ { dn = $0; next } /./ { print dn "\t" $0 }' "$2" >"$WORK/lines" || die 'the entries could not be listed: is the scratch volume full?'
  attempt 'sorting the entries' env LC_ALL=C sort -T "$WORK" -o "$WORK/lines" "$WORK/lines"
  note_digest=$(sha256sum <"$WORK/lines" | cut -c 1-13)
  fact "checksum/$1" "$(printf '%d' "0x$note_digest")"
  rm -f "$WORK/lines"
}

# Of each database of cn=config a line, tab-separated: type, directory, what its searches change, whether USER is known to see all of
# it, its suffix.
databases() { # CONFIG USER
  plain_config ' ' <"$1" | WHO=$2 awk -f "$BACKUP_HOME/engine/databases.awk"
}

same_dn() { # DN DN
  awk 'function norm(dn) { dn = tolower(dn); gsub(/ *, */, ",", dn); gsub(/ *= */, "=", dn); return dn } BEGIN { exit norm(ARGV[1]) != norm(ARGV[2]) }' "$1" "$2"
}

# ---- a scratch server, reachable through a socket in this container only -------------------------------------------
# It has the schema, the modules and the indexes of the original, and neither its overlays, which write by themselves, nor its replication.

fetch_point() { # into $WORK
  fetch config.ldif "$WORK/config.ldif"
  fetch suffixes "$WORK/suffixes"
  databases "$WORK/config.ldif" nobody >"$WORK/databases"
}

directory_of() { # SUFFIX: its database's, as the original sees it
  # What -v takes, awk reads as its own words: a backslash would be lost.
  SUFFIX=$1 awk -F '\t' '$5 == ENVIRON["SUFFIX"] && $1 == "mdb" { print $2; exit }' "$WORK/databases"
}

# Where a path of the server's is in its data directory, '.' for that itself; a server takes any spelling of it.
in_data() { # PATH
  printf '%s\n' "$MOUNTS" | LOOKED_FOR=$1 awk -F '\t' '
    function spelt(path) { while (gsub(/\/\.?\//, "/", path)); while (sub(/\/\.?$/, "", path)); return path }
    BEGIN { path = spelt(ENVIRON["LOOKED_FOR"]) }
    { prefix = spelt($1) }
    (path == prefix || index(path, prefix "/") == 1) && length(prefix) >= best { best = length(prefix); found = 1; rest = substr(path, length(prefix) + 2); below = $2 }
    END { if (!found || path ~ /\/\.\.(\/|$)/) exit 1; place = below (below != "" && rest != "" ? "/" : "") rest; print place == "" ? "." : place }'
}

# Runs slapadd, whose words name entries.
add_ldif() { # WHAT FILE ARGUMENTS...
  add_what=$1 add_file=$2
  shift 2
  slapadd -l "$add_file" "$@" >"$SCRATCH/slapadd.log" 2>&1 && return 0 || add_rc=$?
  without_names <"$SCRATCH/slapadd.log" | grep -v '^\.*$\|^_*#\|100.00%' >"$SCRATCH/slapadd.words" || :
  # The database is mapped into memory, where a full volume is no error but a signal.
  ! grep -qiE 'err=17|(attribute|objectclass).* undefined|undefined attribute' "$SCRATCH/slapadd.log" ||
    echo 'error: an entry has an attribute that no schema in cn=config defines (any more): add its schema to cn=config again, or remove such values from the entries' >>"$SCRATCH/slapadd.words"
  [ "$add_rc" != 135 ] || echo 'error: No space left on device, most likely' >>"$SCRATCH/slapadd.words"
  die "$add_what could not be loaded: $(last_words "$SCRATCH/slapadd.words" "$add_rc")"
}

# Loads all entries into databases whose files are where PLACE says.
load_point() { # PLACE: a function that prints where the files of the database in a directory of the original's go
  rm -rf "$SCRATCH/server"
  mkdir -p "$SCRATCH/server"
  : >"$SCRATCH/directories"
  while IFS="$(printf '\t')" read -r _ base_dn; do
    directory=$(directory_of "$base_dn")
    [ -n "$directory" ] || die "the configuration of $POINT has no database for $base_dn"
    load_place=$("$1" "$directory")
    mkdir -p "$load_place"
    printf '%s\t%s\n' "$directory" "$load_place" >>"$SCRATCH/directories"
  done <"$WORK/suffixes"
  plain_config ' ' <"$WORK/config.ldif" | awk -v places="$SCRATCH/directories" -f "$BACKUP_HOME/engine/scratch.awk" >"$WORK/scratch.ldif"
  add_ldif 'the schema' "$WORK/scratch.ldif" -F "$SCRATCH/server" -n 0
  rm -f "$WORK/scratch.ldif"
  while IFS="$(printf '\t')" read -r number base_dn; do
    fetch "data-$number.ldif" "$WORK/data.ldif"
    # What an older server let in comes back, too: it is compared with what was there, not with what its schema says.
    [ ! -s "$WORK/data.ldif" ] || add_ldif "$base_dn" "$WORK/data.ldif" -F "$SCRATCH/server" -b "$base_dn" -q -s
    rm -f "$WORK/data.ldif"
  done <"$WORK/suffixes"
}

scratch_uri() { printf 'ldapi://%s' "$(printf %s "$SCRATCH/server.socket" | sed 's|/|%2F|g')"; }
ask_scratch() { ldif -H "$(scratch_uri)" "$@"; }

start_scratch_server() {
  rm -f "$SCRATCH/server.socket"
  slapd -d 0 -F "$SCRATCH/server" -h "$(scratch_uri)" >"$SCRATCH/server.log" 2>&1 &
  scratch_server=$!
  trap 'kill -KILL "$scratch_server" 2>/dev/null || :' EXIT
  until ask_scratch -s base -b '' 1.1 >/dev/null 2>&1; do
    kill -0 "$scratch_server" 2>/dev/null || {
      wait "$scratch_server" && server_rc=0 || server_rc=$?
      without_names <"$SCRATCH/server.log" >"$SCRATCH/server.words"
      die "the scratch server did not start: $(last_words "$SCRATCH/server.words" "$server_rc")"
    }
    sleep 0.1
  done
}

stop_scratch_server() {
  kill -INT "$scratch_server" 2>/dev/null || :
  wait "$scratch_server" || :
  trap - EXIT
}

# Notes the facts of what the scratch server answers, and compares them; those of cn=config are noted before.
check_scratch_server() {
  while IFS="$(printf '\t')" read -r _ base_dn <&4; do
    all_below ask_scratch "$base_dn" '*' '+' >"$WORK/raw.ldif" 2>"$SCRATCH/scratch.err" && ask_rc=0 || ask_rc=$?
    # A database without an entry has no base either.
    [ "$ask_rc" = 0 ] || [ "$ask_rc" = 32 ] || die "the scratch server did not return $base_dn: $(without_names <"$SCRATCH/scratch.err" >"$SCRATCH/scratch.words"; last_words "$SCRATCH/scratch.words" "$ask_rc")"
    clean <"$WORK/raw.ldif" >"$WORK/data.ldif"
    note_facts "$base_dn" "$WORK/data.ldif"
    rm -f "$WORK/raw.ldif" "$WORK/data.ldif"
  done 4<"$WORK/suffixes"
  compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
}

# Makes a directory of cn=config from the recovery point, and notes the facts of what it holds then. Databases have to have their
# directories while it is made: each gets one here, by a short name, that is replaced in the files afterwards.
make_config() { # DIRECTORY
  rm -rf "$SCRATCH/of"
  mkdir -p "$1" "$SCRATCH/of"
  cut -f 2 "$WORK/databases" | grep . | LC_ALL=C sort -u >"$SCRATCH/of/names" || :
  awk -v folder="$SCRATCH/of" '{ print "olcDbDirectory: " $0 "\t" folder "/" NR }' "$SCRATCH/of/names" >"$SCRATCH/of/map"
  cut -f 2 "$SCRATCH/of/map" | while IFS= read -r made; do mkdir -p "$made"; done
  plain_config <"$WORK/config.ldif" >"$WORK/config.plain"
  plain_directories() { # replaces what the map says in either direction
    awk -F '\t' -v map="$SCRATCH/of/map" -v back="$1" '
      BEGIN { while ((getline line <map) > 0) { split(line, part, "\t"); there = part[1]; here = "olcDbDirectory: " part[2]; if (back) new[here] = there; else new[there] = here } }
      { print ($0 in new) ? new[$0] : $0 }'
  }
  # Lines that are base64 stay so, but for directories.
  awk -v plain="$WORK/config.plain" '{ getline other <plain; print /^olcDbDirectory:/ ? other : $0 }' "$WORK/config.ldif" | plain_directories '' >"$WORK/config.here"
  add_ldif cn=config "$WORK/config.here" -F "$1" -n 0
  slapcat -F "$1" -n 0 -o ldif-wrap=no 2>"$SCRATCH/slapcat.err" | clean | plain_config | plain_directories back >"$WORK/config.plain"
  note_facts cn=config "$WORK/config.plain"
  find "$1" -name 'olcDatabase=*.ldif' | while IFS= read -r file; do
    grep -q '^olcDbDirectory:' "$file" || continue
    tail -n +3 "$file" | plain_directories back >"$WORK/file"
    # The second line is the CRC-32 of those after it, which a gzip ends with, too.
    crc=$(gzip -c <"$WORK/file" | tail -c 8 | head -c 4 | od -A n -t x1 | awk '{ print $4 $3 $2 $1 }')
    { head -n 1 "$file"; printf '# CRC32 %s\n' "$crc"; cat "$WORK/file"; } >"$WORK/file.new"
    cat "$WORK/file.new" >"$file" || exit 1
  done || die 'the configuration could not be written'
  rm -rf "$WORK/file" "$WORK/file.new" "$WORK/config.here" "$WORK/config.plain" "$SCRATCH/of"
}
