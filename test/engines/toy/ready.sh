#!/bin/sh
# Exit 0 when the server answers.
set -eu
wget -q -O /dev/null "$TOY_URL/lines"
