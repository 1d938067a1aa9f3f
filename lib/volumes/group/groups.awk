# Which groups there are, and which of them something can be restored from.
#
#   awk -v series=SERIES -f groups.awk groups.raw
#
# stdin    of every snapshot of the series: a line
#          `snapshot NAME ID ready|waiting|deleting LABEL verified|unverified CUT -,WRITTEN... -,PUBLISHED... [ERROR]`, with when it was
#          written that it is ready, where a controller may make it anew, when it was published, and what its status says of an error; and
#          after it what its annotations hold: its own line of the manifest, and the manifest without these lines
# stdout   `good ID verified|unverified`    every snapshot is there, can be used, and is the one that was cut then
#          `doubtful ID verified|unverified WHY`
#                                           as good, but for snapshots of which nothing says any more that they are those that were cut
#          `bad ID verified|unverified WHY` the group exists, and nothing can be restored from it
#          `begun ID`                       its run has not published it, or it is to go
#          `snapshot ID NAME`               a snapshot of a group that exists
#
# An error that is written beside what is ready, as of a VolumeSnapshotClass that is gone, moves the same time as a new readiness does, which
# clears the error (kubernetes-csi/external-snapshotter, updateSnapshotErrorStatusWithEvent): what shows an error may be as it was.

$1 == "snapshot" && NF >= 9 {
  close_snapshot()
  name = $2
  id = $3
  state = $4
  cut = $7
  written = latest($8)
  published_at = latest($9)
  error = ""
  for (i = 10; i <= NF; i++) error = error (i > 10 ? " " : "") $i
  if (!(id in state_of)) order[++groups] = id
  if ($5 == "yes") published[id] = 1
  if ($5 == "no") dropped[id] = 1
  if ($6 == "verified") marked[id] = 1
  if ($6 != "verified") state_of[id] = "unverified"
  else if (!(id in state_of)) state_of[id] = "verified"
  next
}

/^\{"claim":/ { own = $0; next }
/^"id":"/ { told = field($0, "id"); next }
/^"series":"/ { told_of = field($0, "series"); next }
/^"volumes":[0-9]+,?$/ { count = substr($0, 11) + 0; next }

END {
  close_snapshot()
  for (i = 1; i <= groups; i++) {
    id = order[i]
    if (!(id in published) && (id in dropped || !(id in marked))) print "begun " id
    else if (!(id in published)) print "bad " id " " state_of[id] " its snapshots have lost the label cdk8s-backup/published, and are not deleted; to make it a group again, set cdk8s-backup/published=yes on all of them"
    else if (id in wrong) print "bad " id " " state_of[id] " " wrong[id]
    else if (whole[id] != wanted[id]) print "bad " id " " state_of[id] " " whole[id] + 0 " of " wanted[id] + 0 " snapshots are there"
    else if (id in doubt) print "doubtful " id " " state_of[id] " " doubt[id]
    else print "good " id " " state_of[id]
  }
  for (i = 1; i <= snapshots; i++) if (group_of[i] in published || !(group_of[i] in dropped) && group_of[i] in marked) print "snapshot " group_of[i] " " name_of[i]
}

function close_snapshot(    why) {
  if (name == "") return
  name_of[++snapshots] = name
  group_of[snapshots] = id
  if (state == "deleting") why = "is being deleted"
  else if (told != id || count < 1 || field(own, "snapshot") != name) why = "has lost its annotations"
  else if (told_of != series) why = "belongs to series " told_of ", and its label has been overwritten"
  else if (state != "ready") why = "cannot be used"
  else if (field(own, "creationTime") != cut) why = "is not the one that was cut at " field(own, "creationTime") ", but one from " cut
  else if (written != "" && published_at == "") why = "no longer says in managedFields when it was published: it may have been re-created since"
  else if (written > published_at && error != "") {
    whole[id]++
    if (!(id in doubt)) doubt[id] = "snapshot " name " can be used, but nothing says since when: its status was written at " written ", with the error " error
  } else if (written > published_at) why = "was re-created at " written " from what its volume held then, as its VolumeSnapshotContent was lost"
  else whole[id]++
  if (why != "" && !(id in wrong)) wrong[id] = "snapshot " name " " why
  if (told == id) wanted[id] = count
  if (told != "") marked[id] = 1
  name = own = told = told_of = ""
  count = 0
}

function latest(times,    time, count, i, found) {
  count = split(times, time, ",")
  for (i = 2; i <= count; i++) if (time[i] > found) found = time[i]
  return found
}

function field(line, key) {
  if (!match(line, "\"" key "\":\"[^\"]*\"")) return ""
  return substr(line, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}
