import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../machines/machine.js";
import { until } from "../machines/until.js";
import { checkout } from "../site/bundle.js";
import type { JobBody } from "../site/job.js";
import { nothingLeft } from "../site/leftovers.js";
import { Site } from "../site/site.js";
import type { Scenario, Stage } from "../stage.js";

const image = "localhost/stoker-lab:1";
const share = "$AZ_BATCHAI_JOB_MOUNT_ROOT/share";
const openMpi = "/etc/openmpi /usr/share/openmpi /usr/lib/x86_64-linux-gnu/openmpi /usr/lib/x86_64-linux-gnu/pmix2";

const storage = `[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`;

/** A lab machine of the quick tier may not raise limits, which crun does; runc does not. */
const engine = `[engine]
runtime = "runc"
`;

/** Each rank waits until the gate on the share is open, and says whose container it is in. */
const body: JobBody = {
  nodeCount: 2,
  containerSettings: { imageSourceRegistry: { image }, shmSize: "256m" },
  jobPreparation: { commandLine: "echo $STOKER_NODE >/installed" },
  customMpiSettings: {
    commandLine: `echo begun $OMPI_COMM_WORLD_RANK; until [ -e ${share}/gate ]; do sleep 0.2; done; echo "rank $OMPI_COMM_WORLD_RANK in $(cat /installed)"`,
  },
  stdOutErrPathPrefix: share,
  mountVolumes: { fileServers: [{ fileServer: { id: "filer" }, relativeMountPath: "share" }] },
};

/** Of podman, ended ones too. */
const containersOn = async (machine: Machine) =>
  (await machine.exec(["podman", "ps", "--all", "--format", "{{.Names}}"])).split("\n").filter(Boolean);

export const container: Scenario = {
  name: "container",
  shows:
    "an MPI job in podman's containers on two machines, from an image that was made there, over restarts of its agents",
  tiers: ["quick", "full"],
  machines: 2,
  async run(stage: Stage) {
    const { lab, step, slowness } = stage;
    const site = await Site.raise(stage);
    const each = async <T>(work: (machine: Machine) => Promise<T>) => await Promise.all(lab.machines.map(work));
    await step("each machine makes the image of its own programs", () =>
      each(async (machine) => {
        // A lab machine's own disk may be an overlay, on which podman's would not work.
        await machine.shell("cat >/etc/containers/storage.conf", { input: storage });
        await machine.shell("cat >/etc/containers/containers.conf", { input: engine });
        await machine.push(join(checkout, "examples/container"), "/root");
        await machine.shell(`FILES='${openMpi}' /root/container/make-image.sh ${image} mpirun orted`);
      }),
    );
    const job = await step("a job of two machines begins in it", async () => {
      const submitted = await site.submit("boxed", body);
      for (const rank of [0, 1]) await submitted.untilLogged(`begun ${rank}`, 90_000);
      return submitted;
    });
    await step("its processes and containers live through a restart of the agents", async () => {
      const before = await each(containersOn);
      assert.deepEqual(
        before.map((names) => names.length),
        [1, 1],
      );
      await each((machine) => machine.exec(["systemctl", "restart", "stoker-agent"]));
      assert.deepEqual(await each(containersOn), before);
      await site.nodesAre(["running"], 2);
    });
    await step("it ends well, each rank in its own machine's container", async () => {
      writeFileSync(join(lab.filer.shareFolder, "gate"), "");
      await job.end(60_000);
      const logs = await job.logs();
      for (const rank of [0, 1]) assert.match(logs, new RegExp(`rank ${rank} in m${rank + 1}\\b`));
    });
    await step("no container is left, and nothing else", async () => {
      const none = async () => (await each(containersOn)).flat().length === 0;
      await until("podman has no container", none, 30_000 * slowness, 250);
      await nothingLeft(site);
    });
  },
};
