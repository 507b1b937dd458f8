import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

/** A port that nothing listens on now. Another process may take it before it is used: who asks must be ready to ask again. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The port that was used last, so that agents find NATS where it was; undefined when there was none. */
export function rememberedPort(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const port = Number(readFileSync(file, "utf8").trim());
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
}

export function rememberPort(file: string, port: number): void {
  writeFileSync(file, `${port}\n`);
}
