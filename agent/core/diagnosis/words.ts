import type { Evidence, FaultClass, Rule } from "./diagnosis.js";

/** What a program wrote last, and what that usually means. The program's words prove nothing: they decide no retry, but explain. */
type Saying = readonly [name: string, is: FaultClass, pattern: RegExp, sentence: string];

const gpu: readonly Saying[] = [
  [
    "cuda-ecc",
    "gpu",
    /uncorrectable ECC error|CUDA_ERROR_ECC_UNCORRECTABLE|cudaErrorECCUncorrectable/,
    "CUDA met a memory error of the GPU that could not be corrected",
  ],
  [
    "cuda-nvlink",
    "gpu",
    /CUDA_ERROR_NVLINK_UNCORRECTABLE|uncorrectable NVLink error/i,
    "CUDA met an NVLink error that could not be corrected",
  ],
  [
    "cuda-hardware-stack",
    "gpu",
    /hardware stack error|CUDA_ERROR_HARDWARE_STACK_ERROR/i,
    "CUDA met an error of the GPU's own stack",
  ],
  ["cuda-lost", "gpu", /GPU is lost|GPU has fallen off the bus/i, "a GPU is lost: it no longer answers"],
  [
    "cuda-unavailable",
    "gpu",
    /CUDA-capable device\(s\) is\/are busy or unavailable|all CUDA-capable devices are busy/i,
    "a GPU is busy with something else, or in exclusive mode",
  ],
  [
    "cuda-system-not-ready",
    "node",
    /CUDA_ERROR_SYSTEM_NOT_READY|system not yet initialized/i,
    "CUDA is not ready on the machine: its fabric manager may not run",
  ],
  [
    "cuda-no-device",
    "node",
    /no CUDA-capable device is detected|CUDA_ERROR_NO_DEVICE|No CUDA GPUs are available/i,
    "CUDA found no GPU: ask for one in resources.gpus, or look at the machine's driver",
  ],
  [
    "cuda-driver-old",
    "node",
    /CUDA driver version is insufficient|NVIDIA driver on your system is too old/i,
    "the machine's driver is too old for the program's CUDA",
  ],
  [
    "cuda-driver-mismatch",
    "node",
    /Driver\/library version mismatch/i,
    "the machine's driver was upgraded while it ran: the machine has to be started anew",
  ],
  [
    "cuda-no-kernel",
    "user",
    /no kernel image is available for execution|not compatible with the current PyTorch installation/i,
    "the program was not built for this model of GPU",
  ],
  [
    "cuda-out-of-memory",
    "user",
    /CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|ResourceExhaustedError: OOM|OOM when allocating tensor/,
    "the GPU's memory is too small for it: make the batch or the model smaller, or spread it over more GPUs",
  ],
  [
    "cuda-assert",
    "user",
    /device-side assert triggered/i,
    "an assertion on the GPU failed, often an index out of range: run it with CUDA_LAUNCH_BLOCKING=1 to see where",
  ],
  [
    "cuda-illegal-address",
    "user",
    /illegal memory access was encountered|CUDA_ERROR_ILLEGAL_ADDRESS/i,
    "it used memory of the GPU that is not its own",
  ],
  ["cuda-misaligned", "user", /misaligned address/i, "it used a misaligned address on the GPU"],
  [
    "cuda-launch-timeout",
    "user",
    /the launch timed out and was terminated|CUDA_ERROR_LAUNCH_TIMEOUT/i,
    "work on the GPU took longer than the driver allows where a display is attached",
  ],
  [
    "cuda-launch-failed",
    "user",
    /unspecified launch failure|CUDA_ERROR_LAUNCH_FAILED/i,
    "work on the GPU failed with an exception",
  ],
  [
    "cuda-invalid-device",
    "user",
    /invalid device ordinal/i,
    "it asked for a GPU that it was not given: devices count from 0 within the job",
  ],
  [
    "cudnn",
    "user",
    /CUDNN_STATUS_(?:NOT_INITIALIZED|ALLOC_FAILED|INTERNAL_ERROR)/,
    "cuDNN could not be set up: the GPU's memory is full, or versions don't fit",
  ],
  [
    "cublas",
    "user",
    /CUBLAS_STATUS_(?:ALLOC_FAILED|NOT_INITIALIZED)/,
    "cuBLAS could not be set up: the GPU's memory is full, or versions don't fit",
  ],
];

