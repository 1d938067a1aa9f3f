#!/bin/sh
# Dumps the configuration (cn=config) and every suffix, by the protocol.
#
# Not by slapcat: a backup sees the server's volume to read only, where LMDB, the database below, reads without its lock file
# (mdb_env_setup_locks). The server then writes over pages that are being read.
#
# A search of many entries is no snapshot. So the names, the identities (entryUUID) and the states (entryCSN) of all entries are
# read before and after it, and all of the entries where some have none of the latter. Where they are the same as in the dump, that is
# what the directory held at one instant.
set -eu
# shellcheck source=lib/engines/openldap/openldap.sh
. "$BACKUP_HOME/engine/openldap.sh"
WORK=$SCRATCH/work
FULL='the answer of the server could not be written: is the scratch volume full?'
rm -rf "$WORK"
mkdir "$WORK"

# What ends before its end is no dump, whatever came until then.
read_to() { # WHAT FILE ASK-ARGUMENTS...
  read_what=$1 read_file=$2
  shift 2
  rm -f "$SCRATCH/search.failed"
  # The client does not look at whether its output could be written.
  { all_below ask_server "$@" 2>"$SCRATCH/search.err" || echo $? >"$SCRATCH/search.failed"; } | cat >"$read_file" || die "$FULL"
  [ -e "$SCRATCH/search.failed" ] || return 0
  read_rc=$(cat "$SCRATCH/search.failed")
  : "${read_rc:=1}"
  # What the library says of itself is a negative number, and not a signal.
  [ "$read_rc" -lt 200 ] || read_rc=1
  without_names <"$SCRATCH/search.err" >&2
  case $read_rc in
    3 | 4 | 11)
      refuse "the server cut its answer short ($(tail -n 1 "$SCRATCH/search.err")), so entries of $read_what are missing: set olcLimits of its database to: dn.exact=\"$LDAP_USERNAME\" size=unlimited time=unlimited"
      ;;
    # There is no such entry, or none that this account may see.
    32 | 50) return "$read_rc" ;;
  esac
  without_names <"$SCRATCH/search.err" >"$SCRATCH/search.words"
  die "reading $read_what failed: $(last_words "$SCRATCH/search.words" "$read_rc")"
}

# Of each entry a line, tab-separated: identity, state, name. What has no identity has its name; what has no state that can be relied on has
# all its lines. Only the newest state of all entries (contextCSN) is no entry's own.
list() { # FILE
  awk -v whole="$whole" '
    function say() { if (dn != "") print (uuid == "" ? dn : uuid) "\t" (whole ? lines : csn) "\t" dn; dn = uuid = csn = lines = "" }
    /^dn:/ { say(); dn = $0; next } /^entryUUID: / { uuid = $2 } /^entryCSN: / { csn = $2 }
    whole && /./ && !/^contextCSN: / { lines = lines " " $0 }
    END { say() }' "$1" | LC_ALL=C sort -T "$WORK"
}

read_list() { # SUFFIX LIST
  if [ -z "$whole" ]; then
    read_to "$1" "$WORK/list" "$1" entryUUID entryCSN || return
    list "$WORK/list" >"$2" || die "$FULL"
  else
    read_to "$1" "$WORK/raw.ldif" "$1" '*' '+' || return
    clean <"$WORK/raw.ldif" >"$WORK/list" || die "$FULL"
    list "$WORK/list" >"$2" || die "$FULL"
  fi
  rm -f "$WORK/list" "$WORK/raw.ldif"
}

# How many entries have no identity or no state: those of a time without olcLastMod, what a replica glues others together with (glue), and what
# slapo-accesslog makes for its own.
count_nameless() { # FILE
  awk 'function count() { if (dn != "" && !(uuid && csn)) nameless++; dn = ""; uuid = csn = 0 }
    /^dn:/ { count(); dn = $0 } /^entryUUID: / { uuid = 1 } /^entryCSN: / { csn = 1 }
    END { count(); print nameless + 0 }' "$1"
}

same() { [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]; } # FILE FILE

# Whether what was written meanwhile leaves a dump whose entries are all there, in $changed: how many are of another moment.
judge_changes() {
  # In words: an entry was there all the time and is not in the dump, is in it twice, or had another name at another time. Of one that has
  # no identity, nobody can tell whether it came, or had another name before.
  awk -F '\t' '
    FILENAME == ARGV[1] { before[$1] = $3; if ($1 == $3) unknown[$1]++; next }
    FILENAME == ARGV[2] { if ($1 in dumped) { moved++; next } dumped[$1] = $3; state[$1] = $2; next }
    {
      if ($1 == $3) unknown[$1]++
      if ($1 in dumped) { if (dumped[$1] != $3) moved++; else if (state[$1] != $2) changed++; seen[$1] }
      else if ($1 in before) moved++
      else changed++
    }
    END {
      for (id in unknown) if (unknown[id] != 2 || !(id in dumped)) moved++
      for (id in dumped) {
        if (id in before && before[id] != dumped[id]) moved++
        if (!(id in seen)) changed++
      }
      print moved + 0, changed + 0
    }' "$WORK/before" "$WORK/dumped" "$WORK/after" >"$WORK/judged"
  read -r moved changed <"$WORK/judged"
  [ "$moved" = 0 ]
}

