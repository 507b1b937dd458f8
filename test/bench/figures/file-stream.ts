import { createHash } from "node:crypto";
import { type BenchSite, finished, single } from "../bench-site.js";
import { wallMs } from "../measure.js";

const bytes = 1 << 30;
const mebibytes = bytes / 2 ** 20;

/**
 * One client reads a file of 1 GiB from a node's disk through the API: from the call to the last byte, three times, of which the middle one counts.
 * What arrived is compared with what was written.
 */
export async function fileStream(site: BenchSite): Promise<number> {
  const parent = await site.experiment("file-stream");
  const jobs = site.jobs();
  const folder = site.marks();
  const write = `mkdir -p $AZ_BATCHAI_OUTPUT_BIG && yes stoker | head -c ${bytes} > $AZ_BATCHAI_OUTPUT_BIG/file`;
  const outputDirectories = [{ id: "BIG", pathPrefix: folder, pathSuffix: "" }];
  const spec = { ...single(write), outputDirectories } as ReturnType<typeof single>;
  const { job } = await jobs.createJob({ parent, name: "writer", spec });
  const id = job?.id ?? "";
  await finished(jobs, id);
  const rates: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const hash = createHash("sha256");
    const pieces: Uint8Array[] = [];
    const start = wallMs();
    for await (const { message } of jobs.readJobFile({ id, outputDirectoryId: "BIG", path: "file" })) {
      if (message.case === "data") pieces.push(message.value);
    }
    rates.push(mebibytes / ((wallMs() - start) / 1000));
    for (const piece of pieces) hash.update(piece);
    if (hash.digest("hex") !== wanted()) throw new Error("the bytes that arrived are not those that were written");
  }
  return rates.sort((a, b) => a - b)[1] ?? 0;
}

function wanted(): string {
  const hash = createHash("sha256");
  const block = Buffer.from("stoker\n".repeat(1 << 16));
  for (let left = bytes; left > 0; left -= block.length) hash.update(block.subarray(0, Math.min(left, block.length)));
  return hash.digest("hex");
}
