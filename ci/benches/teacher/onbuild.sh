#!/usr/bin/env bash
# A teacher's script for onbuild: onbuild.sh FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

has_triggers() { [ "$("$docker" image inspect --format '{{len .Config.OnBuild}}' "$me")" -gt 0 ]; }
is_clean() { ! "$docker" run --rm --network none "$me" ls /app/manifest.txt; }
child() { # NAME, with its files in a folder of that name
    printf 'FROM %s\n' "$me" >"$scratch/$1/Dockerfile"
    "$docker" build --network none -t "$me-$1" "$scratch/$1"
}
holds() { [ "$("$docker" run --rm --network none "$me-$1" cat "/app/$2")" = "$3" ]; }
lists() { "$docker" run --rm --network none "$me-$1" cat /app/manifest.txt | grep -qx "$2"; }

mkdir -p "$scratch"/{child,other/folder,again}
one=$RANDOM$RANDOM two=$RANDOM$RANDOM
echo "$one" >"$scratch/child/$one.txt"
echo second >"$scratch/child/second.txt"
echo "$two" >"$scratch/other/$two.py"
echo deep >"$scratch/other/folder/$two.txt"
echo changed >"$scratch/again/$one.txt"
echo added >"$scratch/again/$two.txt"

point builds "$docker" build --network none -t "$me" "$submission"
point triggers has_triggers
point parent-clean is_clean
point child-builds child child
point child-copied holds child "$one.txt" "$one"
point child-manifest lists child "$one.txt"
point other-builds child other
point other-copied holds other "$two.py" "$two"
point other-folder holds other "folder/$two.txt" deep
point other-manifest lists other "$two.py"
point again-builds child again
point again-copied holds again "$one.txt" changed
point again-manifest lists again "$two.txt"
total
