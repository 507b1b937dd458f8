import { commonStart, csvField, type Runtime } from "./runtime.js";

/** Needs its daemon: the client alone makes no containers. */
export const docker: Runtime = {
  name: "docker",
  program: "docker",
  version: ["docker", "version", "--format", "{{.Server.Version}}"],
  present: (image) => ["docker", "image", "inspect", "--format", "{{.Id}}", image],
  pull: (image, credentials) => ({
    argv: ["docker", ...(credentials ? ["--config", credentials.folder] : []), "pull", image],
    environment: {},
  }),
  start: (start) => {
    const [run = "run", ...words] = commonStart(start);
    const gpus = start.gpuUuids.length > 0 ? ["--gpus", csvField(`device=${start.gpuUuids.join(",")}`)] : [];
    return ["docker", run, ...gpus, ...words];
  },
  holder: (name) => ["docker", "inspect", "--format", "{{.State.Pid}}", name],
  remove: (name) => ["docker", "rm", "--force", name],
  gone: /no such container/i,
  advice: [
    {
      said: /could not select device driver/,
      advice:
        "docker knows nothing of GPUs: install nvidia-container-toolkit there, run `nvidia-ctk runtime configure --runtime=docker` and restart docker",
    },
    {
      said: /unresolvable CDI devices/,
      advice:
        "there is no description of this GPU for containers: run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` there",
    },
  ],
  list: (label) => ["docker", "ps", "--all", "--filter", `label=${label}`, "--format", "{{.Names}}"],
};
