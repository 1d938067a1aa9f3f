# The manifest of one group: what any of its snapshots says of the group, with the line of each.
#
#   awk -v wanted=ID -f assemble.awk groups.raw

$1 == "snapshot" && NF >= 9 {
  here = $3 == wanted
  if (lines > 0) done = 1
  next
}
!here { next }
/^\{"claim":/ { volume[++volumes] = $0; next }
!done && NF > 0 { line[++lines] = $0 }

END {
  sort()
  for (i = 1; i <= lines; i++) {
    print line[i]
    if (line[i] == "\"volumes\":[") for (v = 1; v <= volumes; v++) print volume[v] (v < volumes ? "," : "")
  }
}

function sort(    i, j, held) {
  for (i = 2; i <= volumes; i++) {
    held = volume[i]
    for (j = i; j > 1 && volume[j - 1] > held; j--) volume[j] = volume[j - 1]
    volume[j] = held
  }
}
