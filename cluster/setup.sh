#!/usr/bin/env bash
# bash ~/sweeper/cluster/setup.sh /mnt/shared/results [ENVIRONMENT]
#
# Makes a machine ready to be a node; the cluster files run it on every node, and you may by hand.
# It builds ~/sweeper-env with Python 3.11 from requirements.lock (minutes, about 8 GB; seconds if the
# lock file has not changed since), or takes ENVIRONMENT, one that is there already. Then it has every
# shell of this user find that first, with the settings of the cluster (~/.sweeper.sh).
# Needs: python3 with venv, and a package index that can be reached, unless ENVIRONMENT is given.
set -euo pipefail

results=${1:?the results folder on shared storage, such as /mnt/shared/results}
project=$(cd "$(dirname "$0")/.." && pwd)
environment=${2:-$HOME/sweeper-env}
if [ $# -lt 2 ] && ! cmp -s "$project/requirements.lock" "$environment/requirements.lock"; then
  python3 -m venv "$HOME/.sweeper-uv"
  "$HOME/.sweeper-uv/bin/pip" install --quiet "$(grep '^uv==' "$project/requirements.lock")"
  uv=$HOME/.sweeper-uv/bin/uv
  export UV_HTTP_TIMEOUT=600
  "$uv" venv --quiet --clear --python 3.11 "$environment" # downloads one where there is none
  "$uv" pip install --quiet --python "$environment/bin/python" -r "$project/requirements.lock"
  "$uv" pip install --quiet --python "$environment/bin/python" --no-deps --no-build-isolation \
    -e "$project"
  cp "$project/requirements.lock" "$environment/requirements.lock" # last: it says that all is there
fi
[ -x "$environment/bin/ray" ] || { echo "no environment at $environment" >&2; exit 1; }

mkdir -p "$results"
[ -f "$HOME/.ray/auth_token" ] || {
  echo "no token in ~/.ray/auth_token; make one where you start the cluster: \
ray get-auth-token --generate > /dev/null" >&2
  exit 1
}
chmod 700 "$HOME/.ray" && chmod 600 "$HOME/.ray/auth_token" # `ray rsync-up` may open the file again, not the folder
{
  printf 'export PATH=%q:$PATH\n' "$environment/bin"
  printf 'export SWEEPER_RESULTS=%q\n' "$results"
  echo 'export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0'
} > "$HOME/.sweeper.sh"
grep -qs '\.sweeper\.sh' "$HOME/.bashrc" || echo '. ~/.sweeper.sh' >> "$HOME/.bashrc"
