// The network between nodes as MPI sees it: one rank on each, and every pair plays ping-pong by itself. No MPI is needed to build it: the
// library of whoever launched it is opened by name. The handles of Open MPI are addresses, and those of MPICH numbers: both fit a pointer's
// register, and are passed as that.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

typedef uintptr_t handle;

static struct {
  int (*init)(int *, char ***);
  int (*rank)(handle, int *);
  int (*size)(handle, int *);
  int (*send)(const void *, int, handle, int, int, handle);
  int (*receive)(void *, int, handle, int, int, handle, void *);
  int (*probe)(int, int, handle, int *, void *);
  int (*finalize)(void);
  handle world, byte;
  void *no_status;
} mpi;

static const struct {
  const char *symbol;
  void **at;
} symbols[] = {
    {"MPI_Init", (void **)&mpi.init},       {"MPI_Comm_rank", (void **)&mpi.rank},    {"MPI_Comm_size", (void **)&mpi.size},
    {"MPI_Send", (void **)&mpi.send},       {"MPI_Recv", (void **)&mpi.receive},      {"MPI_Finalize", (void **)&mpi.finalize},
    {"MPI_Iprobe", (void **)&mpi.probe},
};

// As mpi.h of all MPICH's kin has it, which agreed on one binary interface.
enum { mpich_world = 0x44000000, mpich_byte = 0x4c00010d };
enum { name_bytes = 256, ranks_max = 64, rounds_max = 20000, tag = 7 };
enum { go = 'G', end = 'E' };

static const struct {
  const char *name;
  int bytes;
} sizes[] = {{"8B", 8}, {"1KiB", 1 << 10}, {"64KiB", 64 << 10}, {"1MiB", 1 << 20}, {"8MiB", 8 << 20}};
enum { sizes_count = sizeof sizes / sizeof *sizes };

static char names[ranks_max][name_bytes];
static char buffer[8 << 20];
static double took[rounds_max];

struct order {
  int what, driver, other;
};

struct measured {
  double latency, high, rates[sizes_count];
};

// Beside the launcher first: a machine may have several, and only one of them is the launcher's own.
static void *opened(const char *const *candidates, const char *folder, int is_open) {
  static const char *const below[] = {"lib/", "lib64/", "lib/release/", ""};
  char path[4096];
  for (const char *const *name = candidates; *name; name++) {
    for (size_t at = 0; at < sizeof below / sizeof *below; at++) {
      if (below[at][0]) snprintf(path, sizeof path, "%s/%s%s", folder, below[at], *name);
      else snprintf(path, sizeof path, "%s", *name);
      // Open MPI's plug-ins look for its symbols among those that are everybody's.
      void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
      // Old releases of the one have the other's name.
      if (library && !dlsym(library, "ompi_mpi_comm_world") == !is_open) return library;
      if (library) dlclose(library);
    }
  }
  return NULL;
}

static int load(const char *flavour, const char *folder) {
  static const char *const open_mpi[] = {"libmpi.so.40", "libmpi.so.20", "libmpi.so.12", "libmpi.so", NULL};
  static const char *const mpich[] = {"libmpi.so.12", "libmpich.so.12", "libmpi.so.0", "libmpich.so", "libmpi.so", NULL};
  int is_open = !strcmp(flavour, "openmpi");
  void *library = opened(is_open ? open_mpi : mpich, folder, is_open);
  if (!library) return tell(skipped, "", "%s has no library here that could be opened", flavour);
  for (size_t at = 0; at < sizeof symbols / sizeof *symbols; at++) {
    *symbols[at].at = dlsym(library, symbols[at].symbol);
    if (!*symbols[at].at) return tell(skipped, "", "the library of %s has no %s", flavour, symbols[at].symbol);
  }
  mpi.world = is_open ? (handle)dlsym(library, "ompi_mpi_comm_world") : mpich_world;
  mpi.byte = is_open ? (handle)dlsym(library, "ompi_mpi_byte") : mpich_byte;
  mpi.no_status = is_open ? NULL : (void *)1;
  if (!mpi.byte) return tell(skipped, "", "the library of %s is of another kind", flavour);
  return passed;
}

// MPI itself ends the rank when one of these fails.
static void put(const void *bytes, int length, int to) { mpi.send(bytes, length, mpi.byte, to, tag, mpi.world); }
static void get(void *bytes, int length, int from) { mpi.receive(bytes, length, mpi.byte, from, tag, mpi.world, mpi.no_status); }