read_suffix() { # SUFFIX, into $WORK/data.ldif
  tries=0 passing=0
  whole=
  ! grep -qi '^olcLastMod: FALSE' "$WORK/config.ldif" || whole=yes
  while :; do
    tries=$((tries + 1))
    read_rc=0
    read_list "$1" "$WORK/before" || read_rc=$?
    if [ "$read_rc" = 32 ]; then
      : >"$WORK/data.ldif"
      return 0
    fi
    [ "$read_rc" = 0 ] || refuse "$LDAP_USERNAME is not allowed to read $1: grant it what PREREQUISITES.md says"
    read_to "$1" "$WORK/raw.ldif" "$1" '*' '+' || die "$1 was removed while it was being read"
    clean <"$WORK/raw.ldif" >"$WORK/data.ldif" || die "$FULL"
    passing=$(grep -c '^entryTtl:' "$WORK/raw.ldif") || :
    rm -f "$WORK/raw.ldif"
    list "$WORK/data.ldif" >"$WORK/dumped" || die "$FULL"
    nameless=$(count_nameless "$WORK/data.ldif")
    if [ "$nameless" != 0 ] && [ -z "$whole" ]; then
      ! grep -qxF -e "$1" "$WORK/unknown" ||
        refuse "$nameless entries of $1 show $LDAP_USERNAME no entryUUID or entryCSN: grant it what PREREQUISITES.md says"
      whole=yes tries=0
      continue
    fi
    read_list "$1" "$WORK/after" || die "$1 was removed while it was being read"
    ! same "$WORK/dumped" "$WORK/after" || ! same "$WORK/before" "$WORK/after" || return 0
    log "$1 changed while it was being read (try $tries of 3)"
    [ "$tries" -ge 3 ] || continue
    judge_changes ||
      die "in each of 3 tries, entries of $1 were renamed or moved while it was being read ($moved in the last), so some may be missing: back up at a quieter time, or from a replica whose replication is paused"
    [ "$changed" = 0 ] ||
      caveat "$1 changed while it was being read: each entry is complete, but $changed of $(count_entries "$WORK/data.ldif") are from a different moment than the rest, as LDAP has no snapshots"
    return 0
  done
}

# ---- the configuration, which says what else there is -----------------------------------------------------------------
read_config() { # into $WORK/config.ldif
  read_rc=0
  read_to cn=config "$WORK/raw.ldif" cn=config '*' '+' || read_rc=$?
  clean <"$WORK/raw.ldif" >"$WORK/config.ldif" || die "$FULL"
  if [ "$read_rc" != 0 ] || [ ! -s "$WORK/config.ldif" ]; then
    refuse "$LDAP_USERNAME is not allowed to read cn=config, which holds the databases and the schema; without the schema no entry can be restored. Grant it what PREREQUISITES.md says"
  fi
}
tries=0
while :; do
  tries=$((tries + 1))
  read_config
  [ ! -e "$WORK/config.before" ] || ! same "$WORK/config.ldif" "$WORK/config.before" || break
  [ "$tries" -le 4 ] || die 'cn=config keeps changing while it is being read: back up again when nobody changes it'
  mv "$WORK/config.ldif" "$WORK/config.before"
done
databases "$WORK/config.ldif" "$LDAP_USERNAME" >"$WORK/databases" || die "$FULL"

