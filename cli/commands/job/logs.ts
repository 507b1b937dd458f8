import type { Call } from "../../call.js";
import { usage } from "../../failure.js";
import type { LogQuery } from "../../follow/logs.js";
import { experimentOption, nameOption, workspaceOption } from "../../options.js";
import type { Verb } from "../../verb.js";

export const logs: Verb = {
  name: "logs",
  description: "Print what a job writes; with several ranks each line begins with its rank",
  example: "stoker job logs -w lab -e first -n train -f --rank 0",
  argument: "[name]",
  options: [
    nameOption("job"),
    workspaceOption,
    experimentOption,
    { flags: "-f, --follow", description: "go on until the job has ended" },
    { flags: "--rank <number>", description: "only this rank's" },
    { flags: "--attempt <number>", description: "of this attempt (default: the latest)" },
    { flags: "--stream <stream>", description: "only this one", choices: ["stdout", "stderr"] },
    {
      flags: "--offset <bytes>",
      description: "leave out so many bytes; with --stream, and --rank when there are several",
    },
  ],
  async run(call) {
    const id = await call.jobId();
    const asked = {
      attempt: call.whole("attempt", 1) ?? 0,
      rank: call.whole("rank"),
      stream: streamNumbers[call.text("stream") ?? ""] ?? 0,
      offset: call.whole("offset"),
    };
    if (asked.offset !== undefined && asked.stream === 0) throw usage("--offset: give the stream too, with --stream");
    const session = await call.session();
    const [{ Line }, { LogReader }, { LogPrinter }, { expectedRanks }, { present }, { tellFindings }] =
      await Promise.all([
        import("../../follow/line.js"),
        import("../../follow/logs.js"),
        import("../../follow/log-printer.js"),
        import("../../follow/expected-ranks.js"),
        import("../../session.js"),
        import("../../follow/findings.js"),
      ]);
    const job = present((await session.jobs.getJob({ id }, session.limits)).job, "job");
    const { rankCount = 0 } = job.attempts.find(({ number }) => number === (asked.attempt || job.attempt)) ?? {};
    const query = queryOf(id, asked, { rankCount, attempt: job.attempt }, call);
    const isMarked = query.rank === undefined && (rankCount || expectedRanks(job.spec)) > 1;
    const printer = new LogPrinter(call.world, isMarked);
    const reader = new LogReader(session, new Line(call, session.address), query);
    const read = async () => {
      let attempt = 0;
      for await (const chunk of reader.read(new AbortController().signal)) {
        if (attempt !== 0 && chunk.attempt !== attempt) await call.notice(`attempt ${chunk.attempt} begins`);
        attempt = chunk.attempt;
        if (chunk.missing !== undefined) {
          const name = chunk.stream === streamNumbers.stderr ? "stderr" : "stdout";
          await call.notice(`${name} of rank ${chunk.rank} is not complete: ${chunk.missing}`);
        }
        await printer.print(chunk);
      }
      await printer.flush();
    };
    const followed = new AbortController();
    const reading = read().finally(() => followed.abort());
    await Promise.all([reading, call.flag("follow") ? tellFindings(call, session, id, followed.signal) : undefined]);
    return undefined;
  },
};

const streamNumbers: Record<string, number> = { stdout: 1, stderr: 2 };

interface Asked {
  attempt: number;
  rank: number | undefined;
  stream: number;
  offset: number | undefined;
}

function queryOf(id: string, asked: Asked, job: { rankCount: number; attempt: number }, call: Call): LogQuery {
  const follow = call.flag("follow");
  const { rank, stream } = asked;
  if (asked.offset === undefined) return { id, attempt: asked.attempt, rank, stream, offset: 0n, follow };
  if (rank === undefined && job.rankCount > 1) throw usage("--offset: give the rank too, with --rank");
  return {
    id,
    attempt: asked.attempt || Math.max(1, job.attempt),
    rank: rank ?? 0,
    stream,
    offset: BigInt(asked.offset),
    follow,
  };
}
