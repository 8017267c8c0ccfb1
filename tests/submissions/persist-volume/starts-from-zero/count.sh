mkdir -p /data
echo 0 > /data/count
n=$(cat /data/count 2>/dev/null || echo 0)
n=$((n + 1))
echo "$n" > /data/count
echo "count=$n"
exec tail -f /dev/null
