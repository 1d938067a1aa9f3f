# Runs in a Debian with Go, before a script that builds programs into /opt/programs.
#
# Every module is pinned by the checksum of its whole content, its own go.sum among it, which pins what it is built from.
export HOME=/root GOPATH=/tmp/go GOCACHE=/tmp/go-build GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-buildvcs=false -modcacherw ${GOFLAGS:-}"

module() { # PATH VERSION CHECKSUM DIRECTORY
  # The checksum is here; not every pinned commit is in the public checksum database.
  GONOSUMDB="$1,${GONOSUMDB:-}" go mod download -json "$1@$2" >/tmp/module || { cat /tmp/module >&2; exit 1; }
  grep -qF "\"Sum\": \"$3\"" /tmp/module || { echo "$1@$2 is not what was pinned" >&2; cat /tmp/module >&2; exit 1; }
  cp -r "$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' /tmp/module)" "$4"
}

mkdir -p /opt/programs
