import { table } from "../output/table.js";
import type { Session } from "../session.js";
import type { World } from "../world.js";

export interface Login {
  nodeId: string;
  ipAddress: string;
}

/** A machine's own SSH server, where it has one: Stoker opens no port. */
const sshPort = 22;

/** As `az batchai` printed how nodes are reached. */
export async function printLogins(world: World, session: Session, logins: readonly Login[]): Promise<void> {
  if (session.isJson) {
    await session.json(logins.map((login) => ({ ...login, port: sshPort })));
    return;
  }
  const rows = logins.map(({ nodeId, ipAddress }) => [nodeId, ipAddress, String(sshPort)]);
  await world.out(table(["ID", "IP", "SSH Port"], rows));
}
