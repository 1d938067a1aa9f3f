# The lines of a manifest for the volumes of a group.
#
#   awk -f manifest.awk claims.all claims state
#
# claims.all   what there is to know of every claim: name, phase, class, access modes, volume mode, size, driver, volume, the group that
#              it was restored from, its labels with commas after them, its uid, and the pod that has restored it; tab-separated
# claims       the claims of the group, and their members
# state        the snapshots of the group, as group_snapshots prints them
# stdout       a JSON object a line, without commas; groups.sh says of what
#
# Names of Kubernetes need no escapes.

BEGIN { FS = "\t" }

FILENAME == ARGV[1] { class[$1] = $3; modes[$1] = $4; mode[$1] = $5; size[$1] = $6; driver[$1] = $7; volume[$1] = $8; restored[$1] = $9; labels[$1] = own($10); uid[$1] = $11; by[$1] = $12; next }
FILENAME == ARGV[2] { member[$1] = $2; next }

{
  restore = $5 == "-" ? "" : $5
  bytes = bytes_of(restore)
  # Some drivers say 0.
  if (bytes == 0) bytes = bytes_of(size[$2])
  # No volume comes back smaller than its snapshot, and some drivers round up.
  needs = bytes_of(restore) > bytes_of(size[$2]) ? restore : size[$2]
  printf "{\"claim\":\"%s\",\"snapshot\":\"%s\",\"restoreSize\":\"%s\",\"bytes\":%.0f,\"creationTime\":\"%s\",\"snapshotClass\":\"%s\",", \
    $2, $1, restore, bytes, $3, $6 == "-" ? "" : $6
  printf "\"driver\":\"%s\",\"storageClass\":\"%s\",\"accessModes\":\"%s\",\"volumeMode\":\"%s\",\"size\":\"%s\",\"volume\":\"%s\",\"uid\":\"%s\",\"restoredFrom\":\"%s\",\"restoredBy\":\"%s\",\"labels\":\"%s\",\"member\":\"%s\"}\n", \
    driver[$2], class[$2], modes[$2], mode[$2], needs, volume[$2], uid[$2], restored[$2], by[$2], labels[$2], member[$2]
}

# The labels that somebody else has given it.
function own(labels,    count, label, i, kept) {
  count = split(labels, label, ",")
  for (i = 1; i <= count; i++) if (label[i] != "" && label[i] !~ /^(cdk8s-backup\/|app\.kubernetes\.io\/managed-by=cdk8s-backup$)/) kept = kept (kept == "" ? "" : ",") label[i]
  return kept
}

# A quantity of Kubernetes: 1Gi, 500M, 1e9. A busybox may be built without powers.
function bytes_of(quantity,    number, suffix, power, unit) {
  number = quantity + 0
  suffix = quantity
  sub(/^[0-9.]+([eE][0-9]+)?/, "", suffix)
  unit = suffix ~ /i$/ ? 1024 : 1000
  for (power = suffix == "" ? 0 : index("KMGTPE", toupper(substr(suffix, 1, 1))); power > 0; power--) number *= unit
  return number
}
