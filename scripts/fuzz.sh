#!/usr/bin/env bash
# Starts the service with 500 made-up users and its own Redis in a temporary folder, and lets schemathesis call every
# operation of its OpenAPI document, all checks on. FUZZ_EXAMPLES: cases an operation; FUZZ_SEED: repeats a run.
set -euo pipefail

SCHEMATHESIS=4.32.5
TOOL=.tools/schemathesis-$SCHEMATHESIS
SEED=${FUZZ_SEED:-$RANDOM}

if [ ! -x "$TOOL/bin/schemathesis" ]; then
  echo "fetching schemathesis $SCHEMATHESIS"
  python3 -m venv "$TOOL"
  "$TOOL/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"
fi

data=$(mktemp -d)
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
REDIS_URL='' DATA_DIR=$data PORT=$port LOG_LEVEL=warn node src/main.ts all --seed-users 500 >"$data/service.log" 2>&1 &
service=$!
finish() {
  kill "$service" 2>/dev/null || true
  wait "$service" 2>/dev/null || true
  rm -rf "$data"
}
trap finish EXIT

for _ in $(seq 300); do
  node -e "fetch('http://127.0.0.1:$port/health/ready').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))" && break
  kill -0 "$service" 2>/dev/null || { cat "$data/service.log" >&2; exit 1; }
done

echo "seed $SEED"
# One worker: hypothesis' own introspection is not safe in several threads of Python 3.11.
SCHEMATHESIS_HOOKS=test/fuzz/hooks.py "$TOOL/bin/schemathesis" --config-file test/fuzz/schemathesis.toml run \
  "http://127.0.0.1:$port/docs/json" --checks all --max-examples "${FUZZ_EXAMPLES:-100}" --seed "$SEED" \
  --continue-on-failure --workers 1 --request-timeout 10 --no-color
if grep -q '"level":50' "$data/service.log"; then
  grep '"level":50' "$data/service.log" >&2
  echo 'the service logged errors' >&2
  exit 1
fi
