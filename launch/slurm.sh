# Sourced by the .sbatch files: a training, or a program of a sweep, as a step of the job, and what becomes of the job.

# A training that was asked to end was saved and says 75, or, where Python had not started yet, ends by the signal itself,
# USR1 (138) or TERM (143): the job goes back into the queue. By any other signal (above 128) it was killed, or ended
# because another process of the training was gone. That may have been a node, and may happen every time, so the job goes
# back three times, and then as long as a checkpoint has been written since it started.
# Every other status is the job's: bad input (2) or a divergence (3) would come again.
readonly AGAIN='75|138|143' SIGNALLED=128 NUM_TRIES=3

list_checkpoints() { # WORKDIR of a training, or of a sweep: of the cells of this task's program, not of its neighbours'
    local cells cell
    ls -d "$1"/checkpoints/* 2>/dev/null
    printf -v cells '%s/programs/%04d.cells' "$1" "${SLURM_ARRAY_TASK_ID:-0}"
    [ -e "$cells" ] && while read -r cell; do ls -d "$1/$cell"/checkpoints/* 2>/dev/null; done <"$cells"
}

back_into_queue() { # JOB WHY
    echo "$(date -Is) job $1: $2, back into the queue" >&2
    scontrol requeue "$1"
}

run_step() { # WORKDIR COMMAND...
    local workdir=$1 job=$SLURM_JOB_ID before step status again=
    shift
    # The number of an array's last task is also the array's own: by that, all of its tasks would go back.
    [ -n "${SLURM_ARRAY_TASK_ID:-}" ] && job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    # SLURM 22.05: where a node died before this script began on it, the job comes back without the GPUs that it asked
    # for, and no step of it can start ("Invalid generic resource (gres) specification"). The next time it has them.
    if [ "${SLURM_GPUS_PER_NODE:-0}" != 0 ] && [ -z "${SLURM_GPUS_ON_NODE:-}" ] &&
        [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ "$SLURM_RESTART_COUNT" -lt "$NUM_TRIES" ]; then
        back_into_queue "$job" "came back without its GPUs" && return 0
    fi
    before=$(list_checkpoints "$workdir")
    # SLURM 22.05 to 23.02 do not hand it from the job to its steps.
    [ -n "${SLURM_CPUS_PER_TASK:-}" ] && export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK
    # The first process that ends must not take along one that still saves; one that hangs must not keep the nodes.
    # In the background: bash would hold a signal back until a command in the foreground ends.
    srun --kill-on-bad-exit=0 --wait=60 "$@" &
    step=$!
    # srun passes it on to every process.
    trap 'kill -USR1 "$step" 2>/dev/null' USR1 TERM
    # A signal ends `wait`, not what it waits for.
    while kill -0 "$step" 2>/dev/null; do wait "$step"; done
    wait "$step"
    status=$?
    if [[ $status =~ ^($AGAIN)$ ]]; then
        again=yes
    elif [ "$status" -gt "$SIGNALLED" ]; then
        [ "${SLURM_RESTART_COUNT:-0}" -lt "$NUM_TRIES" ] && again=yes
        [ "$(list_checkpoints "$workdir")" != "$before" ] && again=yes
    fi
    # A job that was cancelled is not running any more, and would come back too.
    if [ "$again" ] && [ "$(squeue --noheader --jobs="$job" --format=%T)" = RUNNING ]; then
        back_into_queue "$job" "ended with status $status" && status=0
    fi
    return "$status"
}
