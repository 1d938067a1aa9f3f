# Judges recovery points of plain files by the entries of their directories, and by their manifests where these are new.
#
# usage: awk -v sums=FILE -v verified=FILE -f manifest.awk -f files.awk REMEMBERED ENTRIES
# ENTRIES are lines SIZE TIME SERIES/ID or SIZE TIME SERIES/ID/FILE; what is in a directory comes right after it.

FILENAME == ARGV[1] { if ($4 == "whole") remembered[$1 " " $2 " " $3] = $0; next }
{
  path = $0
  sub(/^[0-9]+ -?[0-9]+ /, "", path)
  parts = split(path, part, "/")
  if (parts == 2) {
    judge()
    series = part[1]
    id = part[2]
    split("", size)
    count = total = newest = 0
    next
  }
  if (part[1] != series || part[2] != id || part[3] ~ /^\./) next
  if (part[3] == "verified.json") { if (is_id(id)) print series, id, $1 ":" $2 >verified; next }
  size[part[3]] = $1
  count++
  total += $1
  if ($2 > newest) newest = $2
}
END { judge() }

function judge(    stamp, key) {
  # What somebody has put there, or aside, is none.
  if (!is_id(id)) return
  stamp = sprintf("%d:%.0f:%.0f", count, total, newest)
  key = series " " id " " stamp
  if (key in remembered) print remembered[key]
  else if (is_whole(series "/" id)) print record(series, id, stamp)
  else print unread(series, id, stamp, "damaged")
}

# SHA256SUMS says which files count, and what they are called: one that was encrypted anew is called otherwise.
function is_whole(point,    line, file, name, sum, stored, ok) {
  ok = ("manifest.json" in size) && ("SHA256SUMS" in size)
  if (!ok) return 0
  sum = ""
  while ((getline line <(point "/SHA256SUMS")) > 0) {
    file = substr(line, 67)
    if (file == "" || !(file in size)) ok = 0
    if (file == "manifest.json") sum = line
    name = file
    stored[name] = file
    while (sub(/\.(zst|gz|age|gpg|txt|r[0-9]+)$/, "", name)) if (!(name in stored)) stored[name] = file
  }
  close(point "/SHA256SUMS")
  if (!ok || sum == "" || !read_manifest(point "/manifest.json", id)) return 0
  if (field["series"] != series) return 0
  for (name in member_bytes) {
    if (!(name in stored)) return 0
    # What a member's manifest knows outlasts its being encrypted anew.
    if (!("encryption" in field) && size[stored[name]] != member_bytes[name]) return 0
  }
  sub(/manifest\.json$/, point "/manifest.json", sum)
  print sum >sums
  return 1
}
