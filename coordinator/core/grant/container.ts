import type { ContainerPlan } from "../../../shared/gen/stoker/v1/lease_pb.js";
import { admitMemory } from "../admission/quantities.js";
import type { Plain } from "../plain.js";
import type { Job } from "../state.js";

/** What the job's container is made of; nothing when it runs on the machine itself. */
export function containerOf({ spec }: Job): { container?: Plain<ContainerPlan> } {
  const registry = spec.containerSettings?.imageSourceRegistry;
  if (!spec.containerSettings || !registry) return {};
  return {
    container: {
      image: registry.image,
      serverUrl: registry.serverUrl,
      username: registry.credentials?.username ?? "",
      password: registry.credentials?.password ?? "",
      shmSizeBytes: BigInt(admitMemory("shmSize", spec.containerSettings.shmSize) ?? 0),
      directories: spec.inputDirectories.map(({ path }) => path),
    },
  };
}
