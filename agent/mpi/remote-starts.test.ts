import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { gang, lease, type Node, rsh } from "./gang.js";

async function two(): Promise<[Node, Node]> {
  const [a, b] = await gang("node-a", "node-b");
  if (!a || !b) throw new Error("no gang");
  return [a, b];
}

test("a command runs on the other node, in its environment, and output, errors and exit code come back", async () => {
  const [a, b] = await two();
  const { seen, ended } = a.run(`${rsh} -x node-b 'echo "on $NODE_WORD"' '; pwd; echo "$TMPDIR" >&2;' 'exit 9'`);
  expect(await ended).toBe(9);
  expect(seen.stdout).toBe(`on node-b\n${b.spool}\n`);
  expect(seen.stderr).toMatch(/^\/tmp\/stoker-/);
});

test("the words are joined with blanks as ssh joins them, quotes and all", async () => {
  const [a] = await two();
  const { seen, ended } = a.run(`${rsh} -l somebody -o X=y root@node-b ' printf' '"%s,"' '"a  b"' c`);
  expect(await ended).toBe(0);
  expect(seen.stdout).toBe("a  b,c,");
});

test("large output comes whole", async () => {
  const [a] = await two();
  const { seen, ended } = a.run(`${rsh} node-b 'seq 1 400000'`);
  expect(await ended).toBe(0);
  expect(seen.stdout.length).toBe(
    Array.from({ length: 400000 }, (_, i) => String(i + 1).length + 1).reduce((x, y) => x + y),
  );
});

test("a host that is not of the gang is refused in words", async () => {
  const [a] = await two();
  const { seen, ended } = a.run(`${rsh} elsewhere true`);
  expect(await ended).toBe(255);
  expect(seen.stderr).toContain("elsewhere is not a node of this job");
});

test("a node may start a process on itself, and stop it", async () => {
  const [a] = await two();
  const { seen, ended } = a.run(`timeout -s TERM 1 ${rsh} node-a 'echo here; sleep 600'`);
  expect(await ended).toBe(124);
  expect(seen.stdout).toBe("here\n");
  await vi.waitFor(
    () => expect(a.remoteDirs().map((dir) => readFileSync(join(dir, "exit"), "utf8"))).toHaveLength(1),
    5_000,
  );
});

test.each(["SIGTERM", "SIGKILL"] as const)("a launcher's shim ended by %s ends what it started", async (signal) => {
  const [a, b] = await two();
  const { child, seen } = a.run(`exec ${rsh} node-b 'echo up; sleep 600'`);
  await vi.waitFor(() => expect(seen.stdout).toBe("up\n"), 5_000);
  child.kill(signal);
  await vi.waitFor(
    () => expect(readFileSync(join(b.remoteDirs()[0] ?? "", "exit"), "utf8")).toContain("signal"),
    5_000,
  );
});

test("when the launcher is killed, what it started by the shim ends as well", async () => {
  const [a, b] = await two();
  const { child, seen } = a.run(`${rsh} node-b 'echo up; sleep 600'; true`);
  await vi.waitFor(() => expect(seen.stdout).toBe("up\n"), 5_000);
  child.kill("SIGKILL");
  await vi.waitFor(
    () => expect(readFileSync(join(b.remoteDirs()[0] ?? "", "exit"), "utf8")).toContain("signal"),
    5_000,
  );
});

test("restarts of either agent, and of both, lose neither a byte nor the exit code", async () => {
  const [a, b] = await two();
  const go = (step: number) => writeFileSync(join(b.spool, `go${step}`), "");
  const wait = (step: number) => `while ! [ -e go${step} ]; do sleep 0.02; done`;
  const { seen, ended } = a.run(
    `${rsh} node-b '${[1, 2, 3].map((step) => `${wait(step)}; echo ${step}`).join("; ")}; exit 5'`,
  );
  await vi.waitFor(() => expect(b.remoteDirs()).toHaveLength(1), 5_000);
  go(1);
  await vi.waitFor(() => expect(seen.stdout).toBe("1\n"), 5_000);
  await a.restart();
  go(2);
  await vi.waitFor(() => expect(seen.stdout).toBe("1\n2\n"), 5_000);
  await b.restart();
  await a.remote.close();
  go(3);
  await a.restart();
  expect(await ended).toBe(5);
  expect(seen.stdout).toBe("1\n2\n3\n");
  expect(b.remoteDirs()).toHaveLength(1);
});

test("what was sent into a broken session is sent again", async () => {
  const [a, b] = await two();
  const { seen, ended } = a.run(`${rsh} node-b 'while ! [ -e go ]; do sleep 0.02; done; echo out; exit 3'`);
  await vi.waitFor(() => expect(b.remoteDirs()).toHaveLength(1), 5_000);
  a.online = false;
  writeFileSync(join(b.spool, "go"), "");
  await vi.waitFor(() => readFileSync(join(b.remoteDirs()[0] ?? "", "exit")), 5_000);
  a.online = true;
  a.remote.connected();
  expect(await ended).toBe(3);
  expect(seen.stdout).toBe("out\n");
});

test("an end that comes without the output before it waits for that", async () => {
  const [a, b] = await two();
  const waits = (name: string) => `while ! [ -e ${name} ]; do sleep 0.02; done`;
  const { seen, ended } = a.run(`${rsh} node-b '${waits("out")}; echo out; ${waits("end")}; exit 3'`);
  await vi.waitFor(() => expect(b.remoteDirs()).toHaveLength(1), 5_000);
  a.online = false;
  writeFileSync(join(b.spool, "out"), "");
  const data = () => a.missed.flatMap((one) => (one.case === "remoteOutput" ? [Buffer.from(one.value.data)] : []));
  await vi.waitFor(() => expect(Buffer.concat(data()).toString()).toBe("out\n"), 5_000);
  // It has not asked again yet.
  a.online = true;
  writeFileSync(join(b.spool, "end"), "");
  expect(await ended).toBe(3);
  expect(seen.stdout).toBe("out\n");
});

test("a start that comes before the node is ready waits for it", async () => {
  const [a, b] = await two();
  b.ready = false;
  const { seen, ended } = a.run(`${rsh} node-b 'echo late'`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(b.remoteDirs()).toEqual([]);
  b.ready = true;
  expect(await ended).toBe(0);
  expect(seen.stdout).toBe("late\n");
});

test("a stopping lease starts nothing more", async () => {
  const [a, b] = await two();
  await a.run(`${rsh} node-b true`).ended;
  b.remote.leaseStopping(lease);
  const { seen, ended } = a.run(`${rsh} node-b true`);
  expect(await ended).toBe(255);
  expect(seen.stderr).toContain("being stopped");
});

test("the socket is the user's alone, and nonsense on it is refused", async () => {
  const [a] = await two();
  expect(statSync(a.socket).mode & 0o777).toBe(0o600);
  for (const line of [
    "hello",
    "{}",
    `{"request":"../../x","lease":"${lease}","target":"node-b","command":"x","stdoutOffset":0,"stderrOffset":0}`,
  ]) {
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(a.socket, () => socket.write(`${line}\n`));
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toContain("not a request");
    expect(answer).toContain("255");
  }
});

test("when the lease is gone, so is the temp of what it started", async () => {
  const [a, b] = await two();
  const { seen, ended } = a.run(`${rsh} node-b 'touch "$TMPDIR/left"; echo "$TMPDIR"'`);
  await ended;
  const temp = seen.stdout.trim();
  expect(existsSync(join(temp, "left"))).toBe(true);
  b.remote.leaseGone(lease);
  expect(existsSync(temp)).toBe(false);
});
