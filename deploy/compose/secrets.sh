#!/bin/sh
# Makes the files of docker-compose.yml's secrets; what is there already stays.
# The folder is closed to others; the files are not, for containers read them as users of their own.
set -eu
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
for name in token webhook_secret postgres_password redis_password; do
  [ -s "$folder/$name" ] || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$folder/$name"
done
# For a store on S3: aws_access_key_id and aws_secret_access_key below [default].
[ -e "$folder/s3_credentials" ] || printf '[default]\n' > "$folder/s3_credentials"
chmod 644 "$folder"/*
