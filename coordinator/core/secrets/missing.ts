import type { World } from "../memory.js";
import type { ResourceFault } from "../state.js";
import { describeKey, keysIn } from "./reference.js";

/** Secrets that a cluster refers to and that were deleted after it was made. */
export function missingSecrets(world: World, spec: object): ResourceFault[] {
  const missing = keysIn(spec).filter((key) => !world.secrets.has(key));
  return missing.map((key) => {
    const { workspace, name } = describeKey(world, key);
    return {
      code: "SecretNotFound",
      message: `secret ${name} of workspace ${workspace} was deleted: \`stoker secret set -w ${workspace} ${name}\` sets it again`,
      details: [{ name: "secret", value: `workspaces/${workspace}/secrets/${name}` }],
    };
  });
}
