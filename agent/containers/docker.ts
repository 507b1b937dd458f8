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
  list: (label) => ["docker", "ps", "--all", "--filter", `label=${label}`, "--format", "{{.Names}}"],
};
