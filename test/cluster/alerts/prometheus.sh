#!/bin/sh
# prometheus.sh DIRECTORY PROGRAM...: programs of this machine's Debian package, which would start a Prometheus if it were installed.
set -eu
directory=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get update -qq
apt-get download -qq prometheus >/dev/null 2>&1
dpkg-deb --extract prometheus_*.deb .
for program; do install -m 755 "usr/bin/$program" "$directory/$program"; done
