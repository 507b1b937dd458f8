import { expect, test } from "vitest";
import { jobId } from "../../shared/ids.js";
import { JobFeed } from "./job-feed.js";

const job = jobId("j");
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("thousands of watchers of one change are told over many turns, each once, and none that has left", async () => {
  const feed = new JobFeed();
  let told = 0;
  const tell = () => {
    told += 1;
  };
  for (let count = 0; count < 1_000; count += 1) feed.listen(job, () => tell());
  const leave = feed.listen(job, () => expect.unreachable("it has left"));
  feed.changed(job);
  feed.changed(job);
  leave();
  let most = 0;
  while (told < 1_000) {
    const before = told;
    await turn();
    most = Math.max(most, told - before);
  }
  expect(most).toBeLessThanOrEqual(100);
  for (let count = 0; count < 50; count += 1) await turn();
  expect(told).toBe(1_000);
});
