import { apptainer } from "./apptainer.js";
import { docker } from "./docker.js";
import { podman } from "./podman.js";
import type { Runtime } from "./runtime.js";

/** The first that works is taken. */
export const runtimes: readonly Runtime[] = [podman, docker, apptainer];
