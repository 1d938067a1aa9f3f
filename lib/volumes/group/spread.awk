# The seconds between the first and the last snapshot of claims whose members nothing held; 0 where there is one at most.
#
#   awk -F '\t' -f spread.awk holds claims state
#
# holds    a line `MEMBER POD ...` for each pod that was held
# claims   a line `CLAIM MEMBER` for each claim, tab-separated
# state    the snapshots, as group_snapshots prints them

FILENAME ~ /holds$/ { split($0, word, " "); held[word[1]]; next }
FILENAME ~ /claims$/ { member[$1] = $2; next }
$3 == "-" || member[$2] in held { next }
{
  at = seconds($3)
  if (first == "" || at < first) first = at
  if (last == "" || at > last) last = at
}

END { print last - first }

# Since a day before our time; a year begins with March, so that its last month is the one of no fixed length.
function seconds(time,    part, year, month) {
  split(time, part, /[-T:Z]/)
  year = part[2] < 3 ? part[1] - 1 : part[1]
  month = part[2] < 3 ? part[2] + 9 : part[2] - 3
  return (((365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * month + 2) / 5) + part[3]) * 24 + part[4]) * 60 + part[5]) * 60 + part[6]
}
