#!/usr/bin/env bash
# bash cluster/mlflow/secrets.sh
#
# Writes cluster/mlflow/.env with a password for the database, one for MLflow's user `admin`, and the
# key of its forms: random, readable by you alone, never committed. Needs: nothing. Refuses to write
# over one that is there, for the database keeps the password that it was made with.
set -euo pipefail
file=$(cd "$(dirname "$0")" && pwd)/.env
[ ! -e "$file" ] || { echo "$file is there already" >&2; exit 1; }
umask 077
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
{
  echo "POSTGRES_PASSWORD=$(random)"
  echo "MLFLOW_AUTH_ADMIN_PASSWORD=$(random)"
  echo "MLFLOW_FLASK_SERVER_SECRET_KEY=$(random)"
} > "$file"
echo "$file is written; log in as admin with MLFLOW_AUTH_ADMIN_PASSWORD"
