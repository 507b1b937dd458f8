// Writes when this rank was past MPI_Init and a barrier, in seconds since the epoch, to DIR/RANK. Links Open MPI's library
// without its headers, which are a package of their own.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern char ompi_mpi_comm_world[];
int MPI_Init(int *argc, char ***argv);
int MPI_Barrier(void *comm);
int MPI_Finalize(void);

int main(int argc, char **argv) {
  if (argc != 2 || MPI_Init(&argc, &argv) != 0 || MPI_Barrier(ompi_mpi_comm_world) != 0) return 1;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const char *rank = getenv("OMPI_COMM_WORLD_RANK");
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", argv[1], rank ? rank : "0");
  FILE *file = fopen(path, "w");
  if (!file) return 1;
  fprintf(file, "%lld.%06ld\n", (long long)now.tv_sec, now.tv_nsec / 1000);
  return fclose(file) == 0 && MPI_Finalize() == 0 ? 0 : 1;
}
