import { join } from "node:path";
import { accessText, type NatsAccess, type NatsNode } from "./access.js";

export interface NatsConfig {
  host: string;
  port: number;
  access: NatsAccess;
  nodes: readonly NatsNode[];
  /** Holds the store, the log and the pid file. */
  dir: string;
}

export const pidFile = (dir: string) => join(dir, "nats.pid");
export const logFile = (dir: string) => join(dir, "nats.log");
export const configFile = (dir: string) => join(dir, "nats.conf");

/** Bytes that JetStream may keep on disk. Logs are in memory there: see ../logs/stream.ts. */
const storeBytesMax = 1024 ** 3;

export function natsConfigText(config: NatsConfig): string {
  const text = JSON.stringify;
  return [
    `host: ${text(config.host)}`,
    `port: ${config.port}`,
    "server_name: stoker",
    `pid_file: ${text(pidFile(config.dir))}`,
    `log_file: ${text(logFile(config.dir))}`,
    "logfile_size_limit: 8MB",
    ...accessText(config.access, config.nodes),
    "max_payload: 1MB",
    // Two missed pings: a silent agent's connection goes after 40 s.
    'ping_interval: "20s"',
    "ping_max: 2",
    `jetstream { store_dir: ${text(join(config.dir, "store"))}, max_memory_store: 320MB, max_file_store: ${storeBytesMax} }`,
    "",
  ].join("\n");
}
