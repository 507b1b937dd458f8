import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";

/** systemd's side: each message with the process in whose name it came. */
const listener = `
import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
while True:
    text, control, _, _ = s.recvmsg(4096, 256)
    pid = struct.unpack("iII", control[0][2])[0]
    print(pid, text.decode().replace("\\n", " "), flush=True)
`;

const daemon = `
import { crashLoudly, reloadOnHangUp, stopOnSignal } from "${pathToFileURL(resolve(import.meta.dirname, "../daemon.ts")).href}";
import { daemonLog } from "${pathToFileURL(resolve(import.meta.dirname, "../daemon-log.ts")).href}";
import { serviceManager } from "${pathToFileURL(resolve(import.meta.dirname, "service-manager.ts")).href}";
const log = daemonLog("small", "info");
crashLoudly(log);
const manager = serviceManager(process.env, process.env.PROGRAM, log);
if ("NOTIFY_SOCKET" in process.env) throw new Error("children would speak for us");
stopOnSignal(log, manager, async () => undefined);
reloadOnHangUp(log, manager, () => "debug");
manager.ready("up\\nand running");
setInterval(() => undefined, 1_000);
`;

async function started(environment: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; said: () => string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "notify-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [socket, heard] = [join(folder, "socket"), join(folder, "heard.txt")];
  const ear = spawn("sh", ["-c", `exec python3 -c "$1" "$2" >"$3"`, "sh", listener, socket, heard], {
    stdio: "inherit",
  });
  onTestFinished(() => void ear.kill("SIGKILL"));
  await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 30_000);
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", daemon], {
    env: {
      ...process.env,
      NOTIFY_SOCKET: socket,
      PROGRAM: resolve(import.meta.dirname, "../../dist/stoker-notify"),
      ...environment,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = () => readFileSync(heard, "utf8").trimEnd().split("\n");
  return { child, said };
}

test("a daemon tells systemd when it is ready, reloads and stops, and pings its watchdog in its own name", async () => {
  const { child, said } = await started({ WATCHDOG_USEC: "300000" });
  // Only root may speak in another's name; a coordinator's unit therefore takes every process' word.
  const name = process.getuid?.() === 0 ? `${child.pid}` : "\\d+";
  const heard = (text: string) =>
    vi.waitFor(() => expect(said().some((line) => new RegExp(`^${name} ${text}`).test(line))).toBe(true), 60_000);
  await heard("READY=1 STATUS=up and running$");
  await heard("WATCHDOG=1$");
  child.kill("SIGHUP");
  await heard("RELOADING=1 MONOTONIC_USEC=\\d+$");
  await heard("READY=1 STATUS=running$");
  child.kill("SIGTERM");
  await heard("STOPPING=1$");
}, 120_000);

test("a daemon whose event loop stands still pings no more", async () => {
  const { child, said } = await started({ WATCHDOG_USEC: "300000" });
  const pings = () => said().filter((line) => line.endsWith("WATCHDOG=1")).length;
  await vi.waitFor(() => expect(pings()).toBeGreaterThan(2), 60_000);
  child.kill("SIGSTOP");
  const helper = execFileSync("pgrep", ["-P", String(child.pid), "stoker-notify"], { encoding: "utf8" }).trim();
  let before = -1;
  await vi.waitFor(
    () => {
      const now = pings();
      const still = now === before;
      before = now;
      expect(still).toBe(true);
    },
    { timeout: 30_000, interval: 1_000 },
  );
  // The program that would pass them on lives: it makes none by itself.
  expect(existsSync(`/proc/${helper}`)).toBe(true);
}, 120_000);
