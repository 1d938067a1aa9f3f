#!/bin/sh
# After go.sh: what says in metrics what the API server knows, as it is released.
set -eu
module k8s.io/kube-state-metrics/v2 v2.16.0 h1:9odhnjtWSngkq/6Maw9m0Fi9dH8DM4M/lQw/XCspAqk= /tmp/kube-state-metrics
cd /tmp/kube-state-metrics
build kube-state-metrics -ldflags '-s -w -X github.com/prometheus/common/version.Version=v2.16.0' .
