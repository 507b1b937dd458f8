# Runs once, on the first node; the others are reached by ssh, without a key, or by an mpirun of your own:
#   mpirun --hostfile $AZ_BATCHAI_MPI_HOST_FILE ./program
set -e
for host in ${AZ_BATCH_HOST_LIST//,/ }; do
  ssh "$host" 'echo "$STOKER_NODE has $AZ_BATCHAI_NUM_GPUS GPUs"' | tee -a "$AZ_BATCHAI_OUTPUT_MODEL/nodes.txt"
done