partial=
is_known() { # SUFFIX KNOWN
  [ "$2" != yes ] || return 0
  partial="$partial${partial:+; }$1"
}
is_wanted() { # SUFFIX
  [ -n "$SUFFIXES" ] || return 0
  printf '%s\n' "$SUFFIXES" >"$WORK/wanted"
  while IFS= read -r wanted; do
    ! same_dn "$wanted" "$1" || { printf '%s\n' "$wanted" >>"$WORK/found"; return 0; }
  done <"$WORK/wanted"
  return 1
}
: >"$WORK/found"
: >"$WORK/suffixes"
: >"$WORK/unknown"
number=0
while IFS="$(printf '\t')" read -r type directory changer known base_dn; do
  case $type in
    config) is_known cn=config "$known" && continue ;;
    frontend | monitor | null | nested) continue ;;
  esac
  called=${base_dn:-the empty suffix}
  if [ -z "$base_dn" ] && [ -n "$SUFFIXES" ] || ! is_wanted "$base_dn"; then
    caveat "$called is not backed up: suffixes does not name it"
    continue
  fi
  case $type in
    mdb) ;;
    ldap | meta | asyncmeta | relay | dnssrv)
      caveat "$called is not backed up: its entries belong to another server or database (back-$type)"
      continue
      ;;
    *) refuse "$called is stored by back-$type, which this engine cannot restore: move it to mdb, or name only the other suffixes" ;;
  esac
  [ -n "$base_dn" ] || refuse 'a database has an empty suffix, or none, which this engine cannot restore: give it one, or name only the other suffixes'
  case $changer in
    -) ;;
    shut) refuse "the database of $base_dn is hidden or disabled (olcHidden, olcDisabled), so nobody can read it: name only the other suffixes" ;;
    subordinate) refuse "the database of $base_dn is glued to the one above it (olcSubordinate), which this engine cannot restore: name only the other suffixes" ;;
    above) refuse "the database of $base_dn also answers with the entries of databases that are glued to it (olcSubordinate), which this engine cannot restore: name only the other suffixes" ;;
    *) refuse "a search in $base_dn may not return what is stored there: its database, or the frontend database, has the overlay $changer. Remove the overlay, or name only suffixes without it" ;;
  esac
  case $directory in
    /*/../* | /*/.. | [!/]*) refuse "the database of $base_dn is in $directory, which a restore could not locate: write olcDbDirectory as an absolute path without .." ;;
  esac
  in_data "$directory" >/dev/null ||
    caveat "$base_dn is stored in $directory, and mounts does not say where in the data volume that is: restores are refused until it does"
  is_known "$base_dn" "$known"
  [ "$known" = yes ] || printf '%s\n' "$base_dn" >>"$WORK/unknown"
  number=$((number + 1))
  printf '%s\t%s\n' "$number" "$base_dn" >>"$WORK/suffixes"
done <"$WORK/databases"
[ -z "$SUFFIXES" ] || printf '%s\n' "$SUFFIXES" | while IFS= read -r wanted; do
  grep -qxF -e "$wanted" "$WORK/found" || refuse "the server has no suffix $wanted; it has: $(cut -f 5 "$WORK/databases" | grep . | tr '\n' ';')"
done || exit $?
[ -s "$WORK/suffixes" ] || refuse 'the server has no database with entries of its own'
if [ -n "$partial" ]; then
  said="it is not known whether $LDAP_USERNAME sees everything of: $partial. A server does not count what it hides"
  [ "$ALLOW_PARTIAL" = yes ] ||
    refuse "$said. Make it the first rule of the database's olcAccess, {0}to * by dn.exact=\"$LDAP_USERNAME\" read by * break (PREREQUISITES.md has the commands), or set allowPartial"
  caveat "$said"
fi

# ---- the entries ----------------------------------------------------------------------------------------------------
entries=0
empty=
while IFS="$(printf '\t')" read -r number base_dn <&4; do
  read_suffix "$base_dn"
  note_facts "$base_dn" "$WORK/data.ldif"
  [ "${passing:-0}" = 0 ] ||
    caveat "$passing entries of $base_dn expire (slapo-dds): the backup holds when, but not their entryTtl, as the server gives only the rest of it"
  if [ ! -s "$WORK/data.ldif" ]; then
    [ "$ALLOW_EMPTY" = yes ] || caveat "there is no entry in $base_dn"
    ! grep -qxF -e "$base_dn" "$WORK/unknown" || empty=$base_dn
  fi
  entries=$((entries + $(count_entries "$WORK/data.ldif")))
  put "data-$number.ldif" cat "$WORK/data.ldif"
  rm -f "$WORK/data.ldif"
done 4<"$WORK/suffixes"
[ "$entries" != 0 ] || [ "$ALLOW_EMPTY" = yes ] || [ "$SAFETY" = yes ] ||
  refuse 'the server holds no entry: an empty backup is rarely intended; if this one is, set allowEmpty'
# One that is hidden from the account looks the same.
[ -z "$empty" ] || [ "$ALLOW_EMPTY" = yes ] || [ "$SAFETY" = yes ] ||
  refuse "there is no entry in $empty, or none that the server shows: name only the other suffixes, or set allowEmpty"
# By a rule of access that came meanwhile, entries are hidden that were there.
mv "$WORK/config.ldif" "$WORK/config.before"
read_config
same "$WORK/config.ldif" "$WORK/config.before" || die 'cn=config changed while the entries were being read, so some may have been hidden, or follow another schema: back up again'
put config.ldif cat "$WORK/config.ldif"
put suffixes cat "$WORK/suffixes"
plain_config <"$WORK/config.ldif" >"$WORK/config.plain" || die "$FULL"
note_facts cn=config "$WORK/config.plain"
about client "$(ldapsearch -VV 2>&1 | sed -n 's/.*OpenLDAP: *//p' | head -n 1 | cut -c 1-60)"
rm -rf "$WORK" "$SCRATCH/password"
