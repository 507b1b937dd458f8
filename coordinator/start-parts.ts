import { join } from "node:path";
import { readOrMakeToken, readToken } from "../shared/credentials.js";
import { Fault } from "../shared/fault.js";
import type { Connections } from "./connections.js";
import type { CoordinatorOptions } from "./coordinator.js";
import { NatsLink } from "./nats/link.js";

/** On the address of the API, and the port after its own where none is named. */
export function linkPlace({ listen, filesPort, advertiseHost }: CoordinatorOptions) {
  const [, host = "", port = "0"] = /^(.*):(\d+)$/.exec(listen) ?? [];
  const next = Number(port) === 0 ? 0 : Number(port) + 1;
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: filesPort === "off" ? undefined : (filesPort ?? (next > 65_535 ? undefined : next)),
    isAsked: filesPort !== undefined,
    advertiseHost,
  };
}

export const tokenFileOf = ({ tokenFile, dataDir }: CoordinatorOptions) => tokenFile ?? join(dataDir, "token");

/** A file that was named wins over the environment. */
export function tokenOf(options: CoordinatorOptions): string {
  if (options.tokenFile !== undefined) return readOrMakeToken(options.tokenFile);
  return options.token ?? readOrMakeToken(tokenFileOf(options));
}

export async function startNats(options: CoordinatorOptions, connections: Connections): Promise<NatsLink> {
  const { natsUrl, natsTokenFile, natsServer: program, natsPort: port, advertiseHost, dataDir, listen, log } = options;
  if (natsUrl !== undefined) {
    const token = natsTokenFile === undefined ? undefined : readToken(natsTokenFile);
    if (natsTokenFile !== undefined && token === undefined) {
      throw new Fault("invalid-argument", `--nats-token-file: there is no file ${natsTokenFile}`);
    }
    return NatsLink.existing({ url: natsUrl, token, log });
  }
  const dir = join(dataDir, "nats");
  const access = connections.natsAccess(dir);
  return NatsLink.own({ program, dir, listen, port, access, advertiseHost, log });
}
