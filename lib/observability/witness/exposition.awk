# Samples that are sorted, as Prometheus' text format has them: each metric once, with what it means.
BEGIN {
  help["repository_unreadable_entries"] = "Entries of the repository that cannot be read; recovery points may be among them."
  help["points"] = "Recovery points in the repository, except damaged ones and those dated in the future."
  help["damaged_points"] = "Damaged recovery points, which do not count: the manifest is missing, torn or changed, or a member is missing."
  help["unread_points"] = "Recovery points whose manifest has not been read yet; they count as present."
  help["future_points"] = "Recovery points dated in the future, by the clock of the witness: they do not count, and a clock is or was wrong."
  help["future_recovery_point_timestamp_seconds"] = "The time of the one that is farthest in the future."
  help["recovery_point_timestamp_seconds"] = "When the newest complete recovery point was started; it lacks what was written since."
  help["bytes"] = "Its stored size; in a restic repository, the size of the dump."
  help["duration_seconds"] = "How long the newest complete recovery point took to make."
  help["verified_recovery_point_timestamp_seconds"] = "When the newest verified recovery point was started."
  help["verified_timestamp_seconds"] = "When the newest verified recovery point was verified."
  help["restore_seconds"] = "How long the verification of that recovery point took to restore it."
  help["log_timestamp_seconds"] = "The time up to which the log of the series is archived."
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
