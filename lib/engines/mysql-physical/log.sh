# shellcheck shell=sh
# What is common to those who receive, store and replay the binary log. lib.sh is sourced before, and physical.sh by those who
# ask the server.
#
# A batch has one member, binlog.tar, with what was appended to the server's files since the batch before:
#   <history>/<file>/head       the file's beginning, up to its first event, which describes the format of the others
#   <history>/<file>/<offset>   the bytes from there on
#   <history>/<file>/end        nothing comes after them: the server has gone on to the next file
# A history is a sequence of files without a beginning anew. A file is known again by its birth: when it was made, by which server.

number() { printf '%s\n' "${1##*.}" | sed 's/^0*\(.\)/\1/'; } # FILE
in_order() { # HISTORY: its files, the oldest first
  find "$1" -maxdepth 1 -type f -name '*.[0-9]*[0-9]' | sed 's|.*/||' | awk '{ n = $0; sub(/.*\./, "", n); print n + 0, $0 }' | sort -n | cut -d ' ' -f 2-
}
# What was received of a file before is put aside as FILE.kept while the server sends it anew: with the files of which nothing else is there.
all_in_order() { # HISTORY
  find "$1" -maxdepth 1 -type f \( -name '*.[0-9]*[0-9]' -o -name '*.[0-9]*[0-9].kept' \) | sed 's|.*/||; s/\.kept$//' | awk '!seen[$0]++ { n = $0; sub(/.*\./, "", n); print n + 0, $0 }' | sort -n | cut -d ' ' -f 2-
}
size_of() { if [ -e "$1" ]; then wc -c <"$1"; else echo 0; fi; } # PATH
longer_of() { # PATH: it, or what was put aside of it
  if [ -e "$1.kept" ] && [ "$(size_of "$1.kept")" -gt "$(size_of "$1")" ]; then echo "$1.kept"; else echo "$1"; fi
}
stored_of() { file=$2 awk '$1 == ENVIRON["file"] { at = $2 } END { print at + 0 }' "$1/stored"; } # HISTORY FILE
birth() { # PATH
  od -A n -t u1 -j 4 -N 9 "$1" | awk '{ printf "%.0f-%.0f\n", $1 + 256 * ($2 + 256 * ($3 + 256 * $4)), $6 + 256 * ($7 + 256 * ($8 + 256 * $9)) }'
}
# Notes in the recovery point what makes a replay of the log after it have another effect than the server's own statements had.
note_log_settings() {
  log_format=$(variable binlog_format)
  [ "$log_format" != STATEMENT ] || about binlogFormat STATEMENT
  # A replay's server has UTC.
  log_zone=$(variable system_time_zone)
  log_time_zone=$(variable time_zone)
  [ "$log_format" = ROW ] || [ "$log_time_zone" != SYSTEM ] || [ "$log_zone" = UTC ] || about binlogTimeZone "$log_zone"
}
say_log_settings() {
  ! manifest_about "$SCRATCH/manifest.json" | grep -q '^"binlogFormat":"STATEMENT"$' ||
    caveat "binlog_format of the server was STATEMENT: a replay repeats statements, and some have a different effect then, such as those with UUID() or LIMIT. Set it to ROW or MIXED"
  log_zone=$(manifest_about "$SCRATCH/manifest.json" | sed -n 's/^"binlogTimeZone":"\(.*\)"$/\1/p')
  [ -z "$log_zone" ] ||
    caveat "the server used the time zone of its machine, $log_zone, which its log does not record: what statements compute from NOW() is replayed in UTC. Set default_time_zone, or set binlog_format to ROW"
}
bytes_at() { # PATH OFFSET HOW-MANY, the lowest first
  od -A n -t u1 -j "$2" -N "$3" "$1" | awk '{ for (i = 1; i <= NF; i++) { value += $i * 256 ^ n; n++ } } END { printf "%.0f\n", value }'
}
# Whether the file that comes after PATH goes on where PATH ends: the last event of PATH names it, or says that the server was stopped;
# or the server made it as it started, after a crash. Where neither is so, the logs were reset between the two, and files are missing.
# (MariaDB's documentation, "Binlog Event Header", ROTATE_EVENT, STOP_EVENT, FORMAT_DESCRIPTION_EVENT.)
leads_to() { # PATH NEXT
  leads_size=$(wc -c <"$1")
  leads_name=${2##*/}
  # Type and length of an event, with a checksum and without.
  for leads_event in "4 $((31 + ${#leads_name}))" "4 $((27 + ${#leads_name}))" '3 23' '3 19'; do
    leads_length=${leads_event#* }
    [ "$leads_size" -ge $((4 + leads_length)) ] || continue
    leads_from=$((leads_size - leads_length))
    [ "$(bytes_at "$1" $((leads_from + 4)) 1) $(bytes_at "$1" $((leads_from + 9)) 4)" = "$leads_event" ] || continue
    [ "${leads_event% *}" != 4 ] || [ "$(tail -c "+$((leads_from + 28))" "$1" | head -c "${#leads_name}" | tr -d '\000')" = "$leads_name" ] || continue
    return 0
  done
  [ "$(bytes_at "$2" 75 4)" != 0 ]
}
# Whether a file is received to its end: the server tells its size, or where it has removed it, the file that came after it.
whole() { # PATH NEXT LOGS, the server's list
  [ "$(number "$2")" = $(($(number "$1") + 1)) ] || return 1
  whole_size=$(file=${1##*/} awk '$1 == ENVIRON["file"] { print $2 }' "$3")
  if [ -n "$whole_size" ]; then
    [ "$(size_of "$1")" -ge "$whole_size" ]
  else
    [ "$(size_of "$1")" -ge 256 ] && leads_to "$1" "$2"
  fi
}
# Whether an event ends at OFFSET, and says so. mariadb-binlog goes on after a write that failed: what it received then is not there, and every
# event after it is nearer to the beginning than it says. (MariaDB's documentation, "Binlog Event Header"; its client/mysqlbinlog.cc, in which
# nobody asks how fflush ended.)
event_ends_at() { # PATH OFFSET
  # Of a position beyond that an event tells a part.
  [ "$2" -le 4294967295 ] || return 0
  # An event is seldom larger; a statement may be.
  for ends_bytes in 65536 16777216; do
    [ "$ends_bytes" -le "$2" ] || ends_bytes=$2
    head -c "$2" "$1" | tail -c "$ends_bytes" | od -A n -v -t u1 | awk -v end="$2" -v from="$(($2 - ends_bytes))" '
      function number_at(i) { return b[i % 32] + 256 * (b[(i + 1) % 32] + 256 * (b[(i + 2) % 32] + 256 * b[(i + 3) % 32])) }
      BEGIN { low = end % 256 }
      {
        for (k = 1; k <= NF; k++) {
          b[n++ % 32] = $k
          if (n > 16 && b[(n - 4) % 32] == low && number_at(n - 4) == end && number_at(n - 8) == end - from - (n - 17)) found = 1
        }
      }
      END { exit !found }' && return 0
    [ "$ends_bytes" != "$2" ] || return 1
  done
  return 1
}
# Where an event of those from POSITION on does not end where it says, prints as far as where they are known to. Since MariaDB 11 what is in the
# middle of a transaction says 0.
first_displaced() { # PATH POSITION
  od -A n -v -t u1 -j "$2" "$1" | awk -v at="$2" '
    BEGIN { o = good = at }
    {
      for (k = 1; k <= NF; k++) {
        r = o++ - at
        if (r >= 9 && r <= 12) bytes += $k * 256 ^ (r - 9)
        if (r >= 13 && r <= 16) end += $k * 256 ^ (r - 13)
        if (r == 16 && (bytes < 19 || (end && (at + bytes) % 4294967296 != end))) { printf "%.0f\n", good; exit }
        if (r == 16 && end) good = at + bytes
        if (r >= 16 && r + 1 == bytes) { at += bytes; bytes = end = 0 }
      }
    }'
}
remote_birth() { # FILE
  rm -f "$SCRATCH/head-$1"
  mariadb-binlog --defaults-file="$SCRATCH/client.cnf" --read-from-remote-server --raw --stop-position=300 --result-file="$SCRATCH/head-" "$1" 2>"$SCRATCH/head.err" ||
    die "reading the beginning of $1 failed: $(last_words "$SCRATCH/head.err" 1)"
  birth "$SCRATCH/head-$1"
}
