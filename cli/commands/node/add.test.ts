import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Fault } from "../../../shared/fault.js";
import { CreateJoinTokenResponseSchema } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import { NodeState } from "../../../shared/gen/stoker/v1/node_pb.js";
import { GetNodeResponseSchema } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import { run } from "../../program.js";
import { FakeCoordinator } from "../../testing/fake-coordinator.js";

/** ssh, and what a host answers to it: `$HOSTS/<host>` is that host, where its programs keep what was done. */
const programs = {
  ssh: `while [ "$1" != -- ]; do shift; done; shift
host=\${1#*@}; export HOST="$HOSTS/$host"; shift
[ -d "$HOST" ] || { echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255; }
PATH="$HOST/bin:$PATH" exec sh -c "$*"`,
  hostname: 'basename "$HOST"',
  dpkg: `[ "$1" = --compare-versions ] && { [ "$2" ] && [ "$(printf '%s\\n' "$2" "$4" | sort -V | tail -1)" = "$2" ]; exit; }
cat "$HOST/architecture" 2>/dev/null || echo amd64`,
  "dpkg-query": `[ -e "$HOST/version" ] || exit 1
case $2 in *Status*) printf "ii " ;; esac; cat "$HOST/version"`,
  id: "echo 1000",
  sudo: `[ ! -e "$HOST/no-sudo" ] || exit 1
shift; case $1 in true) exit 0 ;; sed) [ ! -e "$HOST/joined" ] || cat "$HOST/name" 2>/dev/null || basename "$HOST" ;; *) exec "$@" ;; esac`,
  "apt-get": `case " $* " in *" update "*) touch "$HOST/lists"; exit ;; esac
[ ! -e "$HOST/bare" ] || [ -e "$HOST/lists" ] || { echo "E: Unable to locate package nfs-common" >&2; exit 100; }
case $* in *--force-confold*) ;; *) exit 100 ;; esac
for word; do case $word in *.deb) echo "$(basename "$word") $(cat "$word")" >>"$HOST/installed";; esac; done
[ ! -e "$HOST/no-room" ] || { echo "E: You don't have enough free space." >&2; exit 100; }
echo 1.2.3 >"$HOST/version"`,
  "stoker-agent": `[ "$1 $3" = "join -" ] || exit 2
echo "$2 $(cat)" >>"$HOST/joined"; echo "This machine has joined $2 as node $(hostname)."`,
};

let folder: string;
let packages: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-add-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "bin"));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "bin", name), 0o755);
  }
  packages = ["stoker_1.2.3_amd64.deb", "stoker-agent_1.2.3_amd64.deb"].map((name) => {
    writeFileSync(join(folder, name), `bytes of ${name}`);
    return join(folder, name);
  });
});

function host(name: string, ...marks: string[]): void {
  mkdirSync(join(folder, "hosts", name), { recursive: true });
  for (const mark of marks) writeFileSync(join(folder, "hosts", name, mark), mark === "version" ? "1.2.3\n" : "");
}
const on = (name: string, file: string) => readFileSync(join(folder, "hosts", name, file), "utf8");

/** Hears those that have joined. */
async function lab(made: string[] = []) {
  const coordinator = await FakeCoordinator.start({
    joining: {
      createJoinToken: ({ uses }) => {
        expect(uses).toBe(1);
        made.push(`stoker-join-${made.length}`);
        return create(CreateJoinTokenResponseSchema, { token: made.at(-1) ?? "", address: "head:7741" });
      },
    },
    nodes: {
      getNode: ({ id }) => {
        const name = id.slice("nodes/".length);
        try {
          on(name, "joined");
        } catch {
          throw new Fault("not-found", `there is no ${id}`);
        }
        return create(GetNodeResponseSchema, { node: { id, name, state: NodeState.FREE } });
      },
    },
  });
  const world = coordinator.world();
  world.environment = {
    ...world.environment,
    ...{ PATH: `${join(folder, "bin")}:${process.env.PATH}`, HOSTS: join(folder, "hosts") },
  };
  const add = (...words: string[]) =>
    run(["node", "add", "--ssh", ...packages.flatMap((path) => ["--package", path]), ...words], world);
  return { coordinator, world, add };
}

