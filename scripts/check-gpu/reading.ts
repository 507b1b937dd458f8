import { limitedOutput } from "../../agent/telemetry/limited-output.js";
import { parseSmi, type SmiDocument } from "../../agent/telemetry/smi/document.js";
import { unknownField } from "../../agent/telemetry/smi/rows.js";
import { parseTopology } from "../../agent/telemetry/smi/topology.js";
import { comparedFields, difference } from "./fields.js";
import type { Report } from "./report.js";

const limitMs = 40_000;
/** What not every machine has keeps nobody waiting. */
const optionalLimitMs = 15_000;

/** All that nvidia-smi says in one moment, to be kept. */
export interface Recording {
  files: Map<string, string>;
  document: SmiDocument;
}

/** Rejects with ProgramFailed, or because there is no such program. */
export async function read(program: string, files: Map<string, string>): Promise<Recording> {
  const keep = async (name: string, words: string[], withinMs: number) => {
    const text = await limitedOutput(program, words, withinMs);
    files.set(name, text);
    return text;
  };
  const document = parseSmi(await keep("q-x.xml", ["-q", "-x"], limitMs));
  for (const [name, words] of [
    ["L.txt", ["-L"]],
    ["topo-m.txt", ["topo", "-m"]],
    ["nvlink-s.txt", ["nvlink", "-s"]],
    ["compute-apps.csv", ["--query-compute-apps=gpu_uuid,pid,used_memory,process_name", "--format=csv"]],
    ["help-query-gpu.txt", ["--help-query-gpu"]],
  ] as const) {
    // Not every machine has every one.
    await keep(name, [...words], optionalLimitMs).catch((error: unknown) => files.set(`${name}.failed`, String(error)));
  }
  return { files, document };
}

/** Each field of each GPU, told twice by nvidia-smi and read by two readers. */
export async function compare(program: string, { files, document }: Recording, report: Report): Promise<void> {
  const { fields, text } = await query(
    program,
    comparedFields.map(({ name }) => name),
  );
  files.set("query-gpu.csv", text);
  const rows = text.split("\n").filter((line) => line.includes(","));
  report.judge(
    rows.length === document.gpus.length,
    `${document.gpus.length} GPUs in -q -x, ${rows.length} in --query-gpu`,
  );
  const missing = comparedFields.filter(({ name }) => !fields.includes(name)).map(({ name }) => name);
  for (const name of missing) report.skip(name, "this driver does not know the field");
  document.gpus.forEach((gpu, at) => {
    const cells = cellsOf(rows, gpu.uuid) ?? cellsAt(rows, at);
    let same = 0;
    for (const field of comparedFields) {
      const place = fields.indexOf(field.name);
      if (place < 0) continue;
      const found = difference(field, cells[place] ?? "", gpu);
      if (found === undefined) same += 1;
      else report.fail(`GPU ${at}, ${field.name}: ${found}`);
    }
    report.judge(same > 0, `GPU ${at}, ${gpu.name ?? "without a name"}: ${same} fields are the same in both forms`);
  });
  const said = files.get("topo-m.txt");
  if (document.gpus.length < 2) report.skip("topo -m", "there is one GPU");
  else if (said === undefined) report.skip("topo -m", `nvidia-smi does not tell it: ${files.get("topo-m.txt.failed")}`);
  else {
    const connected = parseTopology(said).size;
    report.judge(connected === document.gpus.length, `topo -m connects ${connected} of ${document.gpus.length} GPUs`);
  }
}

const cellsAt = (rows: readonly string[], at: number) => (rows[at] ?? "").split(",").map((cell) => cell.trim());

/** The two forms may count GPUs in different orders. */
function cellsOf(rows: readonly string[], uuid: string | undefined): string[] | undefined {
  const at = rows.findIndex((row) => uuid !== undefined && row.split(",").some((cell) => cell.trim() === uuid));
  return at < 0 ? undefined : cellsAt(rows, at);
}

/** Without the fields that this driver does not know. */
async function query(program: string, fields: string[]): Promise<{ fields: string[]; text: string }> {
  try {
    return {
      fields,
      text: await limitedOutput(program, [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"], limitMs),
    };
  } catch (error) {
    const field = error instanceof Error ? unknownField(error.message) : undefined;
    if (field === undefined || !fields.includes(field)) throw error;
    return query(
      program,
      fields.filter((each) => each !== field),
    );
  }
}
