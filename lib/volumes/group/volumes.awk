# The volumes of a group's manifest, by lines `CLAIM SNAPSHOT CLASS SIZE ACCESS-MODES VOLUME-MODE MEMBER DRIVER LABELS`, tab-separated; - for
# what is not known.
#
#   awk -f volumes.awk manifest.json
#
# The size is that of the claim when it was snapshotted, or of its snapshot where that is larger; where that is not known, the least that
# the driver makes of the snapshot.

function field(name) {
  if (!match($0, "\"" name "\":\"[^\"]+\"")) return "-"
  return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}

BEGIN { OFS = "\t" }
/^\{"claim":/ { print field("claim"), field("snapshot"), field("storageClass"), field("size") == "-" ? field("restoreSize") : field("size"), field("accessModes"), field("volumeMode"), field("member"), field("driver"), field("labels") }
