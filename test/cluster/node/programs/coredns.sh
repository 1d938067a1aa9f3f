#!/bin/sh
# After go.sh: CoreDNS with the few plugins that a cluster without an outside needs.
set -eu
module github.com/coredns/coredns v1.12.1 h1:haptbGscSbdWU46xrjdPj1vp3wvH1Z2FgCSQKEdgN5s= /tmp/coredns
cd /tmp/coredns
mkdir main
cp /src/coredns.go main/main.go
build coredns -ldflags '-s -w' ./main
