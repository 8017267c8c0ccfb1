mkdir -p /data
n=$(cat /data/count 2>/dev/null || echo 0)
n=$((n + 1))
echo "$n" > /data/count
echo "Count: $n"
exec tail -f /dev/null
