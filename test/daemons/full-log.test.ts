import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bearer, plain } from "../../shared/credentials.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { connect } from "../../shared/grpc.js";
import { until } from "../fakes/until.js";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

function daemon(name: string, words: string[], stdio: "full" | "closed"): ChildProcess {
  const full = openSync("/dev/full", "w");
  const out = stdio === "full" ? full : "pipe";
  const child = spawn(process.execPath, [resolve(import.meta.dirname, `../../dist/${name}.js`), ...words], {
    stdio: ["ignore", out, out],
    env: { PATH: process.env.PATH, HOME: tmpdir() },
  });
  closeSync(full);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return child;
}

const ended = ({ exitCode, signalCode }: ChildProcess) => exitCode ?? signalCode ?? undefined;

it.each(["full", "closed"] as const)(
  "both daemons work and end well when their log is %s",
  async (stdio) => {
    const dir = mkdtempSync(join(tmpdir(), "stoker-full-log-"));
    const address = `127.0.0.1:${await freePort()}`;
    const head = join(dir, "head");
    const tokenFile = join(head, "token");
    const daemons = [
      daemon(
        "stoker-coordinator",
        ["--config", "/dev/null", "--listen", address, "--data-dir", head, "--tls", "off"],
        stdio,
      ),
    ];
    onTestFinished(async () => {
      for (const child of daemons) child.kill("SIGKILL");
      await until("no daemon", () => daemons.every((child) => ended(child) !== undefined));
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    });
    await until("a token", () => existsSync(tokenFile) && readFileSync(tokenFile, "utf8").endsWith("\n"), 20_000);
    const words = ["--config", "/dev/null", "--coordinator", address, "--name", "n1", "--data-dir", join(dir, "agent")];
    daemons.push(
      daemon("stoker-agent", [...words, "--tls", "off", "--token-file", tokenFile, "--log-level", "trace"], stdio),
    );
    const connection = connect(address, plain(bearer(readFileSync(tokenFile, "utf8").trim())));
    onTestFinished(() => connection.close());
    let names: string[] = [];
    for (const deadline = Date.now() + 20_000; names.length === 0 && Date.now() < deadline; ) {
      names = await connection
        .client(NodeService)
        .listNodes({})
        .then(
          ({ nodes }) => nodes.map(({ name }) => name),
          () => [],
        );
    }
    expect(names).toEqual(["n1"]);
    for (const child of daemons) child.kill("SIGTERM");
    await until("their end", () => daemons.every((child) => ended(child) !== undefined), 20_000);
    expect(daemons.map(ended)).toEqual([0, 0]);
  },
  90_000,
);
