import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { quoted } from "../machines/command.js";
import type { Machine } from "../machines/machine.js";
import { imageFolder } from "../machines/settings.js";
import { until } from "../machines/until.js";
import type { Scenario, Stage } from "../stage.js";

/** The lab itself: whether its machines are what the other scenarios take them for. */
export const machines: Scenario = {
  name: "machines",
  shows: "the lab itself: exec, power cuts, partitions, NFS, MPI between machines",
  tiers: ["quick", "full"],
  machines: 4,
  async run(stage) {
    await commands(stage);
    await power(stage);
    await partitions(stage);
    await storage(stage);
    await messagePassing(stage);
  },
};

async function hears(from: Machine, to: string): Promise<boolean> {
  const knock = `timeout 3 bash -c ${quoted(`exec 3<>/dev/tcp/${to}/22`)}`;
  return (await from.attempt(["sh", "-c", knock])).code === 0;
}

async function commands({ lab, step }: Stage): Promise<void> {
  await step("systemd is PID 1 on every machine, and content", async () => {
    for (const machine of lab.machines) {
      assert.equal(await machine.shell("cat /proc/1/comm && hostname"), `systemd\n${machine.name}\n`);
      await machine.exec(["systemctl", "is-system-running", "--wait"]);
    }
  });
  await step("input, arguments and exit codes pass through exec", async () => {
    const odd = "a 'b' \"c\" $d \\e\nf";
    const { code, stdout } = await lab.machine("m2").attempt(["sh", "-c", 'cat; printf %s "$1"; exit 7', "sh", odd], {
      input: "in ",
    });
    assert.deepEqual({ code, stdout }, { code: 7, stdout: `in ${odd}` });
  });
  await step("the host's node runs there", async () => {
    assert.equal(await lab.machine("m3").exec(["node", "-p", "process.version"]), `${process.version}\n`);
  });
}

async function power({ lab, step }: Stage): Promise<void> {
  const machine = lab.machine("m2");
  const bootId = () => machine.exec(["cat", "/proc/sys/kernel/random/boot_id"]);
  const before = await bootId();
  await machine.shell("echo kept >/root/file && sync /root/file /root");
  await step("a power cut leaves nothing running, and silence", async () => {
    await machine.cut();
    assert.equal(machine.on, false);
    assert.equal(await hears(lab.machine("m1"), machine.address), false);
  });
  await step("it boots again with the same disk", async () => {
    await lab.boot("m2");
    assert.equal(await machine.exec(["cat", "/root/file"]), "kept\n");
    assert.notEqual(await bootId(), before);
    assert.ok(await hears(lab.machine("m1"), machine.address));
  });
}

async function partitions({ lab, step }: Stage): Promise<void> {
  const [m1, m2, m3] = [lab.machine("m1"), lab.machine("m2"), lab.machine("m3")];
  await step("a partitioned machine hears nobody, and exec still reaches it", async () => {
    await m2.partition();
    assert.deepEqual([await hears(m1, m2.address), await hears(m2, m1.address)], [false, false]);
    assert.equal(await m2.exec(["hostname"]), "m2\n");
    await m2.heal();
    assert.ok(await hears(m1, m2.address));
  });
  await step("two machines can be kept from each other alone", async () => {
    await m1.partition("m2");
    assert.deepEqual([await hears(m1, m2.address), await hears(m1, m3.address)], [false, true]);
    await m1.heal("m2");
    assert.ok(await hears(m1, m2.address));
  });
  await step("a frozen machine is silent, and goes on where it was", async () => {
    await m2.freeze();
    assert.equal(await hears(m1, m2.address), false);
    await m2.thaw();
    assert.ok(await until("m2 answers", () => hears(m1, m2.address), 20_000));
  });
}

async function storage({ lab, step }: Stage): Promise<void> {
  const mount = "mkdir -p /mnt/share && mount -t nfs filer:/share /mnt/share";
  await step("without a file server a mount fails in words", async () => {
    const outcome = await lab
      .machine("m1")
      .attempt(["sh", "-c", mount.replace("nfs ", "nfs -o retry=0,timeo=10,retrans=1 ")]);
    assert.equal(outcome.code, 32);
    assert.match(outcome.stderr, /mount\.nfs: .+/);
  });
  await step("a write on one machine is seen on another and at the server", async () => {
    await lab.filer.up();
    await lab.machine("m1").shell(`${mount} && echo word >/mnt/share/file`);
    assert.equal(await lab.machine("m3").shell(`${mount} && cat /mnt/share/file`), "word\n");
    assert.equal(readFileSync(join(lab.filer.shareFolder, "file"), "utf8"), "word\n");
  });
  await step("unmounted, it is gone from the machine", async () => {
    for (const name of ["m1", "m3"]) await lab.machine(name).shell("umount /mnt/share && [ ! -e /mnt/share/file ]");
    assert.ok(existsSync(join(lab.filer.shareFolder, "file")));
  });
  if (lab.tier === "quick") return;
  await step("the mount is the kernel's own NFS, and blocks while the server is down", async () => {
    const m1 = lab.machine("m1");
    assert.match(await m1.shell(`${mount} && grep /mnt/share /proc/mounts`), / nfs4 .*vers=4\.2/);
    await lab.filer.cut();
    assert.equal(await m1.shell("timeout -s KILL 3 ls /mnt/share || echo $?"), "137\n");
    await lab.filer.up();
    assert.equal(await m1.shell("cat /mnt/share/file && umount /mnt/share"), "word\n");
  });
}

async function messagePassing({ lab, step }: Stage): Promise<void> {
  await step("mpirun spans machines", async () => {
    const m1 = lab.machine("m1");
    await m1.push(join(imageFolder, "ssh_key"), "/root/.ssh");
    const agent = "ssh -i /root/.ssh/ssh_key -o StrictHostKeyChecking=no -o LogLevel=ERROR";
    const network = "--mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24";
    const script = "from mpi4py import MPI; w=MPI.COMM_WORLD; print(w.allreduce(w.rank), MPI.Get_processor_name())";
    const printed = await m1.shell(
      `timeout 100 mpirun.openmpi --allow-run-as-root --mca plm_rsh_agent ${quoted(agent)} ${network} -H m1,m2,m4 python3 -c ${quoted(script)}`,
    );
    assert.deepEqual(printed.trim().split("\n").sort(), ["3 m1", "3 m2", "3 m4"]);
  });
}
