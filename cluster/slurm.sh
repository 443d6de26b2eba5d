#!/usr/bin/env bash
# sbatch cluster/slurm.sh run search_spaces/pgn_ablation.yaml --profile paper
# sbatch --nodes=4 --time=24:00:00 cluster/slurm.sh run ...     # what stands below is a default
# for i in 1 2 3; do sbatch --dependency=singleton cluster/slurm.sh run ...; done   # longer than one time limit
#
# Ray for the time of one job: the head on the first node, workers on the others, then `sweeper` with the words
# given. Five minutes before the limit Slurm sends SIGTERM, sweeper gets Ctrl-C and saves; the same sbatch goes on.
# Costs: what the job asks for. Needs: the project on a file system that all nodes share, submitted from its folder
# after `make setup` there. Each job has a token of its own, in a file that only you can read, removed at the end.
# Change: the lines of #SBATCH, and these two:
#SBATCH --job-name=sweeper
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --mem=64G
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --output=sweeper-%j.log
environment=${SWEEPER_ENV:-$SLURM_SUBMIT_DIR/.venv}
export SWEEPER_RESULTS=${SWEEPER_RESULTS:-$SLURM_SUBMIT_DIR/results}

set -euo pipefail
set -m # else what runs in the background would not hear Ctrl-C
cd "$SLURM_SUBMIT_DIR"
export PATH=$environment/bin:$PATH RAY_USAGE_STATS_ENABLED=0
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # srun does not inherit it
mkdir -p "$SWEEPER_RESULTS"

private=$(umask 077 && mktemp -d "$SLURM_SUBMIT_DIR/.sweeper-$SLURM_JOB_ID-XXXXXX")
scratch=/tmp/sweeper-$SLURM_JOB_ID # Ray's own files on each node; a path of its own, for others use the node too
(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$private/token")
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$private/token
steps=()
finish() {
  trap - EXIT
  for step in "${steps[@]}"; do kill -TERM -- "-$step" 2> /dev/null || true; done
  for step in "${steps[@]}"; do wait "$step" 2> /dev/null || true; done
  on_each rm -rf "$scratch" || true
  rm -rf "$private"
}
on() { srun --overlap --nodes=1 --ntasks=1 --nodelist="$1" "${@:2}"; }
on_each() { srun --overlap --ntasks-per-node=1 "$@"; }
trap finish EXIT

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
ip=${HEAD_IP:-$(on "${nodes[0]}" hostname -I | awk '{print $1}')}
port=$((20000 + SLURM_JOB_ID % 20000)) # several jobs may share a node
room=(--num-cpus="${SLURM_CPUS_PER_TASK:-1}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}")

on "${nodes[0]}" python cluster/node_check.py --results "$SWEEPER_RESULTS" --mark
on "${nodes[0]}" ray start --head --block --node-ip-address="$ip" --port="$port" --include-dashboard=false \
  --temp-dir="$scratch" "${room[@]}" > "$private/head.log" 2>&1 &
steps+=($!)
for second in $(seq 120); do
  if (: < "/dev/tcp/$ip/$port") 2> /dev/null; then break; fi
  [ "$second" -lt 120 ] || { echo "Ray did not start on ${nodes[0]}:" >&2; cat "$private/head.log" >&2; exit 1; }
  sleep 1
done
for node in "${nodes[@]:1}"; do
  on "$node" bash -c 'python cluster/node_check.py --results "$SWEEPER_RESULTS" --head "$0" &&
    exec ray start --block --address="$0" "$@" > /dev/null 2>&1' "$ip:$port" "${room[@]}" &
  steps+=($!)
done

RAY_ADDRESS=$ip:$port sweeper "$@" &
run=$!
trap 'echo "the time is nearly over: saving"; kill -INT "$run"' TERM
code=0
wait "$run" || code=$?
while kill -0 "$run" 2> /dev/null; do code=0; wait "$run" || code=$?; done
[ "$code" -ne 130 ] || echo "the same sbatch goes on"
exit "$code"