// MPI spins while it waits: who has nothing to do in a pair must not keep a core from it.
static void get_patiently(void *bytes, int length, int from) {
  for (int is_there = 0;;) {
    mpi.probe(from, tag, mpi.world, &is_there, mpi.no_status);
    if (is_there) break;
    usleep(500);
  }
  get(bytes, length, from);
}

static int ascending(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return a < b ? -1 : a > b;
}

// How long they took each is written to `took`, from there on.
static double rounds(int count, int bytes, int other, double *each) {
  put(&count, sizeof count, other);
  double begin = seconds_now(), before = begin;
  for (int at = 0; at < count; at++) {
    put(buffer, bytes, other);
    get(buffer, bytes, other);
    double now = seconds_now();
    each[at] = now - before;
    before = now;
  }
  return before - begin;
}

// A few at a time, until the time is over: the next ones may take a thousand times as long.
static void drive(int other, double seconds, struct measured *found) {
  enum { few = 3, many = 100 };
  for (int at = 0; at < sizes_count; at++) {
    int bytes = sizes[at].bytes, over = 0, count = 0;
    double total = 0;
    rounds(few, bytes, other, took);
    do {
      int next = bytes > (64 << 10) ? few : many;
      total += rounds(next, bytes, other, took + count);
      count += next;
    } while (total < seconds / sizes_count && count <= rounds_max - many);
    put(&over, sizeof over, other);
    // Half of there and back; in millions of bytes, as networks are sold.
    found->rates[at] = total > 0 ? bytes / (total / count / 2) / 1e6 : 0;
    if (at > 0) continue;
    qsort(took, (size_t)count, sizeof *took, ascending);
    found->latency = took[count / 2] / 2 * 1e6;
    found->high = took[count * 99 / 100] / 2 * 1e6;
  }
}

static void answer(int other) {
  for (int at = 0; at < sizes_count; at++) {
    for (;;) {
      int count;
      get(&count, sizeof count, other);
      if (count <= 0) break;
      for (int round = 0; round < count; round++) {
        get(buffer, sizes[at].bytes, other);
        put(buffer, sizes[at].bytes, other);
      }
    }
  }
}

static void act(struct order order, int rank, double seconds) {
  struct measured found = {0};
  if (rank == order.other) answer(order.driver);
  if (rank != order.driver) return;
  drive(order.other, seconds, &found);
  put(&found, sizeof found, 0);
}

static void say_pair(const struct order *order, const struct measured *found) {
  printf("{\"from\":\"%s\",\"to\":\"%s\"", names[order->driver], names[order->other]);
  if (found) {
    printf(",\"latencyUs\":%.2f,\"latencyP99Us\":%.2f,\"MBps\":{", found->latency, found->high);
    for (int at = 1; at < sizes_count; at++) printf("%s\"%s\":%.1f", at > 1 ? "," : "", sizes[at].name, found->rates[at]);
    printf("}");
  }
  printf("}\n");
  fflush(stdout);
}

// Rank 0 says which pair is next; those that are not of it wait for its word.
static void lead(int size, double seconds) {
  for (int from = 1; from < size; from++) get(names[from], name_bytes, from);
  for (int driver = 0; driver < size; driver++) {
    for (int other = driver + 1; other < size; other++) {
      struct order order = {go, driver, other};
      struct measured found;
      // Before it begins, too: a pair that never ends is known by that.
      say_pair(&order, NULL);
      put(&order, sizeof order, other);
      if (driver == 0) {
        drive(other, seconds, &found);
      } else {
        put(&order, sizeof order, driver);
        get_patiently(&found, sizeof found, driver);
      }
      say_pair(&order, &found);
    }
  }
  struct order last = {end, 0, 0};
  for (int to = 1; to < size; to++) put(&last, sizeof last, to);
}

int mpi_main(int count, char **words) {
  if (count != 3) return 2;
  double seconds = atof(words[1]);
  int code = load(words[0], words[2]), rank, size;
  if (code) return code;
  if (mpi.init(NULL, NULL) || mpi.rank(mpi.world, &rank) || mpi.size(mpi.world, &size)) return failed;
  if (size > ranks_max) return 2;
  const char *name = getenv("STOKER_TEST_NODE");
  for (size_t at = 0; name && name[at] && at < name_bytes - 1; at++)
    names[rank][at] = name[at] == '"' || name[at] == '\\' || (unsigned char)name[at] < ' ' ? '?' : name[at];
  if (rank == 0) {
    lead(size, seconds);
  } else {
    put(names[rank], name_bytes, 0);
    for (struct order order;;) {
      get_patiently(&order, sizeof order, 0);
      if (order.what == end) break;
      act(order, rank, seconds);
    }
  }
  mpi.finalize();
  return passed;
}
