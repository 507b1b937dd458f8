import { readMessage } from "../kernel/message.js";
import type { Evidence, FaultClass } from "./diagnosis.js";

export const now = Date.UTC(2026, 10, 21, 14, 2, 20);
export const gpu = { uuid: "GPU-1f", index: 3, bus: "00000000:3b:00" };

/** `kernel`: what it said nine seconds before. */
export function death(given: Partial<Omit<Evidence, "kernel">> & { kernel?: string[] }): Evidence {
  const { kernel = [], ...rest } = given;
  const messages = kernel.flatMap((line) => readMessage(line) ?? []);
  return {
    exitCode: 1,
    signal: 0,
    at: now,
    stderr: "",
    stdout: "",
    gpus: [gpu],
    lease: "l.1",
    wasStopped: false,
    kernel: messages.map((message) => ({ at: now - 9_000, message })),
    ...rest,
  };
}

export const trace = (last: string) =>
  `Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    main()\n${last}\n`;
export const xid = (code: number, text = "x") => `NVRM: Xid (PCI:0000:3b:00): ${code}, pid=7, name=python3, ${text}`;
export const killed = { signal: 9, exitCode: 137 };

/** What was seen, and what a person who knows would say. */
export const labelled: Array<[label: string, evidence: Evidence, rule: string, is: FaultClass]> = [
  ["79", death({ kernel: [xid(79)], stderr: "CUDA error: unknown error" }), "xid-reboot", "gpu"],
  ["lost without an Xid", death({ kernel: ["NVRM: The NVIDIA GPU 0000:3b:00.0"] }), "gpu-fell-off", "gpu"],
  ["48 and 45 after it", death({ kernel: [xid(48), xid(45)] }), "xid-reset", "gpu"],
  ["119", death({ kernel: [xid(119)] }), "xid-reset", "gpu"],
  ["54", death({ kernel: [xid(54)] }), "xid-hands", "gpu"],
  ["63", death({ kernel: [xid(63)] }), "xid-reset-when-idle", "gpu"],
  ["31", death({ kernel: [xid(31)], ...killed }), "xid-application", "user"],
  ["13 and 43", death({ kernel: [xid(43), xid(13)] }), "xid-application", "user"],
  ["13, then 79", death({ kernel: [xid(13), xid(79)] }), "xid-reboot", "gpu"],
  [
    "memory limit",
    death({ ...killed, kernel: ["Memory cgroup out of memory: Killed process 7 (python3) total-vm:1kB"] }),
    "memory-limit",
    "user",
  ],
  [
    "machine's memory",
    death({ ...killed, kernel: ["Out of memory: Killed process 7 (python3) total-vm:1kB"] }),
    "machine-out-of-memory",
    "node",
  ],
  [
    "bad disk",
    death({ stderr: "OSError: [Errno 5] Input/output error", kernel: ["critical medium error, dev sda, sector 5"] }),
    "disk-error",
    "storage",
  ],
  [
    "disk made read-only",
    death({ stderr: "Read-only file system", kernel: ["EXT4-fs (sda1): Remounting filesystem read-only"] }),
    "disk-read-only",
    "storage",
  ],
  [
    "silent filer",
    death({ ...killed, kernel: ["nfs: server filer not responding, timed out"] }),
    "file-server-silent",
    "storage",
  ],
  [
    "machine check",
    death({ signal: 7, exitCode: 135, kernel: ["mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5: be00"] }),
    "machine-check",
    "node",
  ],
  [
    "PCIe",
    death({
      stderr: "CUDA error: unknown error",
      kernel: ["pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:5e:00.0"],
    }),
    "pcie-fatal",
    "node",
  ],
  [
    "cable out",
    death({ stderr: "Connection timed out", kernel: ["ixgbe 0000:01:00.0 eth0: NIC Link is Down"] }),
    "link-down",
    "node",
  ],
  [
    "hung in the kernel",
    death({ ...killed, kernel: ["INFO: task python3:7 blocked for more than 120 seconds."] }),
    "hung",
    "storage",
  ],
  [
    "shm",
    death({ signal: 7, exitCode: 135, stderr: "RuntimeError: DataLoader worker is out of shared memory" }),
    "shared-memory-full",
    "user",
  ],
  [
    "ECC by CUDA",
    death({ stderr: "RuntimeError: CUDA error: uncorrectable ECC error encountered" }),
    "cuda-ecc",
    "gpu",
  ],
  [
    "NVLink by CUDA",
    death({ stderr: "CUDA error: uncorrectable NVLink error detected during the execution" }),
    "cuda-nvlink",
    "gpu",
  ],
  ["hardware stack", death({ stderr: "CUDA error: hardware stack error" }), "cuda-hardware-stack", "gpu"],
  ["lost by NVML", death({ stderr: "pynvml.NVMLError_GpuIsLost: GPU is lost" }), "cuda-lost", "gpu"],
  [
    "exclusive",
    death({ stderr: "CUDA error: all CUDA-capable devices are busy or unavailable" }),
    "cuda-unavailable",
    "gpu",
  ],
  ["fabric", death({ stderr: "CUDA error: system not yet initialized" }), "cuda-system-not-ready", "node"],
  ["no GPU", death({ stderr: trace("RuntimeError: No CUDA GPUs are available") }), "cuda-no-device", "node"],
  [
    "old driver",
    death({ stderr: "CUDA driver version is insufficient for CUDA runtime version" }),
    "cuda-driver-old",
    "node",
  ],
  [
    "mismatch",
    death({ stdout: "Failed to initialize NVML: Driver/library version mismatch" }),
    "cuda-driver-mismatch",
    "node",
  ],
  [
    "other model",
    death({ stderr: "CUDA error: no kernel image is available for execution on the device" }),
    "cuda-no-kernel",
    "user",
  ],
  [
    "GPU memory",
    death({ stderr: trace("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB") }),
    "cuda-out-of-memory",
    "user",
  ],
  [
    "GPU memory of TensorFlow",
    death({ stderr: "ResourceExhaustedError: OOM when allocating tensor with shape[256,256]" }),
    "cuda-out-of-memory",
    "user",
  ],
  [
    "assert on the GPU",
    death({ stderr: "RuntimeError: CUDA error: device-side assert triggered" }),
    "cuda-assert",
    "user",
  ],
  [
    "illegal access",
    death({ stderr: "CUDA error: an illegal memory access was encountered" }),
    "cuda-illegal-address",
    "user",
  ],
  ["misaligned", death({ stderr: "CUDA error: misaligned address" }), "cuda-misaligned", "user"],
  ["display", death({ stderr: "CUDA error: the launch timed out and was terminated" }), "cuda-launch-timeout", "user"],
  ["launch failure", death({ stderr: "CUDA error: unspecified launch failure" }), "cuda-launch-failed", "user"],
  ["ordinal", death({ stderr: "CUDA error: invalid device ordinal" }), "cuda-invalid-device", "user"],
  ["cuDNN", death({ stderr: "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED" }), "cudnn", "user"],
  [
    "cuBLAS",
    death({ stderr: "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)" }),
    "cublas",
    "user",
  ],
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
  ["port", death({ stderr: trace("OSError: [Errno 98] Address already in use") }), "address-in-use", "transient"],
  [
    "refused",
    death({ stderr: trace("ConnectionRefusedError: [Errno 111] Connection refused") }),
    "connection-refused",
    "transient",
  ],
  [
    "reset",
    death({ stderr: trace("ConnectionResetError: [Errno 104] Connection reset by peer") }),
    "connection-reset",
    "transient",
  ],
  [
    "DNS",
    death({ stderr: "socket.gaierror: [Errno -3] Temporary failure in name resolution" }),
    "name-resolution",
    "node",
  ],
  ["route", death({ stderr: "OSError: [Errno 113] No route to host" }), "unreachable", "node"],
  [
    "download",
    death({ stderr: "urllib.error.HTTPError: HTTP Error 503: Service Unavailable" }),
    "download",
    "transient",
  ],
  ["pipe", death({ stderr: trace("BrokenPipeError: [Errno 32] Broken pipe") }), "broken-pipe", "transient"],
  ["full", death({ stderr: trace("OSError: [Errno 28] No space left on device") }), "disk-full", "storage"],
  ["quota", death({ stderr: "cp: error writing 'x': Disk quota exceeded" }), "quota", "storage"],
  ["stale", death({ stderr: "OSError: [Errno 116] Stale file handle: '/mnt/x'" }), "stale-handle", "storage"],
  ["EIO", death({ stderr: "OSError: [Errno 5] Input/output error" }), "input-output-error", "storage"],
  ["read-only volume", death({ stderr: "touch: cannot touch 'x': Read-only file system" }), "read-only", "storage"],
  [
    "FUSE gone",
    death({ stderr: "ls: cannot access '/mnt/b': Transport endpoint is not connected" }),
    "transport-endpoint",
    "storage",
  ],
  ["cifs gone", death({ stderr: "cp: cannot stat 'x': Host is down" }), "host-down", "storage"],
  [
    "torn checkpoint",
    death({ stderr: "RuntimeError: unexpected EOF, expected 1245 more bytes. The file might be corrupted." }),
    "corrupt-checkpoint",
    "user",
  ],
  ["files", death({ stderr: "OSError: [Errno 24] Too many open files" }), "open-files", "user"],
  ["MemoryError", death({ stderr: trace("MemoryError") }), "out-of-memory-python", "user"],
  [
    "bad_alloc",
    death({ signal: 6, exitCode: 134, stderr: "terminate called after throwing an instance of 'std::bad_alloc'" }),
    "bad-alloc",
    "user",
  ],
  ["ENOMEM", death({ stderr: "OSError: [Errno 12] Cannot allocate memory" }), "cannot-allocate", "user"],
  [
    "loader",
    death({ stderr: "RuntimeError: DataLoader worker (pid 77) is killed by signal: Killed." }),
    "loader-killed",
    "user",
  ],
  ["module", death({ stderr: trace("ModuleNotFoundError: No module named 'torchvision'") }), "module-missing", "user"],
  [
    "library",
    death({
      exitCode: 127,
      stderr: "./a.out: error while loading shared libraries: libmpi.so.40: cannot open shared object file",
    }),
    "library-missing",
    "user",
  ],
  [
    "glibc",
    death({ stderr: "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by ./a)" }),
    "glibc",
    "user",
  ],
  [
    "syntax",
    death({ stderr: '  File "a.py", line 1\n    print "x"\nSyntaxError: Missing parentheses' }),
    "syntax",
    "user",
  ],
  ["KeyError", death({ stderr: trace("KeyError: 'labels'") }), "python-name", "user"],
  [
    "shape",
    death({ stderr: "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x3 and 4x5)" }),
    "shape",
    "user",
  ],
  [
    "file",
    death({ stderr: trace("FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'") }),
    "file-missing",
    "user",
  ],
  ["permission", death({ stderr: "bash: ./run.sh: Permission denied", exitCode: 126 }), "permission", "user"],
  [
    "arguments",
    death({ exitCode: 2, stderr: "train.py: error: unrecognized arguments: --epoch 3" }),
    "arguments",
    "user",
  ],
  ["nan", death({ stderr: "Loss is nan, stopping training" }), "not-a-number", "user"],
  ["ctrl-C", death({ stderr: trace("KeyboardInterrupt") }), "interrupted", "user"],
  [
    "java",
    death({ stderr: "Exception in thread main java.lang.OutOfMemoryError: Java heap space" }),
    "java-memory",
    "user",
  ],
  [
    "C++",
    death({ signal: 6, exitCode: 134, stderr: "terminate called after throwing an instance of 'std::runtime_error'" }),
    "terminate-called",
    "user",
  ],
  [
    "heap",
    death({ signal: 6, exitCode: 134, stderr: "free(): double free detected in tcache 2" }),
    "glibc-corruption",
    "user",
  ],
  ["a container removed by hand", death({ ...killed, containerGone: true }), "container-gone", "node"],
  [
    "an own mistake in a container that is gone since",
    death({ containerGone: true, exitCode: 127 }),
    "command-not-found",
    "user",
  ],
  ["SIGKILL from nowhere", death(killed), "sigkill", "user"],
  ["SIGSEGV", death({ signal: 11, exitCode: 139 }), "sigsegv", "user"],
  ["128 and 11 by a shell", death({ exitCode: 139 }), "sigsegv", "user"],
  ["SIGILL", death({ signal: 4, exitCode: 132 }), "sigill", "user"],
  ["SIGFPE", death({ signal: 8, exitCode: 136 }), "sigfpe", "user"],
  ["SIGABRT", death({ signal: 6, exitCode: 134 }), "sigabrt", "user"],
  ["SIGBUS", death({ signal: 7, exitCode: 135 }), "sigbus", "user"],
  ["SIGTERM from elsewhere", death({ signal: 15, exitCode: 143 }), "sigterm", "user"],
  ["SIGXCPU", death({ signal: 24, exitCode: 152 }), "sigxcpu", "user"],
  ["127", death({ exitCode: 127, stderr: "" }), "command-not-found", "user"],
  ["126", death({ exitCode: 126 }), "not-executable", "user"],
  ["124", death({ exitCode: 124 }), "timeout-command", "user"],
];
