# The groups that are the last to hold a volume: its claim is in no newer group, or was made anew since, by somebody who had nothing to put
# into it. What a restore has made goes on with what it was made from; but a restore makes a claim once: what has its annotations a second
# time, on another volume, is a copy, such as one that a deploy tool has applied.
#
#   awk -f last-of.awk groups.by-age groups.raw
#
# groups.by-age a line `ID verified|unverified` for each group that counts, the oldest first
# groups.raw    the snapshots of groups, with their annotations: see groups.awk
# stdout        `ID CLAIM`

FILENAME == ARGV[1] { order[++groups] = $1; ids[$1]; next }
$1 == "snapshot" { id = $3; next }
/^\{"claim":/ && id in ids {
  held[id] = held[id] " " field("claim")
  volume[id, field("claim")] = field("volume")
  from[id, field("claim")] = field("restoredFrom")
  by[id, field("claim")] = field("restoredBy")
}

END {
  for (i = 1; i <= groups; i++) {
    claims = split(held[order[i]], claim, " ")
    for (c = 1; c <= claims; c++) follow(claim[c], order[i])
  }
  for (one in last) if (last[one] != order[groups]) print last[one], one
}

function follow(claim, id) {
  if (claim in last && volume[last[claim], claim] != volume[id, claim] && volume[last[claim], claim] != "" && !is_restored(claim, id))
    print last[claim], claim
  last[claim] = id
  if (from[id, claim] != "") made[claim, from[id, claim], by[id, claim]] = volume[id, claim]
}

# A group of an older release does not say by whom.
function is_restored(claim, id,    of, run) {
  of = from[id, claim]
  run = by[id, claim]
  if (of == "") return 0
  return is_new(claim, of, run, volume[id, claim]) && is_new(claim, of, "", volume[id, claim])
}
function is_new(claim, of, run, on) { return !((claim, of, run) in made) || made[claim, of, run] == on }

function field(key) {
  if (!match($0, "\"" key "\":\"[^\"]*\"")) return ""
  return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}