test("many hosts become nodes at once; one that can't is told in one line, and the same line again mends it", async () => {
  for (const name of ["m1", "m2"]) host(name);
  host("m3", "no-room");
  const tokens: string[] = [];
  const { coordinator, world, add } = await lab(tokens);
  await using _ = coordinator;
  const hosts = ["admin@m1", "admin@m2", "admin@m3", "admin@away"];
  expect(await add(...hosts)).toBe(1);
  for (const name of ["m1", "m2"]) {
    expect(on(name, "installed").trim().split("\n").sort()).toEqual([
      "stoker-agent_1.2.3_amd64.deb bytes of stoker-agent_1.2.3_amd64.deb",
      "stoker_1.2.3_amd64.deb bytes of stoker_1.2.3_amd64.deb",
    ]);
    expect(on(name, "joined")).toMatch(/^head:7741 stoker-join-\d\n$/);
    expect(world.stdout).toContain(`admin@${name}: is node ${name}\n`);
  }
  expect(new Set(tokens).size).toBe(2);
  expect(world.stdout).toContain(
    "admin@m3: failed: apt-get could not install stoker-agent: E: You don't have enough free space.\n",
  );
  expect(world.stdout).toMatch(
    /^admin@away: failed: ssh can't get in: .*No route to host; `ssh admin@away true` must work/m,
  );
  expect(world.stderr).toContain("2 of 4 hosts failed");
  expect(`${world.stdout}${world.stderr}`).not.toContain("stoker-join-");

  rmSync(join(folder, "hosts/m3/no-room"));
  host("away");
  expect(await add(...hosts)).toBe(0);
  expect(world.stdout).toContain("admin@m1: is node m1 already\n");
  expect(tokens).toHaveLength(4);
  expect(on("m1", "joined").trim().split("\n")).toHaveLength(1);
});

test("a bare machine, which has no lists of packages yet, gets them", async () => {
  host("m1", "bare");
  const { coordinator, world, add } = await lab();
  await using _ = coordinator;
  expect(await add("m1")).toBe(0);
  expect(world.stdout).toContain("m1: is node m1\n");
});

test("--check does nothing and says what would be done", async () => {
  host("m1");
  host("m2", "version", "joined");
  const { coordinator, world, add } = await lab();
  await using _ = coordinator;
  expect(await add("--check", "m1", "m2")).toBe(0);
  expect(world.stdout.split("\n").sort()).toEqual([
    "",
    "m1: would install stoker_1.2.3_amd64.deb, stoker-agent_1.2.3_amd64.deb, and join as m1",
    "m2: is node m2 already",
  ]);
  expect(() => on("m1", "installed")).toThrow();
});

test("a host that has joined under another name than its own is known by that", async () => {
  host("m1", "joined", "version", "name");
  writeFileSync(join(folder, "hosts/m1/name"), "gpu07\n");
  host("gpu07", "joined");
  const { coordinator, world, add } = await lab();
  await using _ = coordinator;
  expect(await add("m1")).toBe(0);
  expect(world.stdout).toBe("m1: is node gpu07 already\n");
  expect(on("m1", "joined")).toBe("");
});

test("a host with a newer agent is left as it is, and one with an older gets the newer", async () => {
  host("m1", "joined", "version");
  host("m2", "joined", "version");
  writeFileSync(join(folder, "hosts/m1/version"), "1.10.0\n");
  writeFileSync(join(folder, "hosts/m2/version"), "1.2.2\n");
  const { coordinator, world, add } = await lab();
  await using _ = coordinator;
  expect(await add("m1", "m2")).toBe(0);
  expect(world.stdout).toContain("m1: is node m1 already\n");
  expect(() => on("m1", "installed")).toThrow();
  expect(world.stdout).toContain("m2: installs stoker_1.2.3_amd64.deb, stoker-agent_1.2.3_amd64.deb\n");
});

test.each<[string, string[], RegExp]>([
  ["without sudo", ["no-sudo"], /not root there, and sudo wants a password/],
  ["of another kind", ["architecture"], /no Debian or Ubuntu/],
])("a host %s", async (_, marks, words) => {
  host("m1", ...marks);
  const { coordinator, world, add } = await lab();
  await using __ = coordinator;
  expect(await add("m1")).toBe(1);
  expect(world.stdout).toMatch(words);
});

test("a machine without ssh says what to install", async () => {
  const { coordinator, world, add } = await lab();
  await using _ = coordinator;
  world.environment.PATH = join(folder, "hosts");
  expect(await add("m1")).toBe(2);
  expect(world.stderr).toContain("apt install openssh-client");
});

test("what would be an option of ssh is no host", async () => {
  const { coordinator, add } = await lab();
  await using _ = coordinator;
  expect(await add("--", "-oProxyCommand=touch x")).toBe(2);
});
