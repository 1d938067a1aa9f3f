# Which recovery points stay and which may go.
#
#   awk -v policy="$RETENTION" -v now="$(date -u +%Y%m%dT%H%M%SZ)" -f retention.awk <points
#
# policy   `all`, or counts of what to keep, each once, and seconds for `within`, which may be left out:
#          last=0 hourly=0 daily=7 weekly=5 monthly=12 yearly=0 within=2592000 at-least=3
# now      the time, as in an ID
# stdin    one recovery point a line, in any order: `ID verified` or `ID unverified`,
#          where ID is YYYYMMDDTHHMMSSZ-xxxxx: the start in UTC, and five lower-case letters or digits
# stdout   one line for each, newest first: `keep ID RULE[,RULE...]` or `drop ID`
# exit     0; or 2 with nothing on stdout when the policy, the time or any line is not as above, a date does not exist or an ID is there
#          twice. A damaged listing never leads to a deletion.
#
# Rules, as in restic's `forget --keep-*` and all in UTC: the newest point of each of the last N hours, days, ISO weeks, months
# and years that have one; periods without a point do not count. `last` and `at-least` keep the N newest. `within` keeps all that
# are younger than the newest by less than so many seconds: when backups stop, nothing grows old. Besides, the newest verified
# point always stays, as `newest-verified`. A point stays when any rule keeps it.
#
# A point of the future stays as `future`, and no rule counts it: whoever can add points, and no more than that, could
# otherwise push out every other by some of times to come (restic's documentation, "Security considerations in append-only mode").
#
# POSIX awk: no {n} in patterns and no gensub, so that mawk and busybox understand it.

BEGIN {
  split("last hourly daily weekly monthly yearly within at-least", rules, " ")
  read_policy()
  if (now !~ /^[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z$/ || !is_time(now))
    fail("the time cannot be read: " now)
}

failed { next }

{
  if ($0 !~ /^[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-[a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9] (un)?verified$/)
    fail("line " NR " is not a recovery point: " $0)
  else if (!is_time($1)) fail("line " NR " has a time that does not exist: " $1)
  else if ($1 in state) fail("line " NR " repeats a recovery point: " $1)
  else {
    id[++points] = $1
    state[$1] = $2
  }
}

END {
  if (failed) exit 2
  newest_first()
  for (i = 1; i <= points; i++) {
    kept = everything ? ",all" : ""
    if (substr(id[i], 1, 16) "" > now "") {
      print "keep " id[i] " " substr(kept ",future", 2)
      continue
    }
    if (newest == "") newest = id[i]
    for (r = 1; r in rules; r++) if (takes(rules[r], id[i])) kept = kept "," rules[r]
    if (state[id[i]] == "verified" && !seen_verified++) kept = kept ",newest-verified"
    print (kept == "" ? "drop " id[i] : "keep " id[i] " " substr(kept, 2))
  }
}

function fail(message) {
  print "retention.awk: " message | "cat >&2"
  failed = 1
}

function read_policy(    pairs, pair, n, i, r, known, total) {
  if (policy == "all") {
    everything = 1
    return
  }
  for (r in rules) known[rules[r]] = 1
  n = split(policy, pairs, " ")
  for (i = 1; i <= n; i++) {
    if (split(pairs[i], pair, "=") != 2 || !(pair[1] in known) || pair[1] in left || pair[2] !~ /^[0-9]+$/) {
      fail("the policy cannot be read: " policy)
      return
    }
    left[pair[1]] = pair[2] + 0
    if (pair[1] != "at-least") total += pair[2]
  }
  if (n != 7 + ("within" in left) || left["at-least"] < 1 || total < 1) fail("the policy keeps nothing, or lacks a rule: " policy)
}

# Whether a rule keeps a point, when points come newest first: it keeps the first point of each period until its count is used up.
function takes(rule, point,    period) {
  if (left[rule] < 1) return 0
  if (rule == "within") return seconds_of(newest) - seconds_of(point) < left[rule]
  period = period_of(rule, point)
  if (rule in current && current[rule] == period) return 0
  current[rule] = period
  left[rule]--
  return 1
}

# Strings that are equal when two points are of one period.
function period_of(rule, point) {
  if (rule == "hourly") return substr(point, 1, 11)
  if (rule == "daily") return substr(point, 1, 8)
  if (rule == "weekly") return "week " int((day_of(point) + 1) / 7)
  if (rule == "monthly") return "month " substr(point, 1, 6)
  if (rule == "yearly") return "year " substr(point, 1, 4)
  return point
}

# Days since a Saturday long ago: years begin in March, so that a leap day is their last.
function day_of(point,    year, month) {
  year = substr(point, 1, 4) + 0
  month = substr(point, 5, 2) + 0
  if (month < 3) {
    year--
    month += 12
  }
  return 365 * year + int(year / 4) - int(year / 100) + int(year / 400) + int((153 * (month - 3) + 2) / 5) + substr(point, 7, 2)
}

function seconds_of(point) {
  return ((day_of(point) * 24 + substr(point, 10, 2)) * 60 + substr(point, 12, 2)) * 60 + substr(point, 14, 2)
}

function is_time(point,    year, month, day, length_of) {
  year = substr(point, 1, 4) + 0
  month = substr(point, 5, 2) + 0
  day = substr(point, 7, 2) + 0
  split("31 28 31 30 31 30 31 31 30 31 30 31", length_of, " ")
  if (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) length_of[2] = 29
  return month >= 1 && month <= 12 && day >= 1 && day <= length_of[month] + 0 &&
    substr(point, 10, 2) + 0 < 24 && substr(point, 12, 2) + 0 < 60 && substr(point, 14, 2) + 0 < 60
}

# Shell sort, descending. An ID sorts by its text, as the time comes first and has a fixed width.
function newest_first(    gap, i, j, held) {
  for (gap = int(points / 2); gap > 0; gap = int(gap / 2))
    for (i = gap + 1; i <= points; i++) {
      held = id[i]
      for (j = i; j > gap && id[j - gap] "" < held ""; j -= gap) id[j] = id[j - gap]
      id[j] = held
    }
}
