import type { Evidence, FaultClass } from "./diagnosis.js";
import { death, killed } from "./example-death.js";

export type Labelled = [label: string, evidence: Evidence, rule: string, is: FaultClass];

/** As in labelled.ts, of what ranks and their launchers say of one another. */
export const labelledRanks: Labelled[] = [
  [
    "NCCL waits",
    death({
      ...killed,
      stderr: "[E ProcessGroupNCCL.cpp:828] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9)",
    }),
    "nccl-timeout",
    "transient",
  ],
  [
    "NCCL peer",
    death({
      stderr: "ncclRemoteError: A call failed possibly due to a network error or a remote process exiting prematurely.",
    }),
    "nccl-remote",
    "transient",
  ],
  [
    "NCCL system",
    death({ stderr: "ncclSystemError: System call (e.g. socket, malloc) or external library call failed" }),
    "nccl-system",
    "node",
  ],
  [
    "NCCL usage",
    death({ stderr: "ncclInvalidUsage: This usually reflects invalid usage of NCCL library." }),
    "nccl-version",
    "user",
  ],
  [
    "Gloo peer",
    death({
      stderr:
        "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.5]:3",
    }),
    "gloo-peer",
    "transient",
  ],
  [
    "no libuv",
    death({ stderr: "RuntimeError: use_libuv was requested but PyTorch was build without libuv support" }),
    "no-libuv",
    "user",
  ],
  [
    "rendezvous",
    death({ stderr: "Timed out after 901 seconds waiting for clients. 1/2 clients joined." }),
    "rendezvous",
    "transient",
  ],
  ["abort", death({ stderr: "MPI_ABORT was invoked on rank 0 in communicator MPI_COMM_WORLD" }), "mpi-abort", "user"],
  [
    "MPI peer",
    death({ stderr: "mpirun noticed that process rank 1 with PID 0 on node m2 exited on signal 9 (Killed)." }),
    "mpi-rank-died",
    "transient",
  ],
  [
    "MPI 5 peer",
    death({
      stderr:
        "[m1:01872] plm:ssh: Warning: setpgid(1924,1924) failed in parent with errno=Permission denied(13)\n" +
        "prterun noticed that process rank 1 with PID 1615 on node m2 exited on\nsignal 9 (Killed).",
    }),
    "mpi-rank-died",
    "transient",
  ],
  [
    "MPICH peer",
    death({ stdout: "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES" }),
    "mpi-rank-died",
    "transient",
  ],
  ["MPI node", death({ stderr: "ORTE has lost communication with a remote daemon." }), "mpi-daemon-lost", "node"],
  [
    "MPICH node",
    death({
      stderr: "stoker-rsh: MPI's daemon on n2 ended with exit code 127 before it\nHYDU_sock_write: write error",
    }),
    "mpi-daemon-not-started",
    "node",
  ],
  [
    "slots",
    death({ stderr: "There are not enough slots available in the system to satisfy the 4" }),
    "mpi-slots",
    "user",
  ],
  [
    "MPI program",
    death({
      stderr: "mpirun was unable to launch the specified application as it could not access\nor execute an executable:",
    }),
    "mpi-not-found",
    "user",
  ],
];
