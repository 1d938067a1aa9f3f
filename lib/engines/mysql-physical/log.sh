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
birth() { # PATH
  od -A n -t u1 -j 4 -N 9 "$1" | awk '{ printf "%.0f-%.0f\n", $1 + 256 * ($2 + 256 * ($3 + 256 * $4)), $6 + 256 * ($7 + 256 * ($8 + 256 * $9)) }'
}
remote_birth() { # FILE
  rm -f "$SCRATCH/head-$1"
  mariadb-binlog --defaults-file="$SCRATCH/client.cnf" --read-from-remote-server --raw --stop-position=300 --result-file="$SCRATCH/head-" "$1" 2>"$SCRATCH/head.err" ||
    die "reading the beginning of $1 failed: $(last_words "$SCRATCH/head.err" 1)"
  birth "$SCRATCH/head-$1"
}
