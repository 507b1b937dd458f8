import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn as spawnOnTerminal } from "node-pty";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { builtPrograms, LocalSite } from "../../scripts/site/local-site.js";
import { bareEnvironment, until } from "../../scripts/site/processes.js";
import { isAlive } from "../fakes/agent-site.js";

let folder: string;
let site: LocalSite;
const place = ["-w", "lab", "-e", "first"];
const words = (...more: string[]) => [join(builtPrograms, "stoker.js"), ...more];
const environment = () => ({ ...bareEnvironment(), ...site.environment, XDG_CONFIG_HOME: join(folder, "config") });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-exec-"));
  site = await LocalSite.start({ folder, nodes: ["n1", "n2"], agentFlags: ["--cpus", "4"] });
  await site.stoker(["workspace", "create", "-n", "lab"]);
  await site.stoker(["cluster", "create", "-w", "lab", "-n", "all", "-s", "any", "-t", "2"]);
  await site.stoker(["experiment", "create", "-w", "lab", "-n", "first"]);
}, 60_000);

afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The command line with this on its stdin; bytes as they came. */
function stoker(input: Buffer, ...argv: string[]): Promise<{ code: number | null; stdout: Buffer; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words(...argv), { env: environment(), stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(out), stderr }));
    child.stdin.end(input);
  });
}

test("a command's stdin, stdout and stderr go byte for byte, and its exit code comes back", async () => {
  const bytes = randomBytes(3 * 1024 * 1024);
  const { code, stdout, stderr } = await stoker(
    bytes,
    "node",
    "exec",
    "n1",
    "--exec",
    "cat; echo $STOKER_NODE >&2; exit 7",
  );
  expect({ code, stderr }).toEqual({ code: 7, stderr: "n1\n" });
  expect(stdout.equals(bytes)).toBe(true);
});

test("a process that a signal ends, and one that leaves another in the background, end as with ssh", async () => {
  expect(await site.run(["node", "exec", "n1", "--exec", "kill -9 $$"])).toMatchObject({ code: 137 });
  const background = await site.run(["node", "exec", "n1", "--exec", "sleep 600 & echo $!"]);
  expect(background.code).toBe(0);
  process.kill(Number(background.stdout));
});

