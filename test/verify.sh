#!/bin/bash
# The one command that passes the tests: lint, types, fast tests (shellcheck among them), drift of dist/, package, end-to-end tests on real servers.
# Made for a fresh Debian machine, as root: it installs what is missing. Its last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CI=true DEBIAN_FRONTEND=noninteractive

passed=0 failed=0
# Servers of tests write and flush all the time, for nobody: in memory, where there is plenty of it.
scratch=$(mktemp -d /var/tmp/cdk8s-backup-verify-XXXXXX)
chmod 1777 "$scratch"
if awk '/^MemAvailable:/ { exit $2 < 12 * 1024 * 1024 }' /proc/meminfo; then mount -t tmpfs -o mode=1777,size=8g tmpfs "$scratch"; fi
export TMPDIR=$scratch
reports=$(mktemp -d)
cluster=
trap '[ -z "$cluster" ] || kill "$cluster" 2>/dev/null; umount -l "$scratch" 2>/dev/null; rm -rf --one-file-system "$scratch"' EXIT

step() { # NAME COMMAND...: one check that passes or fails as a whole
  local began=$SECONDS
  printf '\n== %s\n' "$1"
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAILED: %s\n' "$1"; fi
  printf '(%s s)\n' "$((SECONDS - began))"
}

run_tests() { # PROJECT: a vitest run
  local began=$SECONDS rc=0
  npx vitest run --project "$1" --reporter=default --reporter=./test/support/summary.mts --reporter=json --outputFile="$reports/$1.json" || rc=$?
  echo "$rc" >"$reports/$1.rc"
  printf '(%s s)\n' "$((SECONDS - began))"
}

count_tests() { # PROJECT: every test of a run counts; one that did not report counts as a failure
  local counts rc p f s
  rc=$(cat "$reports/$1.rc" 2>/dev/null) || rc=1
  # shellcheck disable=SC2016 # the expression is JavaScript
  counts=$(node -p 'const r = require(process.argv[1]); `${r.numPassedTests} ${r.numFailedTests} ${r.numPendingTests + r.numTodoTests}`' "$reports/$1.json" 2>/dev/null) || counts='0 1 0'
  read -r p f s <<<"$counts"
  # Here nothing may be skipped: a check that did not run has not passed.
  [ "$s" = 0 ] || { printf 'FAILED: %s tests of "%s" were skipped\n' "$s" "$1"; f=$((f + s)); }
  # A file that could not be loaded fails no test, only the run.
  [ "$rc" = 0 ] || [ "$f" != 0 ] || f=1
  passed=$((passed + p)) failed=$((failed + f))
}

install_tools() {
  local missing=()
  command -v shellcheck >/dev/null || missing+=(shellcheck)
  command -v bwrap >/dev/null || missing+=(bubblewrap)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  command -v rclone >/dev/null || missing+=(rclone)
  # Only a static one runs in a root file system that holds nothing else.
  if ! command -v busybox >/dev/null || ldd "$(command -v busybox)" >/dev/null 2>&1; then missing+=(busybox-static); fi
  command -v gawk >/dev/null || missing+=(gawk)
  command -v mawk >/dev/null || missing+=(mawk)
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
  command -v setpriv >/dev/null || missing+=(util-linux)
  command -v openssl >/dev/null || missing+=(openssl)
  command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
  command -v git >/dev/null || missing+=(git)
  command -v zstd >/dev/null || missing+=(zstd)
  command -v pgrep >/dev/null || missing+=(procps)
  [ "${#missing[@]}" = 0 ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } || return 1
  for tool in shellcheck bwrap debootstrap rclone busybox gawk mawk ssh-keygen setpriv flock openssl mkfs.ext4 fsfreeze git zstd pgrep; do
    command -v "$tool" >/dev/null || { echo "$tool is missing, and the tests need it"; return 1; }
  done
}

install_promtool() {
  command -v promtool >/dev/null || sh test/cluster/alerts/prometheus.sh /usr/local/bin promtool || echo 'promtool is missing, and the tests need it'
  command -v promtool >/dev/null
}

synth_is_clean() {
  npm run --silent synth >/dev/null && git diff --exit-code --stat -- dist && [ -z "$(git status --porcelain -- dist)" ]
}

reference_is_current() {
  npm run --silent reference && git diff --exit-code --stat -- docs/api && [ -z "$(git status --porcelain -- docs/api)" ]
}

if ! install_tools || ! install_promtool; then
  printf '0 passed, 1 failed\n'
  exit 1
fi
step 'images and programs that the tests use are there' npx tsx test/prepare.ts
step 'lint' npm run --silent lint
step 'types' npm run --silent typecheck
step 'dist/ is what main.ts synthesizes' synth_is_clean
step 'docs/api/ is what the docstrings say' reference_is_current

printf '\n== fast tests, and scripts in the shells of images\n'
for project in unit scripts; do
  run_tests "$project"
  count_tests "$project"
done

# A cluster waits for its schedules and its controllers most of the time, and the sandbox for its deadlines: together they keep the machine busy.
printf '\n== end-to-end tests, and tests on a Kubernetes beside them\n'
run_tests cluster >"$reports/cluster.log" 2>&1 &
cluster=$!
run_tests e2e
wait "$cluster"
cluster=
printf '\n== tests on a Kubernetes\n'
cat "$reports/cluster.log"
count_tests e2e
count_tests cluster

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
