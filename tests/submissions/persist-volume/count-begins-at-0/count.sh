mkdir -p /data
n=$(cat /data/count 2>/dev/null || echo 0)
echo "count=$n"
n=$((n + 1))
echo "$n" > /data/count
exec tail -f /dev/null
