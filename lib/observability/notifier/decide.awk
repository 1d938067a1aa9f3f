# What is to be told of jobs, and what is to be remembered.
#
# variables:
#   now           the time of the look
#   without_pod   a job that was made before has no excuse for having no pod
#   waiting       a pod that was made before has none for not having begun
#   made          when the ConfigMap was made that holds what was told, where nothing was told yet: what ended before is of no interest
# input, between tabs, as notifier.sh and look.sh describe it: routes, since, told, last, stuck.before, jobs, pods
# output: lines that begin with
#   message   CHANNEL PHASE TIME UID OUTCOME JOB OWNER OWNER-UID SERIES OPERATION CAUSE VERDICT POINT BYTES SECONDS BEGUN ENDED REASON
#             REASON is the inside of a string of JSON
#   told, since, last   what those files hold from now on
#   stuck     UID CAUSE   of what cannot run. It is told when it is still so at the next look: a pull may fail once
# Files may be empty, and awk does not say so.
{ part = 0; for (i = 1; i < ARGC; i++) if (ARGV[i] == FILENAME) part = i }
part == 1 { route[++routes] = $1 "\t" $2; series_of[routes] = $1; channel_of[routes] = $2; outcomes_of[routes] = "," $3 ","; operations_of[routes] = "," $4 ","; routed[$1]; next }
part == 2 { since[$1 "\t" $2] = $3; known++; next }
part == 3 { told[$1 "\t" $2 "\t" $3]; if ($2 == "stuck") was_stuck[$1]; told_lines[++told_count] = $0; told_of[told_count] = $1; next }
part == 4 { last_time[$1] = $2; last_uid[$1] = $3; last_outcome[$1] = $4; next }
part == 5 { before[$1 "\t" $2]; next }
part == 6 && $1 == "S" { series[$2] = $3; operation[$2] = $4; next }
part == 6 && $1 == "J" { jobs[++count] = $2; name[$2] = $3; made_at[$2] = $4; begun[$2] = $5; suspended[$2] = $6 == "suspended"; failures[$2] = $7; next }
part == 6 && $1 == "O" { owner[$2] = $3; owner_uid[$2] = $4; next }
part == 6 && $1 == "E" && $3 == "Complete" { outcome[$2] = "success"; if (!($2 in ended)) ended[$2] = $5; next }
part == 6 && $1 == "E" && $3 == "Failed" { outcome[$2] = "failure"; ended[$2] = $5; why[$2] = $4; words[$2] = $6; next }
part == 6 && $1 == "T" { ended[$2] = $3; next }
part == 7 && $1 == "P" { pods[$2]++; pod_created[$3] = $4; phase[$3] = $5; pod_why[$3] = $6; pod_words[$3] = $7; pod_of[$2, pods[$2]] = $3; next }
part == 7 && $1 == "D" { disrupted[$3] = $4; disrupted_words[$3] = $5; next }
part == 7 && $1 == "U" { unscheduled[$3] = $4; unscheduled_words[$3] = $5; next }
part == 7 && $1 == "C" { n = ++containers[$3]; c_name[$3, n] = $4; c_state[$3, n] = $5; c_why[$3, n] = $6; c_code[$3, n] = $7; c_words[$3, n] = $8; next }

function print_since(i) {
  if (!(route[i] in since)) since[route[i]] = known ? now : made == "" ? now : made
  print "since", route[i], since[route[i]]
}

# What Go has quoted.
function unquoted(text, out, i, c) {
  out = ""
  for (i = 2; i < length(text); i++) {
    c = substr(text, i, 1)
    if (c == "\\") {
      c = substr(text, ++i, 1)
      if (c == "n") c = "\n"
      else if (c == "t" || c == "r" || c == "a" || c == "b" || c == "f" || c == "v") c = " "
      else if (c == "x") { i += 2; c = "?" }
      else if (c == "u") { i += 4; c = "?" }
      else if (c == "U") { i += 8; c = "?" }
    }
    out = out c
  }
  return out
}

# The inside of a string of JSON. What looks like a name and a password of a URL is left out.
function json(text, out, i, c) {
  out = ""
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c == "\n") c = " "
    if (c == "\\" || c == "\"") out = out "\\"
    out = out c
  }
  return masked(out)
}

function masked(text, out) {
  out = ""
  while (match(text, /:\/\/[^\/@ ]*@/)) {
    out = out substr(text, 1, RSTART + 2) "***@"
    text = substr(text, RSTART + RLENGTH)
  }
  return out text
}

