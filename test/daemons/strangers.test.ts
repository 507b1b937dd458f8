import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { findApartness, notApart } from "../../agent/accounts/apartness.js";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { fakeParts } from "../fakes/agent-parts.js";
import { AgentSite, isAlive } from "../fakes/agent-site.js";
import { makeGrant } from "../fakes/lease-grant.js";
import { accountsOfTest, strangersSite } from "../fakes/strangers-site.js";
import { until } from "../fakes/until.js";

const { alice, bob } = accountsOfTest;
/** What this kernel can do. */
const apart =
  process.getuid?.() === 0 ? await findApartness(resolve(import.meta.dirname, "../../dist/stoker-shim")) : notApart;

let site: AgentSite;
let marks: string;

/** Where all accounts may write. */
function openFolder(name: string): string {
  const path = site.path(name);
  mkdirSync(path);
  chmodSync(path, 0o1777);
  return path;
}

const text = (name: string) => (existsSync(join(marks, name)) ? readFileSync(join(marks, name), "utf8") : "");
const written = (name: string) => until(`something in ${name}`, () => text(name).endsWith("\n") && text(name));

/** A job of one rank, with the folder of marks as its $M. */
function jobOf(
  submittedBy: string,
  commandLine: string,
  given: Exclude<Parameters<typeof makeGrant>[0], undefined | LeaseGrant> = {},
) {
  const environment = [{ name: "M", value: marks }];
  return makeGrant({ submittedBy, ranks: [{ rank: 0, commandLine }], environment, ...given });
}

async function run(grant: ReturnType<typeof makeGrant>): Promise<string[]> {
  site.coordinator.grant(grant);
  return site.story(grant.leaseId, "done");
}

