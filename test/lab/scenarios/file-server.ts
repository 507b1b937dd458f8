import assert from "node:assert/strict";
import { until } from "../machines/until.js";
import { agentFolder } from "../site/installation.js";
import { nothingLeft } from "../site/leftovers.js";
import { Site } from "../site/site.js";
import type { Scenario, Stage } from "../stage.js";

/** A machine of the lab's own serves files by its kernel, to two clusters by theirs. */
export const fileServer: Scenario = {
  name: "file-server",
  shows:
    "a machine serves a directory, and two disks as RAID 0, to two clusters over real NFS; a power cut of it loses no line; a share is mounted by SMB",
  tiers: ["full"],
  machines: 3,
  run: play,
};

interface FileServer {
  provisioningState: string;
  directory: string;
  nodeId: string;
  mountSettings: { mountPoint: string; fileServerInternalIP: string };
}

const workspace = ["-w", "lab"];
const root = "$AZ_BATCHAI_JOB_MOUNT_ROOT";
const onServer = { fileServer: { id: "data" }, relativeMountPath: "data" };

async function play(stage: Stage): Promise<void> {
  const { step, lab } = stage;
  const site = await Site.raise(stage);
  const { coordinator } = site;
  const server = lab.machine("m1");
  const show = async (name: string) => {
    const { properties = {}, ...rest } = await coordinator.ask<{ properties?: object }>([
      ...["file-server", "show", ...workspace, "-n", name],
    ]);
    return { ...rest, ...properties } as FileServer;
  };
  await step("m1 serves a directory by its kernel's NFS server", async () => {
    // Of the machine's own: clients go on ten seconds after it came back, not ninety.
    await server.shell(
      "mkdir -p /etc/nfs.conf.d && printf '[nfsd]\\ngrace-time=10\\nlease-time=10\\n' >/etc/nfs.conf.d/lab.conf",
    );
    await coordinator.stoker([
      ...["file-server", "create", ...workspace, "-n", "data", "--node", "m1", "--directory", "/srv/data"],
      ...["--client", "10.77.0.0/24"],
    ]);
    const { mountSettings, provisioningState } = await show("data");
    assert.deepEqual([provisioningState, mountSettings.mountPoint], ["succeeded", "/srv/data"]);
  });
  await step("and two blank disks of its as one, by RAID 0", async () => {
    await server.shell("for n in 1 2; do truncate -s 96M /root/disk$n; losetup -f /root/disk$n; done");
    const disks = ["--disk", "/dev/loop0", "--disk", "/dev/loop1"];
    await coordinator.stoker(["file-server", "create", ...workspace, "-n", "fast", "--node", "m1", ...disks]);
    const { directory } = await show("fast");
    assert.match(await server.shell("cat /proc/mdstat"), /active raid0 .*loop/);
    assert.match(await server.shell(`findmnt -n -o FSTYPE ${directory}`), /ext4/);
    const used = ["--disk", "/dev/loop0"];
    const other = await coordinator.try(["file-server", "create", ...workspace, "-n", "no", "--node", "m1", ...used]);
    assert.notEqual(other.code, 0);
  });
  await step("a job writes to both over NFS 4, and another sees no mount of its", async () => {
    const job = await site.submit("writer", {
      nodeCount: 1,
      mountVolumes: { fileServers: [onServer, { fileServer: { id: "fast" }, relativeMountPath: "fast" }] },
      customToolkitSettings: {
        commandLine: `findmnt -n -o FSTYPE -M ${root}/data; findmnt -n -o FSTYPE -M ${root}/fast; echo slow >${root}/data/written; echo fast >${root}/fast/written`,
      },
    });
    await job.end(120_000);
    assert.equal((await job.logs()).trim(), "nfs4\nnfs4");
    assert.equal(
      (await server.shell(`cat /srv/data/written ${(await show("fast")).directory}/written`)).trim(),
      "slow\nfast",
    );
    for (const machine of lab.machines) {
      assert.equal(await machine.shell(`findmnt -rn -o TARGET | grep ^${agentFolder}/job-mounts || true`), "");
    }
  });
  await step("a second cluster has the same server mounted for good, and its job reads it", async () => {
    await coordinator.stoker(["cluster", "resize", ...workspace, "-n", "all", "-t", "2"]);
    const body = site.write("readers.json", {
      properties: {
        vmSize: "any",
        scaleSettings: { manual: { targetNodeCount: 1 } },
        nodeSetup: { mountVolumes: { fileServers: [onServer] } },
      },
    });
    await coordinator.stoker(["cluster", "create", ...workspace, "-n", "readers", "-f", body]);
    const job = await site.submit(
      "reader",
      { nodeCount: 1, customToolkitSettings: { commandLine: "cat $AZ_BATCHAI_MOUNT_ROOT/data/written" } },
      "readers",
    );
    await job.end(120_000);
    assert.equal((await job.logs()).trim(), "slow");
  });
  await step("a share that a file names is mounted by SMB, with its account and key", () => sharesBySmb(stage, site));
  await step("the disks' server is deleted, and what it held is still on them", async () => {
    await coordinator.stoker(["file-server", "delete", ...workspace, "-n", "fast", "-y"]);
    await until(
      "it is gone",
      async () => !(await coordinator.stoker(["file-server", "list", ...workspace])).includes("fast"),
      60_000,
    );
    assert.equal(await server.shell(`findmnt -rn -o TARGET | grep ^${agentFolder}/exports || true`), "");
    assert.equal((await server.shell("mount /dev/md/stoker-* /mnt && cat /mnt/written && umount /mnt")).trim(), "fast");
  });
  await step("the server's power is cut while a job writes: it goes on, and no line is lost", async () => {
    const lines = 200;
    const writer = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i >>${root}/data/lines; sync ${root}/data/lines; echo line $i; sleep 0.2; done`;
    // Not on the machine that loses its power.
    await coordinator.stoker(["node", "drain", "m1", "--reason", "it serves"]);
    const job = await site.submit("through", {
      nodeCount: 1,
      mountVolumes: { fileServers: [onServer] },
      customToolkitSettings: { commandLine: writer },
    });
    await job.untilLogged("line 5", 60_000);
    await server.cut();
    await lab.boot("m1");
    await job.end(300_000);
    const numbers = (await server.shell("cat /srv/data/lines")).trim().split("\n").map(Number);
    assert.deepEqual(
      numbers,
      Array.from({ length: lines }, (_, at) => at + 1),
    );
    await until(
      "it is told to be served again",
      async () => (await show("data")).provisioningState === "succeeded",
      240_000,
    );
  });
  await step("deleted, it is served no longer, and its files stay", async () => {
    await coordinator.stoker(["cluster", "delete", ...workspace, "-n", "readers", "-y"]);
    await coordinator.stoker(["file-server", "delete", ...workspace, "-n", "data", "-y"]);
    assert.doesNotMatch(await server.shell("exportfs"), /\/srv\/data/);
    assert.equal((await server.shell("cat /srv/data/written")).trim(), "slow");
  });
  await nothingLeft(site);
}

/** m1 as a server of SMB, in Azure's place: the account is its user, the key its password. */
async function sharesBySmb(stage: Stage, site: Site): Promise<void> {
  const server = stage.lab.machine("m1");
  await server.shell(`
    set -e
    mkdir -p /srv/share && chmod 777 /srv/share
    useradd -M acct
    printf '[global]\\nserver min protocol = SMB3_00\\nload printers = no\\n[models]\\npath = /srv/share\\nread only = no\\n' >/etc/samba/smb.conf
    printf 'geheim==\\ngeheim==\\n' | smbpasswd -s -a acct
    smbd -D
  `);
  const job = await site.submit("smb", {
    nodeCount: 1,
    mountVolumes: {
      azureFileShares: [
        {
          accountName: "acct",
          azureFileUrl: "https://10.77.0.1/models",
          credentials: { accountKey: "geheim==" },
          relativeMountPath: "afs",
        },
      ],
    },
    customToolkitSettings: {
      commandLine: `findmnt -n -o FSTYPE,OPTIONS -M ${root}/afs; echo by smb >${root}/afs/written`,
    },
  });
  await job.end(120_000);
  const said = await job.logs();
  assert.match(said, /^cifs .*vers=3.0/);
  assert.doesNotMatch(said, /geheim/);
  assert.equal((await server.shell("cat /srv/share/written")).trim(), "by smb");
}
