#!/bin/sh
# A backup every BACKUP_EVERY_SECONDS (0: only one), of which the last BACKUP_KEEP stay.
set -u
while :; do
  if optoscope backup "$BACKUP_DIR/optoscope-$(date -u +%Y%m%dT%H%M%SZ).tar"; then
    rm -f "$BACKUP_DIR/.failed"
    # By name, which is by time. Only after one was written: a failing disk takes no old ones along.
    ls -1 "$BACKUP_DIR"/optoscope-*.tar | sort -r | tail -n "+$((BACKUP_KEEP + 1))" |
      while read -r old; do rm -f -- "$old"; done
    failed=0
  else
    : > "$BACKUP_DIR/.failed"
    failed=1
  fi
  [ "$BACKUP_EVERY_SECONDS" -eq 0 ] && exit "$failed"
  sleep "$BACKUP_EVERY_SECONDS"
done
