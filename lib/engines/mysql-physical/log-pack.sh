#!/bin/sh
# Stores what log-choose.sh has printed as binlog.tar.
#
# usage: log-pack.sh CHOSEN
# environment: SPOOL, as for log-choose.sh
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"
# Not on the spool, which would keep what it holds for ever once it is full.
batch=$SCRATCH/batch
rm -rf "$batch"
mkdir "$batch"
bytes=0
while read -r history file from to state; do
  into=$batch/$history/$file
  mkdir -p "$into"
  path=$(longer_of "$SPOOL/$history/$file")
  head -c 4096 "$path" >"$into/head"
  tail -c "+$((from + 1))" "$path" | head -c "$((to - from))" >"$into/$from"
  # The follower that is started again receives the newest file anew.
  [ "$(wc -c <"$into/$from")" = "$((to - from))" ] || die "$file changed while it was being stored: the next batch will hold it"
  [ "$state" != end ] || : >"$into/end"
  bytes=$((bytes + to - from))
done <"$1"
fact bytes "$bytes"
about first "$(head -n 1 "$1")"
about last "$(tail -n 1 "$1")"
# What a restore can choose from.
about history "$(cat "$SPOOL/current")"
# Where a replay of all of it has to come to.
[ -e "$SCRATCH/more" ] || [ ! -s "$SCRATCH/written-to" ] || about written "$(cat "$SCRATCH/written-to")"
awk '$1 != history { if (history) print history "," first "," last; history = $1; first = $2 ":" $3 } { last = $2 ":" $4 }
  END { if (history) print history "," first "," last }' "$1" >"$SCRATCH/packed"
about histories "$(tr '\n' ' ' <"$SCRATCH/packed" | sed 's/ $//')"
put binlog.tar tar -cf - -C "$batch" .
rm -rf "$batch"
