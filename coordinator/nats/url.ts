/** The host of an authority such as `host:port`, `[::1]:port` or `host`; undefined when there is none. */
export function hostOf(authority: string): string | undefined {
  const match = /^(\[[^\]]+\]|[^:]+)(?::\d+)?$/.exec(authority.trim());
  return match?.[1];
}

/**
 * Where an agent finds our nats-server: on the host by which it reached us, because our own name for it (0.0.0.0, 127.0.0.1) means
 * something else on each machine.
 */
export function natsUrlFor(authority: string, port: number, advertiseHost: string | undefined): string {
  const host = advertiseHost ?? hostOf(authority) ?? "127.0.0.1";
  return `nats://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
