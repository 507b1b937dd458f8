import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ExportWish } from "../ports.js";
import type { Offer } from "./machine.js";
import { NodeExports } from "./node-exports.js";

/** A stand-in for NFS-Ganesha that listens where its configuration says, and says of itself what the real one does. */
const ganesha = `#!/bin/bash
PATH=/usr/bin:/bin
while [ $# -gt 0 ]; do case $1 in -L) log=$2 ;; -f) config=$2 ;; esac; shift; done
port=$(grep -o 'NFS_Port = [0-9]*' "$config" | grep -o '[0-9]*')
trap 'echo "x :CONFIG :EVENT :Reread exports complete" >> "$log"' HUP
python3 -c "
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('127.0.0.1', $port)); s.listen()
while True: s.accept()[0].close()
" & child=$!
trap 'kill $child; exit 0' TERM
while kill -0 $child; do wait $child; done`;

function machine(offer: Offer = { kind: "named" }) {
  const dir = mkdtempSync(join(tmpdir(), "exports-"));
  const bin = join(dir, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "ganesha.nfsd"), ganesha, { mode: 0o755 });
  const port = 20_000 + (process.pid % 10_000);
  const options = {
    folder: join(dir, "agent"),
    offer,
    port,
    path: bin,
    everyMs: 100,
    kernel: false,
  };
  const make = () => {
    const exports = new NodeExports(options, pino({ level: "silent" }));
    onTestFinished(() => exports.close());
    return exports;
  };
  onTestFinished(() => {
    try {
      process.kill(pid(), "SIGTERM");
    } catch {
      // Stopped by the test.
    }
    rmSync(dir, { recursive: true, force: true });
  });
  const pid = () => Number(readFileSync(join(dir, "agent/ganesha.pid"), "utf8"));
  const config = () => readFileSync(join(dir, "agent/ganesha.conf"), "utf8");
  const wish = (id: string, directory: string, mountPoint = "/data"): ExportWish => ({
    ...{ id, name: id, directory, disks: [], mountPoint, clients: [] },
  });
  return { dir, make, pid, config, wish };
}
const soon = { timeout: 20_000, interval: 20 };
const phases = (exports: NodeExports) => exports.states().map(({ id, phase }) => `${id} ${phase}`);

test("what is set is served; a further one changes nothing for the first, and what is gone is named until it is", async () => {
  const { dir, make, pid, config, wish } = machine();
  const exports = make();
  let told = 0;
  exports.start(() => told++);
  exports.set([wish("a", join(dir, "one"))]);
  expect(phases(exports)).toEqual(["a preparing"]);
  await vi.waitFor(() => expect(phases(exports)).toEqual(["a served"]), soon);
  const first = pid();
  const [before] = config().match(/Export_Id = \d+; Path = "[^"]*one"/) ?? [];
  exports.set([wish("b", join(dir, "two"), "/data-b"), wish("a", join(dir, "one"))]);
  await vi.waitFor(() => expect(phases(exports)).toEqual(["b served", "a served"]), soon);
  expect(config()).toContain(before);
  expect(pid()).toBe(first);
  exports.set([wish("b", join(dir, "two"), "/data-b")]);
  expect(phases(exports)).toContain("a served");
  await vi.waitFor(() => expect(phases(exports)).toEqual(["b served"]), soon);
  expect(config()).not.toContain("/one");
  expect(told).toBeGreaterThan(2);
});

test("another agent finds the list and the server; without a readable list it serves nothing on its own", async () => {
  const { dir, make, pid, wish } = machine();
  const earlier = make();
  earlier.start(() => {});
  earlier.set([wish("a", join(dir, "one"))]);
  await vi.waitFor(() => expect(phases(earlier)).toEqual(["a served"]), soon);
  const server = pid();
  earlier.close();
  const next = make();
  expect(next.serving()).toMatchObject({ server: "ganesha", exports: 1 });
  next.start(() => {});
  await vi.waitFor(() => expect(phases(next)).toEqual(["a served"]), soon);
  expect(pid()).toBe(server);
  next.close();
  writeFileSync(join(dir, "agent/exports.json"), "");
  const last = make();
  last.start(() => {});
  await vi.waitFor(() => expect(() => process.kill(server, 0)).toThrow(), soon);
  expect(last.states()).toEqual([]);
});

/** As version 6 ends without CAP_SYS_RESOURCE when nobody allows that: with its way there behind the reason. */
const fatal = `#!/bin/bash
while [ $# -gt 0 ]; do case $1 in -L) log=$2 ;; esac; shift; done
at="22/11/2026 00:45:51 : epoch 6b023b3f : vm : nfs-ganesha-26055[main]"
echo "$at main :MAIN :FATAL :Failed to PR_SET_IO_FLUSHER with EPERM
$at gsh_backtrace :NFS STARTUP :MAJ :stack backtrace follows:
/usr/lib/ganesha/libganesha_nfsd.so.6.5(+0x88256) [0x7f5587e88256]" >> "$log"
exit 2`;

test("a server that ends is told with its reason, not with where in it that was", async () => {
  const { dir, make, wish } = machine();
  writeFileSync(join(dir, "bin/ganesha.nfsd"), fatal);
  const exports = make();
  exports.start(() => {});
  exports.set([wish("a", join(dir, "one"))]);
  const told = () => exports.states().map((state) => JSON.stringify(state));
  await vi.waitFor(() => expect(told().join()).toContain("Failed to PR_SET_IO_FLUSHER with EPERM"), soon);
});

test("what can't be served is told, and the rest is served", async () => {
  const { dir, make, wish } = machine();
  const exports = make();
  writeFileSync(join(dir, "file"), "");
  symlinkSync("/etc", join(dir, "link"));
  exports.start(() => {});
  const wishes = ["one", "file", "link"].map((name) => wish(name, join(dir, name), `/data-${name}`));
  exports.set([...wishes, { ...wish("disks", ""), disks: ["/dev/no-such-disk"] }]);
  await vi.waitFor(() => expect(phases(exports)).not.toContain("one preparing"), soon);
  expect(exports.states().map(({ id, error }) => `${id}: ${error?.message ?? "served"}`)).toEqual([
    "one: served",
    `file: ${join(dir, "file")} is not a directory`,
    "link: /etc belongs to the machine's own system",
    "disks: there is no disk /dev/no-such-disk on this machine",
  ]);
});

test("an owner's folder bounds what is served, by links too; an owner who says off serves nothing", async () => {
  const dir = mkdtempSync(join(tmpdir(), "offered-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "elsewhere"));
  mkdirSync(join(dir, "offered"));
  symlinkSync(join(dir, "elsewhere"), join(dir, "offered/link"));
  const bounded = machine({ kind: "folder", path: join(dir, "offered") });
  const exports = bounded.make();
  exports.start(() => {});
  exports.set([bounded.wish("in", join(dir, "offered/in")), bounded.wish("link", join(dir, "offered/link"), "/l")]);
  await vi.waitFor(() => expect(phases(exports)).toEqual(["in served", "link failed"]), soon);
  expect(exports.serving()).toMatchObject({ folder: join(dir, "offered"), refused: false });
  const { make, wish } = machine({ kind: "nothing" });
  const none = make();
  none.start(() => {});
  none.set([wish("a", join(dir, "a"))]);
  await vi.waitFor(() => expect(phases(none)).toEqual(["a failed"]), soon);
  expect(none.serving().refused).toBe(true);
  // A folder that is not there yet has its disk's room.
  const fresh = machine({ kind: "folder", path: join(dir, "not/yet") }).make();
  expect(fresh.serving().freeBytes).toBeGreaterThan(0);
});
