#!/usr/bin/env bash
# NOT RUN HERE: written for Cloud TPU VMs, tried with a stand-in for lesion-jax only.
#
# Trains one config on all chips of a TPU pod slice: runs on every worker at once, and JAX finds the others.
#
#   gcloud compute tpus tpu-vm ssh NAME --zone=ZONE --worker=all --command='cd lesion_jax && \
#       LESION_JAX=.venv/bin/lesion-jax launch/tpu_pod.sh CONFIG WORKDIR [--config.field=value ...]'
#
# The environment holds `pip install -e '.[tpu]'`; dataset and WORKDIR lie on a disk that all workers see (Filestore).
# When a worker is taken away, the others save or end; the same line carries on from the last checkpoint.
set -euo pipefail
exec "$(dirname "$0")/one_machine.sh" "$@" --coordinator=auto
