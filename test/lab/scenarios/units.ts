import assert from "node:assert/strict";
import { until } from "../machines/until.js";
import { layOutBundle } from "../site/bundle.js";
import { enableAgent, enableCoordinator, installPrograms } from "../site/installation.js";
import type { Scenario } from "../stage.js";

/** Both daemons as their units, on one machine: what a first installation looks like. */
export const units: Scenario = {
  name: "units",
  shows: "coordinator and agent as systemd units on one machine, and a job over a restart of both",
  tiers: ["quick", "full"],
  machines: 1,
  async run({ lab, step, slowness }) {
    const machine = lab.machine("m1");
    // Root on the coordinator's machine is its administrator, without any setting.
    const stoker = (words: string) => machine.shell(`/usr/lib/stoker/stoker.js ${words}`);
    await step("programs, account, folders and units are installed", async () =>
      installPrograms(machine, await layOutBundle()),
    );
    await step("systemd has nothing to say against the units", async () => {
      const verify = ["systemd-analyze", "verify", "stoker-coordinator.service", "stoker-agent.service"];
      const { code, stdout, stderr } = await machine.attempt(verify);
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
      await machine.exec(["systemd-analyze", "security", "--threshold=25", "--no-pager", "stoker-coordinator.service"]);
    });
    await step("the coordinator makes its authority and its token, and answers", async () => {
      await enableCoordinator(machine);
      await until("it answers", async () => (await stoker("node list")) !== "", 30_000 * slowness, 250);
    });
    await step("the machine joins, and is a node", async () => {
      const { token } = JSON.parse(await stoker("node token create -o json")) as { token: string };
      await enableAgent(machine, "127.0.0.1:7741", token);
      await until("the node is listed", async () => /\bm1\b/.test(await stoker("node list")), 30_000 * slowness, 250);
    });
    await step("a job runs over a restart of both", async () => {
      await stoker("workspace create -n lab");
      await stoker("cluster create -w lab -n all -s any -t 1");
      await stoker("experiment create -w lab -n first");
      const body = {
        nodeCount: 1,
        customToolkitSettings: { commandLine: "echo begun; read line </root/gate; echo $line" },
      };
      await machine.shell("mkfifo /root/gate && cat >/root/job.json", { input: JSON.stringify(body) });
      await stoker("job create -w lab -e first -n gated -c all -f /root/job.json");
      const begun = async () => (await stoker("job logs -w lab -e first -n gated")).includes("begun");
      await until("it has begun", begun, 30_000 * slowness, 250);
      await machine.exec(["systemctl", "restart", "stoker-coordinator", "stoker-agent"]);
      await machine.shell("echo ended >/root/gate");
      await until("the coordinator answers again", () => stoker("node list"), 30_000 * slowness, 250);
      await stoker("job wait -w lab -e first -n gated");
      assert.equal(await stoker("job logs -w lab -e first -n gated"), "begun\nended\n");
    });
    await step("both stop cleanly", async () => {
      await machine.exec(["systemctl", "stop", "stoker-agent", "stoker-coordinator"]);
      const results = await machine.exec(["systemctl", "show", "-P", "Result", "stoker-agent", "stoker-coordinator"]);
      assert.deepEqual(results.split("\n").filter(Boolean), ["success", "success"]);
    });
  },
};
