#!/bin/sh
# After go.sh: kube-router, of which the firewall is used.
set -eu
module github.com/cloudnativelabs/kube-router/v2 v2.1.0 h1:xWsptKtmZ44L+NjwFKoFAFlVdxCz8fka9A/eYJe95Ok= /tmp/kube-router
cd /tmp/kube-router
build kube-router -ldflags '-s -w -X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=v2.1.0' ./cmd/kube-router
