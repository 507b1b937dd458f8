import { z } from "zod";
import type { Check } from "./check.js";
import type { Ended } from "./program.js";

/** One result of one test, of one GPU. */
interface Result {
  test: string;
  status: string;
  /** As DCGM counts GPUs; undefined: of the machine. */
  gpu: number | undefined;
  words: string;
  /** DCGM's own judgement of each error; empty where its release makes none. */
  severities: number[];
}

/** dcgmErrorSeverity of dcgm_errors.h: something to be set on this machine; no GPU is worse for it. */
const configuration = 5;
/** What those of DCGM before 4 call such tests. */
const ofConfiguration =
  /^(?:Persistence Mode|Environment Variables|Graphics Processes|Permissions and OS Blocks|Denylist|NVML Library|CUDA (?:Main|Toolkit) Libr\w+)$/i;

const text = z.union([z.string(), z.number()]).transform(String);
const warning = z.union([
  z.string().transform((words) => ({ warning: words, error_severity: undefined })),
  z.object({ warning: z.string().default(""), error_severity: z.number().optional() }),
]);
const result = z.object({
  status: z.string(),
  gpu_id: text.optional(),
  gpu_ids: text.optional(),
  entity_group: z.string().optional(),
  entity_id: text.optional(),
  warnings: z.union([z.array(warning), warning.transform((one) => [one])]).optional(),
});
const test = z.object({ name: z.string(), results: z.array(result).default([]) });
const diagnostic = z.object({
  test_categories: z.array(z.object({ tests: z.array(test).default([]) })).default([]),
  runtime_error: z.string().optional(),
});
const document = z.union([
  z.object({ "DCGM Diagnostic": diagnostic }).transform((all) => all["DCGM Diagnostic"]),
  z.object({ "DCGM GPU Diagnostic": diagnostic }).transform((all) => all["DCGM GPU Diagnostic"]),
]);

/** What `dcgmi diag -j` printed of one GPU. What is only to be set on the machine is told, and condemns nothing. */
export function dcgmiCheck(
  { uuid, index }: { uuid: string; index: number },
  level: number,
  { code, output, missing }: Ended,
): Check {
  const told = (outcome: Check["outcome"], message: string): Check => ({
    ...{ name: "dcgmi", gpuUuid: uuid, outcome, message: message.slice(0, 450), numbers: {} },
  });
  const called = `dcgmi diag -r ${level}`;
  if (missing) return told("skipped", "dcgmi, of NVIDIA's DCGM, is not installed");
  if (code === undefined) return told("failed", `${called} did not end in time`);
  const { results, problem } = resultsIn(output);
  const own = results.filter(({ gpu }) => gpu === undefined || gpu === index);
  const failing = own.filter(({ status }) => /^fail/i.test(status));
  const bad = failing.filter((each) => !isConfiguration(each));
  const inWords = (all: readonly Result[]) =>
    all.map(({ test, words }) => `${test}${words === "" ? "" : ` (${words})`}`).join(", ");
  if (bad.length > 0) return told("failed", `${called} failed: ${inWords(bad)}`);
  const odd = [...failing, ...own.filter(({ status }) => /^warn/i.test(status))];
  if (odd.length > 0) return told("warned", `${called} wants the machine set otherwise: ${inWords(odd)}`);
  const passed = own.filter(({ status }) => /^pass/i.test(status));
  if (passed.length > 0 && code === 0)
    return told("passed", `${called} passed: ${passed.map(({ test }) => test).join(", ")}`);
  if (own.length > 0 && code === 0)
    return told("skipped", `${called} tests nothing of this kind of GPU: ${inWords(own)} was skipped`);
  // Its host engine does not run, or does not know this GPU: nothing is proven.
  const last = problem ?? output.trim().split("\n").at(-1) ?? "";
  return told("skipped", `${called} could not be run (exit code ${code}): ${last.slice(0, 200)}`);
}

const isConfiguration = ({ test: name, severities }: Result): boolean =>
  severities.length > 0 ? severities.every((severity) => severity === configuration) : ofConfiguration.test(name);

function resultsIn(output: string): { results: Result[]; problem: string | undefined } {
  const read = document.safeParse(parsed(output));
  if (!read.success) return { results: [], problem: undefined };
  const results = read.data.test_categories.flatMap(({ tests }) =>
    tests.flatMap(({ name, results: all }) =>
      all.flatMap(({ status, warnings = [], gpu_id, gpu_ids, entity_group, entity_id }) => {
        const ids = [
          gpu_id ?? gpu_ids ?? (entity_group === undefined || entity_group === "GPU" ? entity_id : undefined),
        ];
        const words = warnings.map((each) => each.warning).join("; ");
        const severities = warnings.flatMap((each) => each.error_severity ?? []);
        const all_ids = ids.flatMap((each) => each?.split(",") ?? [undefined]);
        return all_ids.map((id) => ({ test: name, status, gpu: numbered(id), words, severities }));
      }),
    ),
  );
  return { results, problem: read.data.runtime_error };
}

const numbered = (id: string | undefined) => (id === undefined || !/^\d+$/.test(id.trim()) ? undefined : Number(id));

/** Other words may stand before and after it. */
function parsed(output: string): unknown {
  const [begin, end] = [output.indexOf("{"), output.lastIndexOf("}")];
  try {
    return JSON.parse(output.slice(begin, end + 1));
  } catch {
    return undefined;
  }
}
