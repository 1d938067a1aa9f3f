#!/bin/sh
# Makes the databases, and the configuration where that is on the same volume, beside the old ones, asks a server on them for every
# entry, and puts them in the old ones' place. Whatever else is in the data directory stays there.
#
# environment, beside openldap.sh's and data-directory.sh's: none
set -eu
# shellcheck source=lib/engines/openldap/openldap.sh
. "$BACKUP_HOME/engine/openldap.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

# From here on there is nothing but the scratch server, which has no password.
unset LDAP_PASSWORD LDAP_USERNAME

WORK=$SCRATCH/work
rm -rf "$WORK"
mkdir "$WORK"
fetch_point
cp "$WORK/databases" "$SCRATCH/all-databases"
# What comes in the place of something: no more than a server writes there, as another database may be in a directory below.
: >"$SCRATCH/replaced"
: >"$SCRATCH/homes"
replace() { printf '%s/%s\n' "$1" "$2" | sed 's|^\./||' >>"$SCRATCH/replaced"; } # DIRECTORY NAME: in the data directory
while IFS="$(printf '\t')" read -r _ base_dn; do
  directory=$(directory_of "$base_dn")
  within=$(in_data "$directory") ||
    refuse "the server stores $base_dn in $directory, and mounts does not say where in its data volume that is: add it to mounts; nothing was changed"
  printf '%s\n' "$within" >>"$SCRATCH/homes"
  replace "$within" data.mdb
  replace "$within" lock.mdb
done <"$WORK/suffixes"
[ -s "$SCRATCH/replaced" ] || die "$POINT has no suffixes"
config_within=$(in_data "$CONFIG_DIRECTORY") || config_within=

stage_data_directory
trap 'rm -rf "$STAGING"' EXIT
# The volume has the room that entries need.
mv "$WORK" "$STAGING/.work"
WORK=$STAGING/.work

restore_started=$(date +%s)
place() { printf '%s/%s' "$STAGING" "$(in_data "$1")"; }
if [ -n "$config_within" ]; then
  make_config "$STAGING/$config_within"
  replace "$config_within" cn=config.ldif
  replace "$config_within" cn=config
else
  make_config "$SCRATCH/config"
  cp "$WORK/config.ldif" "$STAGING/cn=config.ldif"
  replace . cn=config.ldif
  caveat "the configuration is not on this volume, and was not changed: the one that was backed up is in cn=config.ldif beside the entries. Rebuild indexes that were added since with slapindex. If the server has lost its configuration, load it with slapadd -n 0 -F $CONFIG_DIRECTORY -l cn=config.ldif into an empty directory"
fi
load_point place
start_scratch_server
trap 'kill -KILL "$scratch_server" 2>/dev/null || :; rm -rf "$STAGING"' EXIT
check_scratch_server
stop_scratch_server
trap 'rm -rf "$STAGING"' EXIT
rm -rf "$WORK"
# It is of the scratch server, and the next one makes its own.
while IFS= read -r within; do rm -f "$STAGING/$within/lock.mdb"; done <"$SCRATCH/homes"

# ---- what else is there stays -----------------------------------------------------------------------------------------
is_replaced() { # PATH in the data directory
  while IFS= read -r within; do
    case $1 in "$within" | "$within"/*) return 0 ;; esac
  done <"$SCRATCH/replaced"
  return 1
}
data_held | while IFS= read -r top; do
  find "$top" \( -type d -o -type f -o -type l \) -print | while IFS= read -r file; do
    name=${file#"$DATA_DIRECTORY/"}
    ! is_replaced "$name" || continue
    # An empty one may be where a database was going to be.
    if [ -d "$file" ] && [ ! -L "$file" ]; then mkdir -p "$STAGING/$name" && continue || exit 1; fi
    mkdir -p "$(dirname "$STAGING/$name")"
    # No links: a server writes into its files.
    cp -Pp "$file" "$STAGING/$name" || exit 1
    printf '%s\n' "$name"
  done || exit 1
done >"$SCRATCH/kept" || die 'the other files of the data directory could not be kept'
[ ! -s "$SCRATCH/kept" ] || log "$(wc -l <"$SCRATCH/kept" | tr -d ' ') other files are kept unchanged: $(head -n 5 "$SCRATCH/kept" | tr '\n' ' ')"
# A server does not start without the directory of a database.
awk -F '\t' '$2 != "-" { print $2 }' "$SCRATCH/all-databases" | while IFS= read -r directory; do
  within=$(in_data "$directory") || continue
  mkdir -p "$STAGING/$within"
done
swap_data_directory
trap - EXIT
outcome restoreSeconds "$(($(date +%s) - restore_started))"
