import type { NodeVictim } from "../../lab/chaos/ground.js";
import type { Journal } from "../../lab/chaos/journal.js";
import { FaultSite } from "../fault-site.js";

/** Shorter than by default, so that 50 faults take minutes; the margin is the default one. */
export const overlapTimes = { ttlMs: 6_000, marginMs: 3_000, heartbeatMs: 1_000 };
export const overlapFaults = 50;
const nodes = 10;
/** At once: the others must remain the greater part, or the coordinator rightly declares nobody lost. */
const together = 3;

/** The longest time for which processes of two attempts of a job both ran, by what they wrote themselves every 20 ms. */
export async function partitionOverlap(): Promise<number> {
  const site = await FaultSite.start(nodes, overlapTimes);
  try {
    const jobs = Array.from({ length: together }, (_, index) => `j${index}`);
    for (const job of jobs) await site.submit(job, 1);
    for (let done = 0, attempt = 1; done < overlapFaults; attempt++) {
      const victims = jobs.slice(0, overlapFaults - done);
      await Promise.all(
        victims.map((job, index) => loseOnce(site, job, attempt, kinds[(attempt + index) % kinds.length])),
      );
      done += victims.length;
    }
    await site.terminateAll();
    return Math.max(...jobs.map((job) => overlapOf(site.journals(job))));
  } finally {
    await site.stop();
  }
}

/** Done to a node, and how it is undone. */
type Loss = (node: NodeVictim) => Promise<() => Promise<void> | void>;

const cut =
  (directions: ReadonlyArray<"to" | "from">, reset: boolean): Loss =>
  async (node) => {
    await node.cut(directions);
    return () => node.heal(reset);
  };

const kinds: Loss[] = [
  cut(["to", "from"], true),
  (node) => node.freeze(),
  cut(["to"], false),
  cut(["from"], false),
  async (node) => {
    await node.kill();
    return () => node.start();
  },
];

async function loseOnce(site: FaultSite, job: string, attempt: number, lose: Loss | undefined): Promise<void> {
  const [node] = await site.running(job, attempt, 1);
  if (node === undefined || lose === undefined) throw new Error(`${job} runs nowhere`);
  const undo = await lose(node);
  try {
    await site.running(job, attempt + 1, 1);
  } finally {
    await undo();
  }
}

function overlapOf(journals: Journal[]): number {
  const first = ({ marks }: Journal) => marks[0]?.bootMs ?? Number.POSITIVE_INFINITY;
  const last = ({ marks }: Journal) => marks.at(-1)?.bootMs ?? 0;
  const pairs = journals.flatMap((one) =>
    journals.filter(({ attempt }) => attempt > one.attempt).map((two) => last(one) - first(two)),
  );
  return Math.max(0, ...pairs);
}
