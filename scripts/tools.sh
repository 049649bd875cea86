#!/usr/bin/env bash
# Installs into .tools the servers that the tests of objects/s3 run: versitygw (S3 on files) and ministack (AWS in memory,
# also the local cloud). What is there in the right version stays. Without Python, ministack is left out and so are the
# tests that need it.
set -euo pipefail
cd "$(dirname "$0")/.."

versitygw=v1.8.0
list=scripts/requirements-cloud.txt

if ! go version -m .tools/bin/versitygw 2>/dev/null | grep -q "versitygw[[:space:]]$versitygw[[:space:]]"; then
	echo "Building versitygw $versitygw into .tools/bin (a few minutes the first time)"
	GOBIN="$PWD/.tools/bin" go install -trimpath -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@$versitygw"
fi

# infra/local installs the same in the same way.
if cmp -s "$list" .tools/ministack/made; then
	exit 0
fi
if ! command -v python3 >/dev/null; then
	echo "python3 is not installed: the tests that need ministack are left out"
	exit 0
fi
echo "Installing ministack into .tools/ministack"
python3 -m venv .tools/ministack
.tools/ministack/bin/pip install --quiet --disable-pip-version-check -r "$list"
cp "$list" .tools/ministack/made