describe.skipIf(process.getuid?.() !== 0)("jobs among strangers", { timeout: 60_000 }, () => {
  beforeEach(async () => {
    site = await strangersSite();
    marks = openFolder("marks");
  });
  afterEach(() => site.stop());

  it("run as their submitter's account, which gains nothing more", async () => {
    const seen = `{ id -u; id -g; id -G; echo "$HOME $USER"; grep -E "NoNewPrivs|CapEff" /proc/self/status; ulimit -c; pwd; } > $M/who`;
    expect(await run(jobOf("alice", seen))).toContain("rankExited 0");
    const [uid, gid, groups, home, capabilities, noNewPrivileges, core] = text("who").split("\n");
    expect([uid, gid, groups]).toEqual([String(alice), String(alice), `${alice} 61100`]);
    expect(home).toBe("/home/alice alice");
    expect(capabilities).toMatch(/CapEff:\s0{16}/);
    expect(noNewPrivileges).toMatch(/NoNewPrivs:\s1/);
    expect(core).toBe("0");
  });

  it("don't begin for whom the machine has no account, and say what to do", async () => {
    const story = await run(jobOf("mallory", "touch $M/began"));
    expect(story).toEqual(["failed AccountRefused", "done"]);
    expect(existsSync(join(marks, "began"))).toBe(false);
    // From now on the coordinator knows, and sends no more of them.
    const told = () =>
      site.coordinator.messages
        .flatMap(({ case: kind, value }) => (kind === "heartbeat" ? [value.owner?.withoutAccount ?? []] : []))
        .at(-1);
    const mallory = await until("it is told", () => told()?.find(({ user }) => user === "mallory"));
    expect(mallory.reason).toMatch(/there is no account mallory on this machine: make it there.*agent.yaml/);
  });

  it("don't run as root for a user who is called so", async () => {
    expect(await run(jobOf("root", "touch $M/began"))).toEqual(["failed AccountRefused", "done"]);
    expect(existsSync(join(marks, "began"))).toBe(false);
  });

  it("have a /tmp of their own, which the ranks of a lease share and nobody else sees", async () => {
    const ranks = [
      {
        rank: 0,
        commandLine:
          "ls -A /tmp /var/tmp > $M/first; echo from-0 > /tmp/stoker-test-mine; until [ -e /tmp/stoker-test-answer ]; do sleep 0.02; done",
      },
      {
        rank: 1,
        commandLine:
          "until grep -q from-0 /tmp/stoker-test-mine; do sleep 0.02; done 2>/dev/null; touch /tmp/stoker-test-answer /var/tmp/stoker-test-answer",
      },
    ];
    const grant = jobOf("alice", "", { ranks });
    expect(await run(grant)).toContain("rankExited 0");
    expect(existsSync("/tmp/stoker-test-answer") || existsSync("/var/tmp/stoker-test-answer")).toBe(false);
    expect(text("first")).not.toContain("stoker-agent-process");
    await until("nothing is left of it", () => readdirSync(site.path("tmp")).length === 0);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(site.dir);
  });

  it("write their std files and directories as the account", async () => {
    const out = openFolder("out");
    const grant = jobOf("alice", "echo word; echo more > /dev/stdout; echo x >&2", {
      ...{ stdDirectory: join(out, "std"), directories: [join(out, "made/deep"), "relative/deep"] },
    });
    for (const rank of grant.ranks) Object.assign(rank, { stdoutName: "stdout.txt", stderrName: "stderr.txt" });
    expect(await run(grant)).toContain("rankExited 0");
    expect(readFileSync(join(out, "std/stdout.txt"), "utf8")).toBe("word\nmore\n");
    for (const path of ["std", "std/stdout.txt", "made", "made/deep"])
      expect(statSync(join(out, path)).uid).toBe(alice);
    const temp = site.path("jobs", grant.jobPathSegment);
    for (const path of [temp, join(temp, "relative/deep")]) expect(statSync(path).uid).toBe(alice);
    expect(statSync(temp).mode & 0o77).toBe(0);
  });

  it("read neither the agent's keys, ledger and memory nor another attempt's spool, secrets and environment", async () => {
    const secrets = [{ name: "PASSWORD", value: "hunter2" }];
    const stdDirectory = openFolder("out");
    const victim = jobOf("bob", "echo $$ > $M/victim; echo said; exec sleep 600", { secrets, stdDirectory });
    for (const rank of victim.ranks) Object.assign(rank, { stdoutName: "stdout.txt", stderrName: "" });
    site.coordinator.grant(victim);
    const pid = (await written("victim")).trim();
    writeFileSync(site.path("node.key"), "key", { mode: 0o600 });
    const tries = [
      `${site.path("ledger")}/*`,
      ...["pass-key", "node.key", "fences", "spool", "tmp", "jobs"].map((name) => site.path(name)),
      ...["", "/confine", "/account.json", "/rank-0", "/rank-0/stdout", "/rank-0/pid", "/execution.log", "/copies"].map(
        (name) => site.path("spool", `${victim.leaseId}${name}`),
      ),
      site.path("tmp", victim.leaseId, "tmp"),
      site.path("jobs", victim.jobPathSegment),
      ...["environ", "mem", "maps", "fd", "cwd/", "root/etc"].flatMap((name) => [
        `/proc/${pid}/${name}`,
        `/proc/${process.pid}/${name}`,
      ]),
    ];
    const attack = `shopt -s nullglob
for at in ${tries.join(" ")}; do
  for how in "head -c 100" "ls -A --" "truncate -s 0" "rm -r"; do [ -L "$at" ] || $how "$at/." > /dev/null 2>&1 && echo "$how $at" >> $M/got; [ -f "$at" ] && [ "$how" != "ls -A --" ] && $how "$at" > /dev/null 2>&1 && echo "$how $at" >> $M/got; done
done
for pid in ${pid} ${process.pid} 1; do kill -CONT $pid 2>/dev/null && echo "signalled $pid" >> $M/got; done
echo done > $M/tried`;
    expect(await run(jobOf("alice", attack))).toContain("rankExited 0");
    expect(text("tried")).toBe("done\n");
    expect(text("got")).toBe("");
    expect(isAlive(Number(pid))).toBe(true);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toContain("hunter2");
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain("hunter2");
  });

  it.skipIf(!apart.compartments)("of one account don't look into each other, and one's own processes do", async () => {
    const secrets = [{ name: "PASSWORD", value: "hunter2" }];
    const victim = jobOf("alice", "echo $$ > $M/victim; touch /tmp/precious; exec sleep 600", { secrets });
    site.coordinator.grant(victim);
    const pid = (await written("victim")).trim();
    const temp = site.path("jobs", victim.jobPathSegment);
    writeFileSync(join(temp, "model"), "weights", { mode: 0o666 });
    const ways = ["environ", "mem", "maps", "auxv", "cwd/.", "root/tmp/precious", "fd/.", "ns/user"];
    const attack = `for way in ${ways.join(" ")}; do ls -d /proc/${pid}/$way > /dev/null 2>&1 && head -c 1 /proc/${pid}/$way > /dev/null 2>&1 && echo $way >> $M/got; done
readlink /proc/${pid}/cwd >> $M/got
cat ${temp}/model >> $M/got 2> /dev/null
ls ${site.path("jobs")}/*/*/*/*/* >> $M/got 2> /dev/null
pwd > $AZ_BATCHAI_JOB_TEMP/mine; cat mine > $M/mine
/usr/bin/python3 -c 'import ctypes; print("traced" if ctypes.CDLL(None).ptrace(16, ${pid}, 0, 0) == 0 else "no")' > $M/traced
echo done > $M/tried`;
    expect(await run(jobOf("alice", attack))).toContain("rankExited 0");
    expect([text("tried"), text("traced"), text("got")]).toEqual(["done\n", "no\n", ""]);
    expect(text("mine").trim()).toContain(site.path("jobs"));
    const ranks = [
      { rank: 0, commandLine: "echo $$ > $M/first; until [ -e $M/looked ]; do sleep 0.02; done" },
      {
        rank: 1,
        commandLine:
          "until [ -s $M/first ]; do sleep 0.02; done; tr '\\0' '\\n' < /proc/$(cat $M/first)/environ | grep PASSWORD > $M/look; mv $M/look $M/looked",
      },
    ];
    expect(await run(jobOf("alice", "", { ranks, secrets }))).toContain("rankExited 0");
    expect(text("looked")).toBe("PASSWORD=hunter2\n");
  });

  it.skipIf(!apart.hiding)("see no processes but their account's own", async () => {
    const victim = jobOf("bob", "echo up > $M/up; exec -a hidden-from-others sleep 600");
    site.coordinator.grant(victim);
    await written("up");
    const look = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' > $M/seen; stat -c %u /proc/[0-9]* | sort -u > $M/whose; echo done > $M/tried`;
    expect(await run(jobOf("alice", look))).toContain("rankExited 0");
    expect([text("tried"), text("whose")]).toEqual(["done\n", `${alice}\n`]);
    expect(text("seen")).toContain("bash");
    expect(text("seen")).not.toContain("hidden-from-others");
  });

  it("are ended with their lease, however far they fork away", async () => {
    const away = `(setsid bash -c 'trap "" TERM HUP; (env -i bash -c "echo \\$\\$ > '$M'/away; exec sleep 600" &) ' &) ; until [ -s $M/away ]; do sleep 0.02; done`;
    const grant = jobOf("alice", away);
    expect(await run(grant)).toContain("done");
    const pid = Number(text("away"));
    expect(pid).toBeGreaterThan(1);
    await until("it is gone", () => !isAlive(pid));
  });

  it("lead nobody elsewhere by links among their directories, std files and temp", async () => {
    const victim = site.path("victim");
    mkdirSync(victim, { mode: 0o755 });
    writeFileSync(join(victim, "precious"), "x");
    const out = openFolder("out");
    const plant = `ln -s ${victim} $AZ_BATCHAI_JOB_TEMP/link; ln -s ${victim} ${out}/link; ln -s ${victim}/new ${out}/stdout.txt; ln -s ${victim} $AZ_BATCHAI_JOB_TEMP/d`;
    const first = jobOf("alice", plant, { stdDirectory: out });
    await run(first);
    const { jobUuid } = first;
    const second = jobOf("alice", "true", {
      ...{ jobUuid, attempt: 2, jobPathSegment: first.jobPathSegment, stdDirectory: out },
      directories: ["link/made", join(out, "link/made"), "d/e"],
    });
    for (const rank of second.ranks) Object.assign(rank, { stdoutName: "stdout.txt", stderrName: "stderr.txt" });
    await run(second);
    const third = jobOf("alice", "echo words", { stdDirectory: out });
    for (const rank of third.ranks) Object.assign(rank, { stdoutName: "stdout.txt", stderrName: "" });
    site.coordinator.grant(third);
    const copies = site.path("spool", third.leaseId, "copies");
    const told = () => (existsSync(copies) ? readdirSync(copies).filter((name) => name.endsWith(".result")) : []);
    await until("its copier is refused", () =>
      told().some((name) => readFileSync(join(copies, name), "utf8").includes("Permission denied")),
    );
    // Another job: the temp of the one before goes.
    await run(jobOf("alice", "true"));
    await until("its temp is gone", () => !existsSync(site.path("jobs", first.jobPathSegment)));
    await until("the trash is empty", () => readdirSync(site.path("trash")).length === 0);
    expect(readdirSync(victim)).toEqual(["precious"]);
    expect(lstatSync(join(victim, "precious")).uid).toBe(0);
  });

  it("give no word of theirs to the commands that mount their cluster's volumes, which are root's", async () => {
    const called: Array<{ root: string; variables: string[] }> = [];
    const mount = async (root: string, _: unknown, environment: Record<string, string>) => {
      called.push({ root, variables: Object.keys(environment) });
    };
    const own = await AgentSite.start(undefined, async () => ({ mounts: { ...fakeParts().mounts, mount } }));
    onTestFinished(() => own.stop());
    const volume = { relativeMountPath: "v", kind: { case: "command" as const, value: { command: "mount" } } };
    const environment = ["BASH_ENV", "LD_PRELOAD"].map((name) => ({ name, value: "/home/mallory/x" }));
    const grant = makeGrant({ environment, clusterMounts: [volume], jobMounts: [volume] });
    own.coordinator.grant(grant);
    await own.story(grant.leaseId, "done");
    expect(called).toEqual([
      { root: own.path("mounts"), variables: [] },
      // Of the job itself: its submitter's own, who may give such a command.
      { root: own.path("job-mounts", grant.jobPathSegment), variables: expect.arrayContaining(["BASH_ENV"]) },
    ]);
  });

  it("find none of their account's services, which would start things outside of the lease", async () => {
    const service = join("/run/user", String(alice));
    const isNew = !existsSync("/run/user");
    mkdirSync(service, { recursive: true });
    onTestFinished(() => rmSync(isNew ? "/run/user" : service, { recursive: true, force: true }));
    chownSync(service, alice, alice);
    writeFileSync(join(service, "bus"), "");
    chmodSync(join(service, "bus"), 0o777);
    expect(
      await run(
        jobOf("alice", `ls -A /run/user > $M/seen; touch ${service}/bus 2>/dev/null && echo reached >> $M/seen; true`),
      ),
    ).toContain("rankExited 0");
    expect(text("seen")).toBe("");
  });

  it("keep nobody from the socket of remote starts by what they hold open there", async () => {
    const grant = jobOf(
      "bob",
      `until [ -e $M/full ]; do sleep 0.02; done; timeout -s KILL 5 ${site.path("inside/bin/stoker-rsh")} n1 true`,
      {
        nodes: [{ name: "n1", host: "n1" }],
      },
    );
    const crowd = `import os, socket, time
held = []
for _ in range(2000):
    one = socket.socket(socket.AF_UNIX); one.connect(os.environ["STOKER_SOCKET"]); held.append(one)
    try: one.send(b"x" * 65536)
    except OSError: pass
open(os.environ["M"] + "/full", "w").close()
time.sleep(600)`;
    site.coordinator.grant(grant);
    const hog = jobOf("alice", `exec /usr/bin/python3 -c '${crowd}'`);
    site.coordinator.grant(hog);
    await until("bob's start is asked for", () =>
      site.coordinator.messages.some(
        (message) => message.case === "remoteStart" && message.value.leaseId === grant.leaseId,
      ),
    );
  });

  it("start nothing under another's lease", async () => {
    const victim = jobOf("bob", "echo up > $M/up; exec sleep 600", { nodes: [{ name: "n1", host: "n1" }] });
    site.coordinator.grant(victim);
    await written("up");
    const call = (socket: string, lease: string) =>
      `STOKER_SOCKET=${socket} STOKER_LEASE=${lease} timeout -s KILL 1 ${site.path("inside/bin/stoker-rsh")} n1 touch $M/started; echo "code $?" >> $M/codes`;
    await run(
      jobOf(
        "alice",
        `${call("$STOKER_SOCKET", victim.leaseId)}; ${call(site.path("inside/agent.sock"), victim.leaseId)}`,
      ),
    );
    // Refused by the agent; and not even let in.
    expect(text("codes")).toBe("code 255\ncode 137\n");
    const asked = () =>
      site.coordinator.messages.flatMap(({ case: kind, value }) => (kind === "remoteStart" ? [value] : []));
    expect(asked()).toEqual([]);
    // Its own are asked for.
    site.coordinator.grant(jobOf("alice", `timeout -s KILL 1 ${site.path("inside/bin/stoker-rsh")} n1 true`));
    await until("it is asked for", () => asked().length > 0);
  });
});

describe.skipIf(process.getuid?.() !== 0)("a restarted agent", { timeout: 60_000 }, () => {
  it("knows whose the leases are that it takes up", async () => {
    site = await strangersSite();
    marks = openFolder("marks");
    const grant = jobOf("bob", "echo up > $M/up; exec sleep 600", {
      nodes: [
        { name: "n1", host: "n1" },
        { name: "n2", host: "n2" },
      ],
    });
    site.coordinator.grant(grant);
    await written("up");
    await site.agent.stop();
    await site.startAgain();
    const start = {
      requestId: "0".repeat(32),
      leaseId: grant.leaseId,
      commandLine: "id -u > $M/remote",
      stdoutOffset: 0n,
      stderrOffset: 0n,
    };
    site.coordinator.tell({ case: "remoteStart", value: start });
    expect(await written("remote")).toBe(`${bob}\n`);
    site.coordinator.stopLease(grant.leaseId, false);
    await site.story(grant.leaseId, "done");
    await site.stop();
  });
});
