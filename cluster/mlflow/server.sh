#!/usr/bin/env bash
# bash cluster/mlflow/secrets.sh        # once
# bash cluster/mlflow/server.sh         # in the foreground; Ctrl-C ends it, and nothing is lost
#
# MLflow's tracking server with PostgreSQL behind it, for a machine without Docker. Needs: a PostgreSQL
# whose user `mlflow` owns a database `mlflow`, with the password of cluster/mlflow/.env:
#   sudo -u postgres psql -c "CREATE ROLE mlflow LOGIN" -c "\password mlflow" -c "CREATE DATABASE mlflow OWNER mlflow"
# It listens on loopback and asks for a name and a password. Then, for sweeper on any node:
#   export MLFLOW_TRACKING_URI=http://localhost:5000 MLFLOW_TRACKING_USERNAME=admin MLFLOW_TRACKING_PASSWORD=...
# What to change is a variable, here or in cluster/mlflow/.env:
#   HOST=10.0.0.1 ALLOWED_HOSTS=mlflow.lab:5000   to listen for others: put TLS in front, passwords are sent
#   PORT=5000  PGHOST=127.0.0.1  PGPORT=5432  WORKERS=2
#   ARTIFACTS=/srv/mlflow/artifacts               or s3://BUCKET/FOLDER, gs://BUCKET/FOLDER (with boto3 or
#                                                 google-cloud-storage, and the cloud's own credentials)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
settings=${SETTINGS:-$here/.env}
if [ -f "$settings" ]; then
  set -a
  # shellcheck source=/dev/null
  . "$settings"
  set +a
fi
: "${POSTGRES_PASSWORD:?run cluster/mlflow/secrets.sh first}"
: "${MLFLOW_AUTH_ADMIN_PASSWORD:?run cluster/mlflow/secrets.sh first}"
: "${MLFLOW_FLASK_SERVER_SECRET_KEY:?run cluster/mlflow/secrets.sh first}"
export MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY

# Passwords go by the environment, so that neither `ps` nor a log shows them.
export PGHOST=${PGHOST:-127.0.0.1} PGPORT=${PGPORT:-5432} PGUSER=mlflow PGDATABASE=mlflow
export PGPASSWORD=$POSTGRES_PASSWORD
export MLFLOW_AUTH_CONFIG_PATH=$here/auth.ini MLFLOW_DISABLE_TELEMETRY=true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false # its workers are for language models
hosts=()
[ -z "${ALLOWED_HOSTS:-}" ] || hosts=(--allowed-hosts "$ALLOWED_HOSTS")
exec mlflow server --app-name basic-auth --backend-store-uri postgresql+psycopg2:// \
  --artifacts-destination "${ARTIFACTS:-$here/artifacts}" \
  --host "${HOST:-127.0.0.1}" --port "${PORT:-5000}" --workers "${WORKERS:-2}" "${hosts[@]}"
