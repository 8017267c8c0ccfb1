#!/usr/bin/env bash
# A teacher's script for healthcheck: healthcheck.sh FOLDER
# With the check's default times it would take minutes; they are overridden.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

has_check() { [ "$("$docker" image inspect --format '{{if .Config.Healthcheck}}yes{{end}}' "$me")" = yes ]; }
start() { "$docker" run -d --name "$me-$1" --network none --health-interval 1s --health-start-period 1s "$me"; }
becomes() { # NAME STATUS SECONDS
    local second
    for ((second = 0; second < $3; second++)); do
        [ "$("$docker" inspect --format '{{.State.Health.Status}}' "$me-$1")" != "$2" ] || return 0
        sleep 1
    done
    return 1
}
runs() { [ "$("$docker" inspect --format '{{.State.Running}}' "$me-$1")" = true ]; }

point builds "$docker" build -t "$me" "$submission"
point app-unchanged cmp "$GIVEN/app.py" "$submission/app.py"
point has-check has_check
point starts start broken
point healthy becomes broken healthy 20
point break "$docker" exec "$me-broken" touch /tmp/broken
point unhealthy-500 becomes broken unhealthy 40
point keeps-running runs broken
point starts-again start frozen
point healthy-again becomes frozen healthy 20
point freeze "$docker" kill --signal STOP "$me-frozen"
point unhealthy-frozen becomes frozen unhealthy 40
total
