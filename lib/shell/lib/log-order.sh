# shellcheck shell=sh
# The batches of an archived log in the order in which they were stored. lib.sh is sourced before.
#
# That is the order of their ids, but for those that a clock that was ahead has made: of each of these the manifest is asked which
# batch was stored before it ("after").

# Leaves in $SCRATCH/ordered a line for each of the batches, the first one first: PLACE DEPTH ID, where PLACE is an id that tells when
# it was stored.
order_batches() { # FILE with batches, COMMAND that leaves the manifest of a batch in $SCRATCH/manifest.json
  LC_ALL=C sort "$1" >"$SCRATCH/order.all"
  tell_future "$SCRATCH/order.all" "$SCRATCH/order.present" "$SCRATCH/order.future"
  note_after "$SCRATCH/order.future" "$2" >"$SCRATCH/order.after"
  # Where one does not say it, the batch that was stored after it does.
  ! grep -q ' $' "$SCRATCH/order.after" || note_after "$SCRATCH/order.present" "$2" >>"$SCRATCH/order.after"
  awk '
    FILENAME == ARGV[1] { present[$1]; newest = $1; print $1, 0, $1; next }
    FILENAME == ARGV[2] { after[$1] = $2; if ($2 != "") before[$2] = $1; next }
    { future[$1] }
    END {
      for (id in future) {
        depth = 1
        for (place = id; place in future && depth < 10000; place = after[place]) {
          depth++
          if (after[place] == "") {
            depth -= 10000
            place = before[place] in present ? before[place] : newest " later"
            break
          }
        }
        if (place ~ / later$/) { depth += 10000; sub(/ later$/, "", place) }
        print (place == "" ? "-" : place), depth, id
      }
    }' "$SCRATCH/order.present" "$SCRATCH/order.after" "$SCRATCH/order.future" | LC_ALL=C sort -k 1,1 -k 2,2n -k 3,3 >"$SCRATCH/ordered"
}

note_after() { # FILE COMMAND: prints ID AFTER
  while read -r note_of _; do
    "$2" "$note_of" </dev/null || die "batch $note_of of the archived log cannot be read: $(repository_reason)"
    printf '%s %s\n' "$note_of" "$(manifest_field "$SCRATCH/manifest.json" after)"
  done <"$1"
}

# Of ordered batches, which no recovery point needs any more: those that were stored before $OLDEST was begun, but for the newest of
# them, which read-log.sh reads.
old_batches() {
  awk 'substr($1, 1, 16) "" < substr(ENVIRON["OLDEST"], 1, 16) "" { if (before != "") print before; before = $3 }' "$SCRATCH/ordered"
}
