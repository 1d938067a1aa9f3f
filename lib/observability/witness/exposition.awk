# Samples that are sorted, as Prometheus' text format has them: each metric once, with what it means.
BEGIN {
  help["repository_unreadable_entries"] = "Entries of the repository that cannot be read; recovery points may be among them."
  help["points"] = "Recovery points that are there, but for those that are damaged or of the future."
  help["damaged_points"] = "Recovery points that count as none: the manifest is missing, torn or changed, or a member is missing."
  help["unread_points"] = "Recovery points whose manifest was not read yet; they count as there."
  help["future_points"] = "Recovery points of the future, by the clock of the witness: they count for nothing, and a clock is or was wrong."
  help["future_recovery_point_timestamp_seconds"] = "The time of the farthest of them."
  help["recovery_point_timestamp_seconds"] = "When the newest whole recovery point was begun: what was written since is not in it."
  help["bytes"] = "Its size as it is stored, of a restic repository as it was dumped."
  help["duration_seconds"] = "How long it took to make it."
  help["verified_recovery_point_timestamp_seconds"] = "When the newest recovery point was begun that was verified."
  help["verified_timestamp_seconds"] = "When it was verified."
  help["restore_seconds"] = "How long its verification took to restore it."
  help["log_timestamp_seconds"] = "Until when the archived log of the series is stored."
}
{
  name = $1
  sub(/\{.*/, "", name)
  if (name != last) {
    short = name
    sub(/^cdk8s_backup_/, "", short)
    printf "# HELP %s %s\n# TYPE %s gauge\n", name, help[short], name
    last = name
  }
  print
}
