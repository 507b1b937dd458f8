import { type BenchSite, finished, single } from "../bench-site.js";
import { wallMs } from "../measure.js";

const bytes = 1 << 29;
const mebibytes = bytes / 2 ** 20;
const word = "stoker\n";
/** Larger than any message. */
const repeated = Buffer.from(word.repeat(1 << 20));

/**
 * One client reads a file of 512 MiB from a node's disk through the API, and compares every byte: from the call to the last, three times, of which
 * the middle one counts.
 */
export async function fileStream(site: BenchSite): Promise<number> {
  const parent = await site.experiment("file-stream");
  const jobs = site.jobs();
  const write = `mkdir -p $AZ_BATCHAI_OUTPUT_BIG && yes stoker | head -c ${bytes} > $AZ_BATCHAI_OUTPUT_BIG/file`;
  const outputDirectories = [{ id: "BIG", pathPrefix: site.marks(), pathSuffix: "" }];
  const spec = { ...single(write), outputDirectories } as ReturnType<typeof single>;
  const { job } = await jobs.createJob({ parent, name: "writer", spec });
  const id = job?.id ?? "";
  await finished(jobs, id);
  const rates: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const start = wallMs();
    let position = 0;
    for await (const { message } of jobs.readJobFile({ id, outputDirectoryId: "BIG", path: "file" })) {
      if (message.case !== "data") continue;
      const from = position % word.length;
      if (!repeated.subarray(from, from + message.value.length).equals(message.value))
        throw new Error("other bytes came");
      position += message.value.length;
    }
    if (position !== bytes) throw new Error(`${position} of ${bytes} bytes came`);
    rates.push(mebibytes / ((wallMs() - start) / 1000));
  }
  return rates.sort((a, b) => a - b)[1] ?? 0;
}
