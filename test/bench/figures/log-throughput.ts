import { createHash } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { type BenchSite, single } from "../bench-site.js";
import { wallMs } from "../measure.js";

const lines = 60_000_000;
const mebibytes = (bytes: number) => bytes / 2 ** 20;

/**
 * One rank writes counted lines as fast as it is let, half a GiB of them. From its start until every byte is synced at the coordinator; then
 * all of it is read again and compared.
 */
export async function logThroughput(site: BenchSite): Promise<number> {
  const parent = await site.experiment("log-throughput");
  const jobs = site.jobs();
  const { job } = await jobs.createJob({ parent, name: "writer", spec: single(`seq ${lines}`) });
  const id = job?.id ?? "";
  for (;;) {
    const { job: seen } = await jobs.getJob({ id });
    const attempt = seen?.attempts[0];
    if (seen?.executionInfo?.startTime && attempt?.logs?.complete) {
      const ms = wallMs() - timestampMs(seen.executionInfo.startTime);
      await compare(site, id);
      return mebibytes(Number(attempt.logs.storedBytes)) / (ms / 1000);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function compare(site: BenchSite, id: string): Promise<void> {
  const stored = createHash("sha256");
  let bytes = 0;
  for await (const { data } of site.jobs().streamLogs({ id, attempt: 1, rank: 0, stream: LogStream.STDOUT })) {
    stored.update(data);
    bytes += data.length;
  }
  if (stored.digest("hex") !== (await counted()))
    throw new Error(`the ${bytes} bytes that arrived are not those that were written`);
}

function counted(): Promise<string> {
  const hash = createHash("sha256");
  const step = 100_000;
  return new Promise((resolve) => {
    const more = (from: number): void => {
      if (from > lines) {
        resolve(hash.digest("hex"));
        return;
      }
      const count = Math.min(step, lines - from + 1);
      hash.update(Array.from({ length: count }, (_, i) => `${from + i}\n`).join(""));
      setImmediate(() => more(from + step));
    };
    more(1);
  });
}
