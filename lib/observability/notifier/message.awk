# A message as its channel takes it: of one line of decide.awk's, without its first word.
#
# variables: kind, room, which is the namespace: gawk has a word of its own by that name, cluster

function replaced(text, from, to, out, at) {
  out = ""
  while ((at = index(text, from)) > 0) {
    out = out substr(text, 1, at - 1) to
    text = substr(text, at + length(from))
  }
  return out text
}

# What Slack takes for marks and mentions. (Slack's documentation, "Formatting message text", "Escaping text".)
function slack(text) { return replaced(replaced(replaced(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;") }

# The text of a string of JSON.
function plain(text, out, i) {
  out = ""
  for (i = 1; i <= length(text); i++) {
    if (substr(text, i, 1) == "\\") i++
    out = out substr(text, i, 1)
  }
  return out
}

function number(text) { return text ~ /^[0-9]+$/ ? text : "null" }
function string(text) { return text == "-" ? "null" : "\"" text "\"" }

{
  stage = $2; time = $3; uid = $4; outcome = $5; job = $6; owner = $7; owner_uid = $8; series = $9; operation = $10; cause = $11
  verdict = $12; point = $13; bytes = $14; seconds = $15; begun = $16; ended = $17; reason = $18
  where = (cluster == "" ? "" : cluster "/") room
  if (outcome == "start") said = "has begun"
  else if (outcome == "stuck") said = "cannot run: " reason
  else if (outcome == "failure") said = "has failed: " reason
  else {
    said = (outcome == "recovery" ? "succeeds again" : "has succeeded") (verdict == "-" ? "" : ": " verdict) (point == "-" ? "" : " " point)
    if (bytes ~ /^[1-9][0-9]*$/) said = said ", " bytes " bytes"
    if (seconds ~ /^[0-9]+$/) said = said (point == "-" ? "" : ",") " in " seconds " s"
    if (reason != "") said = said ". Not covered: " reason
  }
}

kind == "slack" {
  icon = outcome == "failure" || outcome == "stuck" ? ":x:" : ":white_check_mark:"
  hint = outcome == "failure" || outcome == "stuck" ? "\\n`kubectl -n " room " describe job " job "`" : ""
  printf "{\"text\":\"%s *%s* in %s %s%s\"}\n", icon, slack(owner), slack(where), slack(said), hint
}

kind == "webhook" {
  printf "{\"version\":1,\"id\":\"%s/%s\",\"outcome\":\"%s\",\"cluster\":%s,\"namespace\":\"%s\",\"series\":\"%s\",\"operation\":\"%s\",", uid, stage, outcome, string(cluster == "" ? "-" : cluster), room, series, operation
  printf "\"cronJob\":%s,\"job\":\"%s\",\"cause\":%s,\"verdict\":%s,\"reason\":\"%s\",\"recoveryPoint\":%s,", string(owner_uid == "-" ? "-" : owner), job, string(cause), string(verdict), reason, string(point)
  printf "\"bytes\":%s,\"seconds\":%s,\"begun\":%s,\"ended\":%s}\n", number(bytes), number(seconds), string(begun), string(ended)
}

# The first line is the end of the address. Two of one name in two places are two: the success of one would hide the failure of the other.
# (Healthchecks.io's documentation, "Pinging API", "Slug URLs" and "run ID".)
kind == "ping" {
  slug = tolower((cluster == "" ? "" : cluster "-") room "-" owner)
  gsub(/[^a-z0-9_-]/, "-", slug)
  printf "/%s%s?rid=%s\n", slug, (outcome == "start" ? "/start" : outcome == "failure" || outcome == "stuck" ? "/fail" : ""), uid
  printf "%s in %s %s\n", owner, where, plain(said)
}

# (Kubernetes API reference, Event v1 core.) Its name is the message's, so that it is there once.
kind == "event" {
  bad = outcome == "failure" || outcome == "stuck"
  reasons["start"] = "BackupJobBegun"; reasons["stuck"] = "BackupJobStuck"; reasons["failure"] = "BackupJobFailed"
  reasons["recovery"] = "BackupJobRecovered"; reasons["success"] = "BackupJobSucceeded"
  printf "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"%s.%s.%s\",\"namespace\":\"%s\",\"labels\":{\"app.kubernetes.io/managed-by\":\"cdk8s-backup\",\"cdk8s-backup/series\":\"%s\"}},", job, substr(uid, 1, 8), stage, room, series
  printf "\"involvedObject\":{\"apiVersion\":\"batch/v1\",\"kind\":\"%s\",\"namespace\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\"},", (owner_uid == "-" ? "Job" : "CronJob"), room, owner, (owner_uid == "-" ? uid : owner_uid)
  printf "\"reason\":\"%s\",\"type\":\"%s\",\"message\":\"%s %s\",\"count\":1,", reasons[outcome], (bad ? "Warning" : "Normal"), job, said
  printf "\"firstTimestamp\":\"%s\",\"lastTimestamp\":\"%s\",\"source\":{\"component\":\"cdk8s-backup-notifier\"}}\n", time, time
}
