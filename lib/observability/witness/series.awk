# Of series, records and notes, as look.sh has them, samples of metrics.
function label(name, value) { return value == "" || value == "-" ? "" : name "=\"" value "\"," }

function sample(name, series, value) {
  printf "cdk8s_backup_%s{%s%srepository=\"%s\"} %s\n", name, label("engine", engine[series]), label("series", series), repository, value
}

# Seconds since 1970 of a time in UTC: days of years that begin in March, so that a leap day is the last one.
function seconds(time,    year, month, day, era) {
  year = substr(time, 1, 4) + 0
  month = substr(time, 6, 2) + 0
  day = substr(time, 9, 2) + 0
  if (month < 3) { year--; month += 12 }
  era = 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month - 3) + 2) / 5) + day - 1 - 719468
  return sprintf("%.0f", era * 86400 + substr(time, 12, 2) * 3600 + substr(time, 15, 2) * 60 + substr(time, 18, 2))
}
function time_of(id) {
  return substr(id, 1, 4) "-" substr(id, 5, 2) "-" substr(id, 7, 2) "T" substr(id, 10, 2) ":" substr(id, 12, 2) ":" substr(id, 14, 2) "Z"
}

BEGIN {
  repository = ENVIRON["WITNESS_REPOSITORY"]
  gsub(/\\/, "\\\\", repository)
  gsub(/"/, "\\\"", repository)
  printf "cdk8s_backup_repository_unreadable_entries{repository=\"%s\"} %d\n", repository, unreadable
}
FILENAME == ARGV[1] { known[$1]; next }
FILENAME == ARGV[2] {
  known[$1]
  if ($4 == "damaged") { damaged[$1]++; next }
  if ($4 == "unread") unread[$1]++
  if (substr($2, 1, 16) "" > future "") { ahead[$1]++; farthest[$1] = $2; next }
  points[$1]++
  if ($4 != "whole") next
  # Records are sorted: what comes last is the newest.
  engine[$1] = $5
  newest[$1] = $2
  started[$1] = $6
  finished[$1] = $7
  bytes[$1] = $8
  if ($9 != "-" && $9 "" > until[$1] "") until[$1] = $9
  begun[$1 " " $2] = $6
  next
}
{ verified[$1] = $4; restore[$1] = $5; proven[$1] = begun[$1 " " $2] }
END {
  for (series in known) {
    sample("points", series, points[series] + 0)
    sample("damaged_points", series, damaged[series] + 0)
    sample("unread_points", series, unread[series] + 0)
    sample("future_points", series, ahead[series] + 0)
    if (series in farthest) sample("future_recovery_point_timestamp_seconds", series, seconds(time_of(farthest[series])))
    if (series in newest) {
      sample("recovery_point_timestamp_seconds", series, seconds(started[series]))
      sample("bytes", series, bytes[series])
      sample("duration_seconds", series, seconds(finished[series]) - seconds(started[series]))
    }
    if (series in verified) {
      sample("verified_recovery_point_timestamp_seconds", series, seconds(proven[series]))
      sample("verified_timestamp_seconds", series, seconds(verified[series]))
      if (restore[series] != "-") sample("restore_seconds", series, restore[series])
    }
    base = series
    if (sub(/-log$/, "", base) && series in until) {
      engine[base] = engine[series]
      sample("log_timestamp_seconds", base, seconds(until[series]))
    }
  }
}
