# shellcheck shell=sh
# The user's assertions about restored data. Engines source this file and call `check_assertions QUERY-COMMAND`, where
# `QUERY-COMMAND DATABASE` reads a statement from stdin and prints its answer.
#
# One directory $BACKUP_HOME/assertions with, per assertion N: N.query (the statement), N.database, N.expect (`equals V`,
# `at-least V` or `at-most V`).

check_assertions() { # QUERY-COMMAND
  for query in "$BACKUP_HOME"/assertions/*.query; do
    [ -e "$query" ] || continue
    number=$(basename "$query" .query)
    database=$(cat "$BACKUP_HOME/assertions/$number.database")
    read -r how wanted <"$BACKUP_HOME/assertions/$number.expect"
    found=$("$1" "$database" <"$query" 2>"$SCRATCH/assertion.err") ||
      die "assertion $number could not be evaluated: $(last_words "$SCRATCH/assertion.err" 1)"
    assertion_holds "$how" "$wanted" "$found" ||
      die "assertion $number does not hold: $(tr '\n' ' ' <"$query")returned '$found', expected $how $wanted"
    log "assertion $number holds: '$found' is $how $wanted"
  done
}

assertion_holds() { # HOW WANTED FOUND
  case $1 in
    equals) [ "$3" = "$2" ] ;;
    at-least | at-most)
      case $3 in '' | *[!0-9.-]*) return 1 ;; esac
      awk -v how="$1" -v wanted="$2" -v found="$3" 'BEGIN { exit !(how == "at-least" ? found + 0 >= wanted + 0 : found + 0 <= wanted + 0) }'
      ;;
    *) return 1 ;;
  esac
}