const network: readonly Saying[] = [
  [
    "nccl-timeout",
    "transient",
    /Watchdog caught collective operation timeout|NCCL.*timed out|ncclRemoteError.*timeout/is,
    "a collective operation of NCCL timed out: another rank stood still or had ended",
  ],
  [
    "nccl-remote",
    "transient",
    /ncclRemoteError|NCCL WARN .*(?:Connection closed by remote peer|peer.*closed)/i,
    "another rank of NCCL ended first: look at that one's log",
  ],
  [
    "nccl-system",
    "node",
    /ncclSystemError|ncclUnhandledCudaError|NCCL WARN .*(?:ibv_|No such device)/i,
    "NCCL could not use the machine's network or GPUs",
  ],
  [
    "nccl-version",
    "user",
    /NCCL.*version mismatch|ncclInvalidUsage/i,
    "the ranks' NCCL versions or calls don't fit together",
  ],
  [
    "gloo-peer",
    "transient",
    /gloo.*(?:Connection (?:reset|closed) by peer|timeout|timed out)/i,
    "another rank of Gloo ended first or did not answer: look at that one's log",
  ],
  [
    "no-libuv",
    "user",
    /use_libuv was requested but PyTorch was buil[dt] without libuv/i,
    "PyTorch is built without libuv, as Debian does it: set USE_LIBUV=0 in the job's environmentVariables",
  ],
  [
    "rendezvous",
    "transient",
    /RendezvousTimeoutError|Timed out (?:initializing process group|after \d+ seconds waiting for clients)|DistStoreError/i,
    "not all ranks met in time",
  ],
  ["mpi-abort", "user", /MPI_ABORT was invoked/i, "a rank called MPI_Abort"],
  [
    "mpi-rank-died",
    "transient",
    /(?:mpirun|prterun) (?:noticed that process rank|has exited due to process rank)|BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES/i,
    "another process of MPI ended first: its own last words are above",
  ],
  [
    "mpi-daemon-not-started",
    "node",
    /stoker-rsh: MPI's daemon on \S+ ended with exit code/,
    "the launcher of MPI could not start its daemon on a node: the last words on standard error say where and why",
  ],
  [
    "mpi-daemon-lost",
    "node",
    /ORTE (?:has lost communication|daemon has unexpectedly failed)|PRTE has lost communication|HYDU_sock_.*(?:error|failed)/i,
    "the launcher of MPI lost a node",
  ],
  [
    "mpi-slots",
    "user",
    /There are not enough slots available/i,
    "mpirun was asked for more processes than the job has slots: use processCount and the job's host file",
  ],
  [
    "mpi-not-found",
    "user",
    /(?:mpirun|prterun) was unable to (?:find|launch) the specified (?:executable|application)/i,
    "mpirun did not find the program on a node",
  ],
  [
    "address-in-use",
    "transient",
    /Address already in use|EADDRINUSE/,
    "a port that it wanted was taken on the machine",
  ],
  [
    "connection-refused",
    "transient",
    /Connection refused|ECONNREFUSED/,
    "nobody answered at an address that it called",
  ],
  ["connection-reset", "transient", /Connection reset by peer|ECONNRESET/, "whom it talked to went away"],
  [
    "name-resolution",
    "node",
    /Temporary failure in name resolution|Name or service not known|getaddrinfo.*(?:EAI_AGAIN|ENOTFOUND)/,
    "a name could not be resolved on the machine",
  ],
  [
    "unreachable",
    "node",
    /No route to host|Network is unreachable|EHOSTUNREACH|ENETUNREACH/,
    "the machine has no way to an address that it called",
  ],
  [
    "download",
    "transient",
    /(?:HTTP Error|status code|HTTPError:?) ?(?:429|50[0234])|Max retries exceeded with url|Read timed out/,
    "a server on the network did not deliver",
  ],
  ["broken-pipe", "transient", /Broken pipe|EPIPE/, "whom it wrote to had ended"],
];

const storage: readonly Saying[] = [
  ["disk-full", "storage", /No space left on device|ENOSPC|Errno 28/, "a disk or volume that it wrote to is full"],
  ["quota", "storage", /Disk quota exceeded|EDQUOT|Errno 122/, "the quota of a volume that it wrote to is used up"],
  [
    "stale-handle",
    "storage",
    /Stale (?:NFS )?file handle|ESTALE|Errno 116/,
    "a file server has forgotten a file that was open, as after it was exported anew",
  ],
  [
    "input-output-error",
    "storage",
    /Input\/output error|\bEIO\b|Errno 5\]/,
    "a disk or volume could not be read or written",
  ],
  ["read-only", "storage", /Read-only file system|EROFS|Errno 30/, "it wrote to a file system that is read-only"],
  [
    "transport-endpoint",
    "storage",
    /Transport endpoint is not connected|ENOTCONN.*mount/,
    "a mounted volume has lost its server",
  ],
  ["host-down", "storage", /Host is down|EHOSTDOWN/, "a file server is down"],
  [
    "corrupt-checkpoint",
    "user",
    /unexpected EOF, expected \d+ more bytes|PytorchStreamReader failed|invalid load key|DataLossError|BadZipFile/,
    "a file that it read, such as a checkpoint, is not whole",
  ],
  ["open-files", "user", /Too many open files|EMFILE|Errno 24\]/, "it has too many files open"],
];

