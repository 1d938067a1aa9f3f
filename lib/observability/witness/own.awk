# What the witness says of itself and of the repository as a whole.
function sample(name, help, value, labels) {
  if (value == "") return
  printf "# HELP %s %s\n# TYPE %s gauge\n%s{%srepository=\"%s\"} %s\n", name, help, name, name, labels, repository, value
}
BEGIN {
  repository = ENVIRON["WITNESS_REPOSITORY"]
  gsub(/\\/, "\\\\", repository)
  gsub(/"/, "\\\"", repository)
  sample("cdk8s_backup_repository_up", "Whether the last listing of the repository succeeded in time.", ENVIRON["WITNESS_UP"])
  sample("cdk8s_backup_repository_listed_timestamp_seconds", "When the listing began that all values come from.", ENVIRON["WITNESS_LISTED"])
  sample("cdk8s_backup_witness_listing_duration_seconds", "How long that listing took.", ENVIRON["WITNESS_TOOK"])
  sample("cdk8s_backup_witness_interval_seconds", "How often the repository is listed.", ENVIRON["WITNESS_EVERY"])
}
