import { commonStart, type Runtime } from "./runtime.js";

export const podman: Runtime = {
  name: "podman",
  program: "podman",
  version: ["podman", "--version"],
  present: (image) => ["podman", "image", "exists", image],
  pull: (image, credentials) => ({
    argv: ["podman", "pull", ...(credentials ? ["--authfile", `${credentials.folder}/config.json`] : []), image],
    environment: {},
  }),
  start: (start) => {
    const [run = "run", ...words] = commonStart(start);
    return [
      "podman",
      run,
      // The holder's own, lower than any machine's: some may not give more than they have, or limit nothing. Ranks have the machine's.
      ...["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--pids-limit", "-1"],
      ...start.gpuUuids.flatMap((uuid) => ["--device", `nvidia.com/gpu=${uuid}`]),
      ...words,
    ];
  },
  holder: (name) => ["podman", "inspect", "--format", "{{.State.Pid}}", name],
  remove: (name) => ["podman", "rm", "--force", "--time", "0", "--ignore", name],
  gone: /no such container|no container with/i,
  advice: [
    {
      said: /unresolvable CDI devices/,
      advice:
        "there is no description of this GPU for containers: run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` there",
    },
  ],
  list: (label) => ["podman", "ps", "--all", "--filter", `label=${label}`, "--format", "{{.Names}}"],
};