const program: readonly Saying[] = [
  [
    "out-of-memory-python",
    "user",
    /(?:^|\n)MemoryError\b|numpy\.core\._exceptions\._ArrayMemoryError|Unable to allocate [\d.]+ [KMGT]iB/,
    "it asked for more memory than it may have",
  ],
  ["bad-alloc", "user", /std::bad_alloc/, "it asked for more memory than it may have"],
  ["cannot-allocate", "user", /Cannot allocate memory|ENOMEM|Errno 12\]/, "memory was refused to it"],
  [
    "loader-killed",
    "user",
    /DataLoader worker \(pid\(?s?\)? .*?\) (?:is killed by signal|exited unexpectedly)/,
    "a data loader's process was killed, mostly for want of memory or of shared memory",
  ],
  [
    "module-missing",
    "user",
    /ModuleNotFoundError: No module named '([^']+)'|ImportError: No module named (\S+)/,
    "a Python module is missing: install it in the job's preparation or in its image",
  ],
  [
    "library-missing",
    "user",
    /error while loading shared libraries: (\S+):|cannot open shared object file/,
    "a shared library is missing where it runs",
  ],
  [
    "glibc",
    "user",
    /version `GLIBC_[\d.]+' not found/,
    "it was built for a newer system than the machine's: use a container",
  ],
  [
    "syntax",
    "user",
    /(?:^|\n)(?:SyntaxError|IndentationError|TabError):/,
    "its text is not valid Python, or of another version's",
  ],
  [
    "python-name",
    "user",
    /(?:^|\n)(?:NameError|AttributeError|TypeError|ValueError|KeyError|IndexError|ZeroDivisionError|AssertionError|NotImplementedError|UnboundLocalError): (.*)/,
    "Python raised an error that nobody caught",
  ],
  [
    "shape",
    "user",
    /size mismatch|mat1 and mat2 shapes cannot be multiplied|Incompatible shapes|must match the size of tensor|Expected input batch_size/i,
    "the shapes of its tensors don't fit together",
  ],
  [
    "file-missing",
    "user",
    /No such file or directory|FileNotFoundError/,
    "a file that it wanted is not there: look at its paths, and at what is mounted",
  ],
  ["permission", "user", /Permission denied|PermissionError|EACCES/, "it may not use a file that it wanted"],
  [
    "arguments",
    "user",
    /unrecognized arguments|the following arguments are required|invalid choice:/,
    "it did not understand its command line",
  ],
  [
    "not-a-number",
    "user",
    /loss (?:is|=) nan|NaN (?:loss|detected)|FloatingPointError/i,
    "its numbers are no longer numbers: lower the learning rate, or look at the data",
  ],
  ["interrupted", "user", /(?:^|\n)KeyboardInterrupt/, "it was interrupted"],
  ["java-memory", "user", /java\.lang\.OutOfMemoryError/, "Java's heap is too small for it"],
  [
    "terminate-called",
    "user",
    /terminate called (?:after throwing an instance of|without an active exception)/,
    "an exception of C++ was caught by nobody",
  ],
  [
    "glibc-corruption",
    "user",
    /malloc\(\)|free\(\): (?:invalid|double)|corrupted (?:size|double-linked)|\*\*\* stack smashing detected/,
    "it corrupted its own memory",
  ],
];

function spoken([name, is, pattern, sentence]: Saying): Rule {
  return {
    name,
    class: is,
    proven: false,
    sentence: ({ stderr, stdout }: Evidence) => {
      const line = lineOf(stderr.replace(harmless, ""), pattern) ?? lineOf(stdout, pattern);
      return line === undefined ? undefined : `${sentence} ("${line}")`;
    },
  };
}

/** Open MPI's own race with whatever it starts: both put the child into a process group, and one of them may not any more. */
const harmless = /^.*plm:[rs]sh: Warning: setpgid.*$/gm;

const longestQuoted = 160;

/** The line in which it matches, as far as it is worth quoting. */
function lineOf(text: string, pattern: RegExp): string | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const begin = match.index + (match[0].startsWith("\n") ? 1 : 0);
  const from = text.lastIndexOf("\n", begin - 1) + 1;
  const to = text.indexOf("\n", begin);
  return text
    .slice(from, to < 0 ? undefined : to)
    .trim()
    .slice(0, longestQuoted);
}

export const wordRules: readonly Rule[] = [...gpu, ...storage, ...network, ...program].map(spoken);
