# The volumes of a group's manifest, by lines `CLAIM SNAPSHOT CLASS SIZE ACCESS-MODES VOLUME-MODE MEMBER DRIVER LABELS`, tab-separated; - for
# what is not known.
#
#   awk -f volumes.awk manifest.json
#
# The size is that of the claim when it was snapshotted, or of its snapshot where that is larger; where that is not known, the least that
# the driver makes of the snapshot. The driver of a claim whose volume nobody made for it is that of others whose snapshots are of the same
# class: a VolumeSnapshotClass has one, and so has a VolumeGroupSnapshot.

function field(name) {
  if (!match($0, "\"" name "\":\"[^\"]+\"")) return "-"
  return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}

BEGIN { OFS = "\t" }

/^"mode":"native"/ { native = 1 }

/^\{"claim":/ {
  before[++volumes] = field("claim") OFS field("snapshot") OFS field("storageClass") OFS (field("size") == "-" ? field("restoreSize") : field("size")) OFS field("accessModes") OFS field("volumeMode") OFS field("member")
  driver[volumes] = field("driver")
  class[volumes] = native ? "native" : field("snapshotClass")
  labels[volumes] = field("labels")
  if (driver[volumes] != "-") of_class[class[volumes]] = driver[volumes]
}

END {
  for (i = 1; i <= volumes; i++) {
    if (driver[i] == "-" && class[i] != "-" && class[i] in of_class) driver[i] = of_class[class[i]]
    print before[i], driver[i], labels[i]
  }
}
