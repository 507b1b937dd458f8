import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../machines/until.js";
import type { Job } from "../site/job.js";
import { nothingLeft } from "../site/leftovers.js";
import { marksOf } from "../site/marks.js";
import { attemptProcesses } from "../site/processes.js";
import { Site } from "../site/site.js";
import { type Metrics, mpiTraining, trainingJob } from "../site/trainings.js";
import type { Scenario, Stage } from "../stage.js";

const epochs = 100;

/** Restarts are free: they kill no rank, and lose neither an exit code nor a line of a log. */
export const restarts: Scenario[] = [
  {
    name: "agent-restart",
    shows: "restarting and killing the agents in the middle of a job kills no rank",
    tiers: ["quick", "full"],
    machines: 3,
    run: agentsRestart,
  },
  {
    name: "coordinator-kill",
    shows:
      "killing the coordinator in the middle of a job kills no rank, also when it stays away for longer than a lease",
    tiers: ["quick", "full"],
    machines: 3,
    run: coordinatorDies,
  },
];

async function started(stage: Stage, name: string): Promise<{ site: Site; job: Job }> {
  const site = await Site.raise(stage);
  const job = await site.submit(name, trainingJob(mpiTraining, 3, { epochs, epochSeconds: 0.5 }));
  await stage.step("a training on three machines is under way", () => job.untilLogged("epoch 3/", 60_000));
  return { site, job };
}

async function agentsRestart(stage: Stage): Promise<void> {
  const { lab, step } = stage;
  const { site, job } = await started(stage, "adopted");
  for (const machine of lab.machines) {
    await step(`the agent of ${machine.name} is restarted, and its processes live on`, async () => {
      const before = await pidsOn(machine.name, stage);
      await machine.exec(["systemctl", "restart", "stoker-agent"]);
      assert.deepEqual(await pidsOn(machine.name, stage), before);
      // Or the kill below would find it on its way, and silence add up to more than a lease.
      const connected = `journalctl -u stoker-agent _PID=$(systemctl show -P MainPID stoker-agent) | grep -c "connected to the coordinator"`;
      await until(
        "the new agent is connected",
        async () => (await machine.attempt(["sh", "-c", connected])).code === 0,
        12_000,
      );
    });
  }
  await step("every agent is killed at once, and systemd starts them again", async () => {
    await Promise.all(
      lab.machines.map((machine) =>
        machine.exec(["systemctl", "kill", "-s", "KILL", "--kill-who=main", "stoker-agent"]),
      ),
    );
    await until(
      "agents are active",
      async () => {
        const states = await Promise.all(
          lab.machines.map((machine) => machine.attempt(["systemctl", "is-active", "stoker-agent"])),
        );
        return states.every(({ code }) => code === 0);
      },
      20_000 * stage.slowness,
    );
  });
  await endsUnharmed(site, job);
}

async function pidsOn(name: string, stage: Stage): Promise<number[]> {
  const pids = (await attemptProcesses(stage.lab.machine(name))).map(({ pid }) => pid);
  assert.notDeepEqual(pids, []);
  return pids;
}

async function coordinatorDies(stage: Stage): Promise<void> {
  const { step } = stage;
  const { site, job } = await started(stage, "orphaned");
  await step("the coordinator is killed and started again", async () => {
    await site.coordinator.kill();
    await site.coordinator.start();
  });
  await step("the training goes on, and is heard of again", () => job.untilLogged("epoch 12/", 60_000));
  await step(
    "killed again, it stays away for two leases: the machines hear from each other why, and no rank stops",
    async () => {
      const before = await ranksOf(stage);
      assert.notDeepEqual(before, []);
      await site.coordinator.kill();
      const longEnough = Date.now() + 25_000 * stage.slowness;
      while (Date.now() < longEnough) {
        const ranks = await ranksOf(stage);
        assert.deepEqual(
          ranks.map(({ pid }) => pid),
          before.map(({ pid }) => pid),
        );
        assert.deepEqual(
          ranks.filter(({ state }) => state === "T"),
          [],
        );
        await sleep(500);
      }
    },
  );
  await step("it comes back, and the training is still the same", async () => {
    await site.coordinator.start();
    await job.untilLogged("epoch 60/", 60_000);
  });
  await endsUnharmed(site, job);
}

const ranksOf = async ({ lab }: Stage) =>
  (await Promise.all(lab.machines.map(attemptProcesses)))
    .flat()
    .filter(isRank)
    .sort((a, b) => a.pid - b.pid);
const isRank = ({ command }: { command: string }) => command.includes("train_mpi.py");

async function endsUnharmed(site: Site, job: Job): Promise<void> {
  const { step } = site.stage;
  await step("it succeeds in its first attempt, every rank being one process", async () => {
    const view = await job.end(120_000);
    await job.history();
    assert.equal(view.attempt, 1);
    const marks = await marksOf(job);
    assert.equal(marks.length, 3);
    assert.ok((await job.output<Metrics>("model/metrics.json")).accuracy > 0.95);
  });
  await step("its log has every line once, in order, at the coordinator and on the file server", async () => {
    const expected = Array.from({ length: epochs }, (_, index) => `epoch ${index + 1}/${epochs}`);
    const told = (text: string) => [...text.matchAll(/^epoch \d+\/\d+/gm)].map(([line]) => line);
    assert.deepEqual(told(await job.logs()), expected);
    assert.deepEqual(told(await job.standardOutput()), expected);
  });
  await step("nothing is left on any machine", () => nothingLeft(site));
}
