import assert from "node:assert/strict";
import { until } from "../machines/until.js";
import { nothingLeft } from "../site/leftovers.js";
import { assertOneAtATime, firstMark, lastMark, marksOf } from "../site/marks.js";
import { attemptProcesses } from "../site/processes.js";
import { Site } from "../site/site.js";
import { type Metrics, mpiTraining, trainingJob } from "../site/trainings.js";
import type { Scenario } from "../stage.js";

/**
 * The hardest way to lose a machine: it lives, still reaches the file server and its gang, and only the coordinator does not hear it.
 */
export const partition: Scenario = {
  name: "partition",
  shows:
    "a machine that the coordinator cannot hear freezes its ranks before others start, and drops them when it is back",
  tiers: ["quick", "full"],
  machines: 4,
  async run(stage) {
    const { lab, step, measured } = stage;
    const site = await Site.raise(stage);
    const job = await site.submit("parted", trainingJob(mpiTraining, 3, { epochs: 60, epochSeconds: 0.5 }));
    await step("a training on three of four machines is under way", () => job.untilLogged("epoch 3/", 60_000));
    const victim = lab.machine((await job.machinesOf(1)).at(-1) ?? "");
    const lease = (await attemptProcesses(victim))[0]?.lease;
    const partedAt = Date.now();
    await step(`${victim.name} and the coordinator no longer hear each other`, () => victim.partition("control"));
    await step("it freezes what it runs", async () => {
      const frozen = async () => {
        const ranks = (await attemptProcesses(victim)).filter(({ command }) => command.includes("train_mpi.py"));
        return ranks.length > 0 && ranks.every(({ state }) => state === "T");
      };
      await until("all ranks are stopped", frozen, 20_000 * stage.slowness);
    });
    await step("the job runs again without it", () => job.untilAttempt(2, 30_000));
    await step("and trains on", () => job.untilLogged("attempt 2: 3 ranks", 60_000));
    await step(`${victim.name} is heard again, and what was superseded is gone`, async () => {
      await victim.heal("control");
      const gone = async () => (await attemptProcesses(victim)).every((process) => process.lease !== lease);
      await until("no process of the old attempt is left", gone, 20_000 * stage.slowness);
    });
    const view = await step("the job succeeds", () => job.end(120_000));
    await job.history();
    assert.equal(view.attempt, 2);
    assert.ok((await job.output<Metrics>("model/metrics.json")).resumedFromEpoch >= 2);
    const marks = await marksOf(job);
    measured("partition to freeze", lastMark(marks, 1, victim.name) - partedAt);
    measured("partition to the new attempt's first rank", firstMark(marks, 2) - partedAt);
    await step("one attempt at a time, although all of them could write all along", async () =>
      assertOneAtATime(marks),
    );
    await step("nothing is left on any machine", () => nothingLeft(site));
  },
};
