#!/usr/bin/env bash
# The life of a dataset, from raw files to a model that can be trained again elsewhere, and to the day when old versions are let go.
# It works in a folder of its own and cleans up behind itself: bash examples/whole-life/whole-life.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
varve() { node "$here/../../bin/varve.js" "$@"; }
field() { node -p "JSON.parse(require('fs').readFileSync(0, 'utf8'))$1"; }
say() { printf '\n== %s\n' "$*"; }
equal() { [[ $2 == "$3" ]] || { echo "$1: $2, and $3 was expected"; exit 1; }; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
cd "$work"

say "raw data: two months of customers, and a file with corrections"
node -e '
  const { writeFileSync } = require("fs")
  const month = (first, count) => Array.from({ length: count }, (_, i) => {
    const id = first + i, visits = (id * 7919) % 30, spent = ((id * 104729) % 10000) / 100
    return `${id},${visits},${spent},${visits * 3 + spent < 70 ? 1 : 0}`
  })
  const csv = (name, lines) => writeFileSync(name, ["id,visits,spent,churned", ...lines].join("\n") + "\n")
  csv("january.csv", month(0, 2000)); csv("february.csv", month(2000, 2000)); csv("corrections.csv", month(1000, 50).map((line) => line.replace(/\d$/, "0")))'

say "a repository with a table: three versions, each of which says where it came from"
mkdir shop && cd shop && git init -q -b main . && git config user.email ada@example.org && git config user.name Ada
varve append data/customers ../january.csv --create --source crm --message "January"
varve append data/customers ../february.csv --source crm --message "February" --txn crm:2
varve append data/customers ../february.csv --source crm --message "February" --txn crm:2
varve merge data/customers ../corrections.csv --on 'target.id = source.id' --when-matched-update --message "Corrections of the CRM"
varve history data/customers

say "the version to train on gets a name"
varve tag data/customers@2 v1.0 --message "for the churn model"
varve tags data/customers

say "a training, recorded with all that it needs to be done again"
cp "$here/train.mjs" . && printf 'rate: 0.5\nepochs: 200\n' > params.yaml
varve run exec --data data/customers@v1.0 --params params.yaml --seed 42 --name churn --export csv --model model.json -- node train.mjs
varve runs data/customers
accuracy=$(varve run show data/customers churn --json | field .metrics.accuracy)

say "a copy elsewhere, and a pin for Git"
varve push data/customers "$work/share/customers"
varve pin data/customers@v1.0
git add -A && git commit -qm "Train the churn model" && git status --short
cat customers.varve
varve status

say "another machine: clone, pull, verify, train again, and get the same"
git clone -q "$work/shop" "$work/elsewhere" && cd "$work/elsewhere"
varve pull customers.varve
varve verify customers.varve --deep
varve run exec --data customers.varve --params params.yaml --seed 42 --name again --export csv --model model.json -- node train.mjs
equal "accuracy" "$(varve run show data/customers again --json | field .metrics.accuracy)" "$accuracy"

say "one byte of a data file flips: verify finds it, and the copy mends it"
file=$(varve files customers.varve --json | head -1 | field .path)
chmod u+w "data/customers/$file"
node -e '
  const { openSync, readSync, writeSync } = require("fs")
  const file = openSync(process.argv[1], "r+"), byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, 200); byte[0] ^= 1; writeSync(file, byte, 0, 1, 200)' "data/customers/$file"
code=0; varve verify customers.varve || code=$?
equal "exit code of verify" "$code" 4
varve verify customers.varve --repair-from "$work/share/customers"
varve verify customers.varve --deep

say "more versions come, and what nothing needs is let go"
cd "$work/shop"
for day in 1 2 3; do varve update data/customers --set "visits = visits + 1" --where "id % 10 = $day" --quiet > /dev/null; done
varve retain data/customers --keep-last 1 --keep-tags --keep-runs active --dry-run
varve retain data/customers --keep-last 1 --keep-tags --keep-runs active
equal "rows of the tagged version" "$(varve query data/customers@v1.0 'SELECT count(*) AS n FROM customers' --format csv | tail -1)" 4000
equal "rows of the newest version" "$(varve query data/customers 'SELECT count(*) AS n FROM customers' --format csv | tail -1)" 4000
if varve query data/customers@0 'SELECT 1 FROM customers' > /dev/null; then echo "version 0 is still there"; exit 1; fi
varve verify data/customers@v1.0 --deep

say "done"
