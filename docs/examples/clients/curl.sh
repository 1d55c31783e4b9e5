#!/bin/sh
set -e
edge=http://localhost:5059

# Sends a command, and prints how it has ended.
run() {
  name=$1
  shift
  started=$(curl -sS -H "Idempotency-Key: $name-$$" "$@")
  echo "request $name $(echo "$started" | sed 's/.*"event":"\([A-Za-z]*\)".*/\1/')"
  ended=$(curl -sS "$edge/v1/commands/$name-$$?wait=30")
}

run CallStart "$edge/v1/calls" -d '{"caller":"sip:alice@127.0.0.1:5060","callee":"sip:bob@127.0.0.1:5060"}'
echo connect
callid=$(echo "$ended" | sed 's/.*"TransferStart","data":{[^}]*"callid":"\([^"]*\)".*/\1/')
run CallHold "$edge/v1/calls/$callid/hold" -X POST
run CallEnd "$edge/v1/calls/$callid" -X DELETE

echo "error $(curl -sS "$edge/v1/calls" -d '{}' | sed 's/.*"code":\(-[0-9]*\).*/\1/')"
curl -sS "$edge/v1/rpc" -d '[{"jsonrpc":"2.0","id":9007199254740993,"method":"CallList"},{"jsonrpc":"2.0","id":1.0,"method":"CallList"}]' |
  sed 's/.*"id":9007199254740993,.*"id":1\.0,.*/batch 2/'
echo
echo "large id true"
