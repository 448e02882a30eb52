#!/usr/bin/env bash
# Trains one config on every device of this machine; started again, it continues.
#
#   launch/one_machine.sh CONFIG WORKDIR [--config.field=value ...]
#   launch/one_machine.sh configs/acgan.py runs/acgan --config.data.dataset=DATASET
#
# LESION_JAX names the console script where it is not on PATH: LESION_JAX=.venv/bin/lesion-jax.
set -euo pipefail
if [ $# -lt 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
config=$1 workdir=$2
shift 2
exec "${LESION_JAX:-lesion-jax}" train --config "$config" --workdir "$workdir" --config.num_devices=0 "$@"