test("an interactive shell has a terminal of the user's size, Ctrl-C, and an exit code", async () => {
  const options = { name: "xterm", cols: 80, rows: 24, env: environment(), cwd: folder };
  const terminal = spawnOnTerminal(
    process.execPath,
    words("cluster", "node", "exec", "-w", "lab", "-c", "all", "-n", "n2"),
    options,
  );
  let text = "";
  terminal.onData((data) => {
    text += data;
  });
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  const shows = (pattern: RegExp) => until(`${pattern} on the terminal`, () => pattern.test(text) || undefined, 20_000);
  await shows(/[#$] /);
  terminal.write("PS1=; echo on $STOKER_NODE, $((6*7)), $TERM; stty size\r");
  await shows(/on n2, 42, xterm\s+24 80/);
  terminal.resize(132, 50);
  await until(
    "the new size on the node",
    () => {
      terminal.write("stty size\r");
      return /50 132/.test(text) || undefined;
    },
    20_000,
    300,
  );
  terminal.write("sleep 600\r");
  await until(
    "a sleep that Ctrl-C ends",
    () => {
      terminal.write("\u0003");
      terminal.write("echo code $?\r");
      return /code 130/.test(text) || undefined;
    },
    20_000,
    300,
  );
  terminal.write("exit 5\r");
  expect(await ended).toBe(5);
});

test("-L carries many connections at once to what the node reaches, and both directions end for themselves", async () => {
  const body = randomBytes(200_000).toString("hex");
  const server = createServer((request, response) => {
    let received = 0;
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on("end", () => response.end(`${received} ${body}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const argv = [
    "cluster",
    "node",
    "exec",
    "-w",
    "lab",
    "-c",
    "all",
    "-L",
    `0:localhost:${port}`,
    "-L",
    "0:localhost:1",
  ];
  const child = spawn(process.execPath, words(...argv), { env: environment(), stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let told = "";
  child.stderr.on("data", (chunk: Buffer) => {
    told += chunk.toString();
  });
  const ports = await until(
    "two ports",
    () => {
      const all = [...told.matchAll(/127\.0\.0\.1:(\d+) leads to/g)].map(([, each]) => Number(each));
      return all.length === 2 ? all : undefined;
    },
    20_000,
  );
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${ports[0]}/`, { method: "POST", body: "x".repeat(100_000) });
    return answer.text();
  };
  const answers = await Promise.all(Array.from({ length: 12 }, ask));
  expect(answers.every((answer) => answer === `100000 ${body}`)).toBe(true);
  await expect(fetch(`http://127.0.0.1:${ports[1]}/`)).rejects.toThrow();
  await until(
    "why a connection failed",
    () => told.includes("localhost:1 can't be reached from the node") || undefined,
    20_000,
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
});

test("beside a job a command has its environment and directory, and ends with its attempt", async () => {
  const body = join(folder, "job.json");
  const mark = join(folder, "pid");
  const job = { nodeCount: 1, environmentVariables: [{ name: "DATA", value: "$AZ_BATCHAI_JOB_TEMP/data" }] };
  writeFileSync(body, JSON.stringify({ ...job, customToolkitSettings: { commandLine: "sleep 600" } }));
  await site.stoker(["job", "create", "-n", "j", ...place, "-c", "all", "-f", body]);
  await until(
    "the job runs",
    async () => (await site.stoker(["job", "show", "-n", "j", ...place])).includes("running on") || undefined,
    20_000,
  );
  const exec = ["job", "node", "exec", "-j", "j", ...place, "--exec"];
  const inside = await until(
    "it can be entered",
    async () => {
      const result = await site.run([...exec, "echo $DATA; pwd"]);
      return result.code === 0 ? result.stdout : undefined;
    },
    20_000,
  );
  const [data, cwd] = inside.trim().split("\n");
  expect(data).toBe(`${cwd}/data`);
  expect(await site.stoker(["job", "node", "list", "-j", "j", ...place])).toMatch(
    /^ID +IP +SSH Port\n.*\nn[12] +127\.0\.0\.1 +22\n$/,
  );

  // It hides from hangups and is not waited for by anybody.
  const left = site.run([
    ...exec,
    `setsid -w sh -c 'trap "" HUP TERM; echo $$ > ${mark}; while :; do sleep 0.2; done'`,
  ]);
  const pid = await until(
    "a process beside the job",
    () => (existsSync(mark) && Number(readFileSync(mark, "utf8"))) || undefined,
    20_000,
  );
  expect(isAlive(pid)).toBe(true);
  await site.stoker(["job", "terminate", "-n", "j", ...place, "-y"]);
  expect((await left).code).not.toBe(0);
  await until("it is gone with the attempt", () => !isAlive(pid) || undefined, 20_000);
  const late = await site.run([...exec, "true"]);
  expect(late).toMatchObject({ code: 1 });
  expect(late.stderr).toContain("runs on no node");
});

test("an owner may refuse, and a node that is away is told as that", async () => {
  const closed = site.options;
  closed.agentFlags = ["--no-exec"];
  site.startAgent("n3");
  const refused = await until(
    "the node's refusal",
    async () => {
      const result = await site.run(["node", "exec", "n3", "--exec", "true"]);
      return result.stderr.includes("--no-exec") ? result : undefined;
    },
    20_000,
    200,
  );
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("the owner of n3 lets nobody run commands there");
  await site.stopAgent("n3");
  const away = await until(
    "the session's end",
    async () => {
      const result = await site.run(["node", "exec", "n3", "--exec", "true"]);
      return result.stderr.includes("is not connected") ? result : undefined;
    },
    20_000,
    200,
  );
  expect(away).toMatchObject({ code: 3, stderr: "stoker: node n3 can't be reached: its agent is not connected\n" });
});

test("a node that goes away in the middle ends the command with an error", async () => {
  const left = site.run(["node", "exec", "n2", "--exec", "echo begun > $HOME/../begun 2>/dev/null; sleep 600"]);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await site.stopAgent("n2", "SIGKILL");
  const { code, stderr } = await left;
  expect(code).toBe(3);
  expect(stderr).toMatch(/node n2 /);
});
