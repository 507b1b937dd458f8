import type { IdentityFile } from "./identity/identity-file.js";
import { join } from "./identity/join.js";
import { newNatsUser } from "./logs/nats-user.js";

/** Makes this machine a node of the coordinator that made the token. */
export async function joinMachine(
  file: IdentityFile,
  { coordinator, token, node }: { coordinator: string; token: string; node: string },
): Promise<void> {
  await join(file, { coordinator, token, node, nats: await newNatsUser() });
}