# The verdict of a run, of the words that a container has left: only a whole result line is one. What else is there may be a log.
function verdict_in(text, lines, i, n) {
  n = split(text, lines, "\n")
  for (i = n; i > 0; i--) if (lines[i] ~ /^\{"what":".*,"verdict":"[a-z]+","reason":".*"\}$/) return lines[i]
  return ""
}

# A member of a result line: a string as it is written there, or a number.
function member(line, key, rest, at) {
  at = index(line, "\"" key "\":")
  if (at == 0) return ""
  rest = substr(line, at + length(key) + 3)
  if (substr(rest, 1, 1) != "\"") { match(rest, /^[0-9]*/); return substr(rest, 1, RLENGTH) }
  for (at = 2; at <= length(rest); at++) {
    if (substr(rest, at, 1) == "\\") at++
    else if (substr(rest, at, 1) == "\"") return substr(rest, 2, at - 2)
  }
  return ""
}

# The pod of a job that was made last.
function newest(job, i, best) {
  best = ""
  for (i = 1; i <= pods[job]; i++) if (best == "" || pod_created[pod_of[job, i]] >= pod_created[best]) best = pod_of[job, i]
  return best
}

# Sets cause and said: why a pod cannot begin.
function cannot_begin(pod, i, started) {
  cause = said = ""
  started = 0
  for (i = 1; i <= containers[pod]; i++) {
    if (c_state[pod, i] != "waiting") { started = 1; continue }
    if (c_why[pod, i] !~ /^(-|ContainerCreating|PodInitializing)$/) {
      cause = c_why[pod, i]
      said = "container " c_name[pod, i] " cannot start (" cause ")" (c_words[pod, i] == "\"\"" ? "" : ": " unquoted(c_words[pod, i]))
      return
    }
  }
  if ((pod in unscheduled) && pod_created[pod] < waiting) {
    cause = unscheduled[pod]
    said = "no node takes its pod (" cause "): " unquoted(unscheduled_words[pod])
  } else if (phase[pod] == "Pending" && !started && !(pod in unscheduled) && pod_created[pod] < waiting) {
    cause = "ContainerCreating"
    said = "its pod does not begin (ContainerCreating): a volume cannot be mounted, or a Secret or ConfigMap is not there; kubectl describe pod " pod " says which"
  }
}

# Sets cause and reason (of JSON), and line: why a job has failed.
function failed(job, pod, i, found, text, killed) {
  line = cause = reason = said = killed = ""
  pod = newest(job)
  for (i = 1; pod != "" && i <= containers[pod]; i++) {
    if (c_state[pod, i] != "terminated") continue
    if (c_why[pod, i] == "OOMKilled") killed = c_name[pod, i]
    found = verdict_in(unquoted(c_words[pod, i]))
    if (member(found, "verdict") == "failed") line = found
  }
  text = line == "" ? "" : masked(member(line, "reason"))
  if (why[job] == "DeadlineExceeded") {
    if (pod != "") cannot_begin(pod)
    cause = "DeadlineExceeded"
    reason = "it was not done within its time (DeadlineExceeded)" (said != "" ? ": " json(said) : text != "" ? ": " text : pod == "" ? ": it had no pod" : "")
  } else if (pod != "" && pod_why[pod] == "Evicted") {
    cause = "Evicted"
    reason = json("its pod was evicted (Evicted): " unquoted(pod_words[pod]))
  } else if (pod != "" && (pod in disrupted)) {
    cause = disrupted[pod]
    reason = json("its pod was taken away (" cause "): " unquoted(disrupted_words[pod])) (text == "" ? "" : "; " text)
  } else if (why[job] == "PodFailurePolicy" && words[job] ~ /DisruptionTarget/) {
    cause = "DisruptionTarget"
    reason = json("its pod was drained, preempted or evicted (DisruptionTarget), and is gone: " unquoted(words[job]))
  } else if (killed != "") {
    cause = "OOMKilled"
    reason = "container " killed " was killed for want of memory (OOMKilled): raise pods.memoryLimit" (text == "" ? "" : "; " text)
  } else if (text != "") {
    cause = why[job] == "PodFailurePolicy" ? "Refused" : "Failed"
    reason = text
  } else {
    cause = why[job]
    said = ""
    if (pod != "") {
      cannot_begin(pod)
      if (said == "") {
        cause = why[job]
        for (i = 1; i <= containers[pod]; i++)
          if (c_state[pod, i] == "terminated" && c_code[pod, i] != 0 && said == "") {
            cause = c_why[pod, i]
            said = "container " c_name[pod, i] " ended with exit code " c_code[pod, i] " (" cause "), and left no verdict; kubectl logs job/" name[job] " may say more"
          }
      }
      if (said == "" && pod_why[pod] != "-") { cause = pod_why[pod]; said = "its pod ended (" cause "): " unquoted(pod_words[pod]) }
    }
    reason = json(said != "" ? said : "its pod is gone, with its verdict (" why[job] "): " unquoted(words[job]))
  }
  if (cause == "-" || cause == "") cause = "Failed"
}

function succeeded(job, pod, i, p, found) {
  line = cause = reason = ""
  for (p = 1; p <= pods[job]; p++) {
    pod = pod_of[job, p]
    if (phase[pod] != "Succeeded") continue
    for (i = 1; i <= containers[pod]; i++) {
      found = verdict_in(unquoted(c_words[pod, i]))
      if (found != "" && member(found, "verdict") != "failed") line = found
    }
  }
  reason = masked(member(line, "reason"))
}

# Whether the job of a CronJob that ended last before this one has failed.
function after_failure(job, i, other, best) {
  if (job in was_stuck) return 1
  best = ""
  for (i = 1; i <= count; i++) {
    other = jobs[i]
    if (other == job || !(other in outcome) || owner[other] != owner[job] || ended[other] >= ended[job]) continue
    if (best == "" || ended[other] > ended[best]) best = other
  }
  if ((owner[job] in last_time) && last_uid[owner[job]] != job && last_time[owner[job]] < ended[job] && (best == "" || last_time[owner[job]] > ended[best]))
    return last_outcome[owner[job]] == "failure"
  return best != "" && outcome[best] == "failure"
}

function word(text) { return text == "" ? "-" : text }

# Tells all channels that want it, and were not told. Why is found out only where somebody is.
function tell(job, stage, time, result, i, explained) {
  for (i = 1; i <= routes; i++) {
    if (series_of[i] != series[job] || ((job "\t" stage "\t" channel_of[i]) in told) || time < since[route[i]]) continue
    if (!index(outcomes_of[i], "," result ",") || (operations_of[i] != ",*," && !index(operations_of[i], "," operation[job] ","))) continue
    if (!explained++ && stage == "end") { if (outcome[job] == "failure") failed(job); else succeeded(job) }
    print "message", channel_of[i], stage, time, job, (stage == "stuck" ? "stuck" : result), name[job], owner[job], word(owner_uid[job]), series[job], operation[job], \
      word(cause), word(member(line, "verdict")), word(member(line, "id")), word(member(line, "bytes")), word(member(line, "seconds")), begun[job], \
      (job in ended ? ended[job] : "-"), reason
  }
}

END {
  OFS = "\t"
  # What kubectl shows of a CronJob is told always.
  n = routes
  for (i = 1; i <= n; i++) {
    if (series_of[i] in events) continue
    events[series_of[i]]
    route[++routes] = series_of[i] "\tevent"
    series_of[routes] = series_of[i]
    channel_of[routes] = "event"
    outcomes_of[routes] = ",failure,recovery,success,"
    operations_of[routes] = ",*,"
  }
  for (i = 1; i <= routes; i++) print_since(i)
  for (i = 1; i <= count; i++) {
    job = jobs[i]
    if (!(job in series) || !(series[job] in routed)) continue
    if (!(job in owner)) owner[job] = name[job]
    is_job[job]
  }
  for (i = 1; i <= count; i++) {
    job = jobs[i]
    if (!(job in is_job)) continue
    line = cause = reason = ""
    if (job in outcome) {
      tell(job, "end", ended[job], outcome[job] == "failure" ? "failure" : after_failure(job) ? "recovery" : "success")
      if (!(owner[job] in last_time) || ended[job] >= last_time[owner[job]]) {
        if (!(owner[job] in new_last) || ended[job] >= ended[new_last[owner[job]]]) new_last[owner[job]] = job
      }
      continue
    }
    if (begun[job] != "-") tell(job, "start", begun[job], "start")
    if (suspended[job]) continue
    pod = newest(job)
    if (pod != "" && phase[pod] == "Pending") cannot_begin(pod)
    else if (pod == "" && failures[job] == 0 && made_at[job] < without_pod) {
      cause = "FailedCreate"
      said = "no pod is made for it (FailedCreate): a quota, a limit or an admission policy refuses it, or its service account is not there; kubectl describe job " name[job] " says which"
    }
    if (cause == "") continue
    reason = json(said)
    print "stuck", job, cause
    # A cause may be one word at a look, and another at the next: ErrImagePull, ImagePullBackOff.
    for (key in before) if (index(key, job "\t") == 1) { tell(job, "stuck", now, "failure"); break }
  }
  for (i = 1; i <= told_count; i++) if (told_of[i] in is_job) print "told", told_lines[i]
  for (who in new_last) if (owner_uid[new_last[who]] != "") print "last", who, ended[new_last[who]], new_last[who], outcome[new_last[who]]
  for (who in last_time) if (!(who in new_last)) print "last", who, last_time[who], last_uid[who], last_outcome[who]
}
