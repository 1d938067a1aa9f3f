# The claims that are not restored, though they belong to a pod of which others are: a server whose log is on a second volume must not find
# there what it is not of. Of other replicas each has volumes of its own.
#
#   awk -f left-behind.awk wanted volumes
#
# wanted    a line `CLAIM NAME` for each that is restored
# volumes   those of the group, as volumes.awk prints them
# stdout    a claim a line

BEGIN { FS = "\t" }

FILENAME == ARGV[1] { split($0, word, " "); wanted[word[1]]; next }

# What is not of a workload, nobody knows to belong together.
$7 !~ /\// { next }

{
  ordinal = $1
  sub(/.*-/, "", ordinal)
  pod[$1] = $7 " " ($7 ~ /^StatefulSet\// && ordinal ~ /^[0-9]+$/ ? ordinal : "")
  order[++claims] = $1
  if ($1 in wanted) touched[pod[$1]]
}

END { for (i = 1; i <= claims; i++) if (!(order[i] in wanted) && pod[order[i]] in touched) print order[i] }
