import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSmi, SmiFormatError } from "./document.js";

const folder = join(import.meta.dirname, "../../../test/fixtures/nvidia-smi/xml");
const recordings = readdirSync(folder)
  .filter((name) => name.endsWith(".xml"))
  .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

/** All numbers in it, by path. */
function numbersIn(value: unknown, path = ""): Array<[path: string, value: number]> {
  if (typeof value === "number") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => numbersIn(inner, `${path}/${name}`));
}

/** Said in place of a value by one driver or another. */
const sentinels = [
  ...["N/A", "[N/A]", "None", "Not Supported", "[Not Supported]", "", " ", "-", "Not Found", "Unknown", "Timeout"],
  ...["Requested functionality has been deprecated", "Insufficient Permissions", "[Insufficient Permissions]"],
  ...["Unknown Error", "[Unknown Error]", "ERR!", "GPU is lost", "[GPU is lost]", "GPU requires reset"],
  ...["[GPU requires reset]", "Insufficient Size", "nothing that anybody has seen", "NaN", "1e999", "0x0", "１２ %"],
];

test.each(sentinels)("%j in place of every value is a document without one number, and never a zero", (sentinel) => {
  for (const { text } of recordings) {
    const head = text.indexOf("<gpu id");
    const silenced = text.slice(0, head) + text.slice(head).replace(/>[^<>]*[^<>\s][^<>]*</g, () => `>${sentinel}<`);
    for (const gpu of parseSmi(silenced).gpus) {
      const { errorBodies, ...told } = gpu;
      expect(numbersIn(told)).toEqual([]);
      expect(errorBodies > 0).toBe(/GPU is lost|Unknown Error|ERR!|requires reset/.test(sentinel));
    }
  }
});

/** Each run tries other documents; a run that failed is had again with STOKER_FUZZ_SEED. */
const seed = Number(process.env.STOKER_FUZZ_SEED ?? Date.now() % 2 ** 31);
process.stdout.write(`documents of nvidia-smi: STOKER_FUZZ_SEED=${seed}\n`);
const runs = (numRuns: number) => ({ numRuns, seed });

const recorded = fc.constantFrom(...recordings);
const leaves = (text: string) => [...text.matchAll(/>([^<>]*[^<>\s][^<>]*)</g)];

test("whatever values are missing, the others stay as they are, and none becomes zero", () => {
  fc.assert(
    fc.property(
      recorded,
      fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
      fc.constantFrom(...sentinels),
      (...given) => {
        const [{ text }, places, sentinel] = given;
        const all = leaves(text);
        const chosen = new Set(places.map((place) => all[place % all.length]?.index));
        const broken = text.replace(/>([^<>]*[^<>\s][^<>]*)</g, (whole, _, at: number) =>
          chosen.has(at) ? `>${sentinel}<` : whole,
        );
        const before = new Map(numbersIn(parseSmi(text).gpus));
        for (const [path, value] of numbersIn(parseSmi(broken).gpus)) {
          // Lists move up, and sums have fewer parts: then what is left is still something that was told.
          if (value === 0 && before.get(path) !== 0) expect(path).toMatch(/processes|uncorrected|devices|errorBodies/);
        }
      },
    ),
    runs(60),
  );
});

test("however the text is broken, it is read or refused, and in time", () => {
  const mutation = fc.record({
    at: fc.nat(),
    drop: fc.nat(2_000),
    put: fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('<gpu id="x">', "</gpu>", "<", "<![CDATA[", "<!--", "&#0;", "&lt;"),
    ),
  });
  fc.assert(
    fc.property(recorded, fc.array(mutation, { minLength: 1, maxLength: 4 }), ({ text }, mutations) => {
      const broken = mutations.reduce((all, { at, drop, put }) => {
        const place = at % all.length;
        return all.slice(0, place) + put + all.slice(place + drop);
      }, text);
      try {
        parseSmi(broken);
      } catch (error) {
        expect(error).toBeInstanceOf(SmiFormatError);
      }
    }),
    runs(150),
  );
});

/** Every element with an end, from its `<` to behind its `>`. */
function elementsOf(text: string): Array<{ name: string; from: number; to: number }> {
  const open: Array<{ name: string; from: number }> = [];
  const all: Array<{ name: string; from: number; to: number }> = [];
  for (const tag of text.matchAll(/<(\/?)([\w-]+)[^>]*>/g)) {
    const [whole, closes, name = ""] = tag;
    if (closes === "") open.push({ name, from: tag.index });
    else {
      const begun = open.pop();
      if (begun) all.push({ ...begun, to: tag.index + whole.length });
    }
  }
  return all.filter((each) => each.name !== "nvidia_smi_log");
}

/** Nothing is zero that was not, but what is counted: elements, and sums of several. */
const noNewZeros = (before: unknown, after: unknown) => {
  const known = new Map(numbersIn(before));
  for (const [path, value] of numbersIn(after))
    if (value === 0 && known.get(path) !== 0) expect(path).toMatch(/processes|uncorrected|devices|errorBodies/);
};

test("without any of its elements, or with two of them exchanged, it is read: no value is made up, and no other GPU's", () => {
  fc.assert(
    fc.property(recorded, fc.nat(), fc.nat(), fc.boolean(), ({ text }, a, b, exchanged) => {
      const all = elementsOf(text);
      const first = all[a % all.length];
      // Beside it: elements come in another order from one driver to the next.
      const beside = all.filter(
        // A GPU within a GPU is a document whose first GPU has no end: it is refused.
        ({ name, from, to }) =>
          first && (to < first.from || from > first.to) && (name === "gpu") === (first.name === "gpu"),
      );
      const second = beside[b % Math.max(1, beside.length)];
      if (!first) return;
      const before = parseSmi(text).gpus;
      const changed =
        exchanged && second ? swapped(text, first, second) : text.slice(0, first.from) + text.slice(first.to);
      const after = parseSmi(changed).gpus;
      if (!exchanged) {
        if (first.name !== "gpu") noNewZeros(before, after);
        expect(after.length).toBe(first.name === "gpu" ? before.length - 1 : before.length);
      }
      for (const { memory, temperature, utilizationPercent = 0 } of after) {
        expect(memory.usedBytes ?? 0).toBeLessThanOrEqual(memory.totalBytes ?? Number.POSITIVE_INFINITY);
        expect(Math.abs(temperature.celsius ?? 0)).toBeLessThanOrEqual(130);
        expect(utilizationPercent).toBeLessThanOrEqual(100);
      }
    }),
    runs(120),
  );
});

type Place = { from: number; to: number };

function swapped(text: string, a: Place, b: Place): string {
  const [first, second] = a.from < b.from ? [a, b] : [b, a];
  const part = ({ from, to }: Place) => text.slice(from, to);
  return (
    text.slice(0, first.from) + part(second) + text.slice(first.to, second.from) + part(first) + text.slice(second.to)
  );
}

test("the order of a GPU's elements means nothing", () => {
  for (const { text } of recordings) {
    const turned = text.replace(/(<gpu [^>]*>)([\s\S]*?)(<\/gpu>)/g, (_, begin: string, body: string, end: string) => {
      const parts = elementsOf(body);
      const outer = parts.filter(({ from, to }) => !parts.some((each) => each.from < from && each.to > to));
      return (
        begin +
        outer
          .map(({ from, to }) => body.slice(from, to))
          .reverse()
          .join("\n") +
        end
      );
    });
    expect(parseSmi(turned)).toEqual(parseSmi(text));
  }
});

test("wherever it is cut off, it is refused: half a document can look whole", () => {
  fc.assert(
    fc.property(recorded, fc.nat(), ({ text }, at) => {
      const end = text.lastIndexOf("</nvidia_smi_log>");
      expect(() => parseSmi(text.slice(0, at % (end + 1)))).toThrow(SmiFormatError);
    }),
    runs(120),
  );
});

test.each([
  "",
  " ",
  "\u0000",
  "No devices were found\n",
  "<nvidia_smi_log>",
  "<nvidia_smi_log",
  "</nvidia_smi_log>",
  "<a/>",
])("%j is no document", (text) => {
  expect(() => parseSmi(text)).toThrow(SmiFormatError);
});

test("megabytes of it, whole or broken, are read or refused at once", () => {
  const text = recordings.find(({ name }) => name.startsWith("v13-580.105"))?.text ?? "";
  const body = text.slice(text.indexOf("<gpu id"), text.lastIndexOf("</gpu>") + 6);
  const large = text.replace(body, () => body.repeat(20));
  expect(parseSmi(large).gpus).toHaveLength(160);
  for (const words of ["<process_name>", "<supported_clocks>", "<!--", "<gpu", "<a ", "&amp;"]) {
    const hostile = text.replace("<utilization>", () => `${words.repeat(200_000)}<utilization>`);
    try {
      parseSmi(hostile);
    } catch (error) {
      expect(error).toBeInstanceOf(SmiFormatError);
    }
  }
}, 20_000);

test("line ends, a byte order mark, words around it and comments within change nothing", () => {
  for (const { text } of recordings) {
    const plain = parseSmi(text);
    expect(parseSmi(text.replaceAll("\n", "\r\n"))).toEqual(plain);
    expect(parseSmi(`\ufeffWARNING: first\n${text}WARNING: infoROM is corrupted at gpu 0000:00:1E.0\n`)).toEqual(plain);
    expect(parseSmi(text.replaceAll("</uuid>", "</uuid>\n<!-- uuid is <deprecated> -->"))).toEqual(plain);
    expect(parseSmi(text.replace(/<\?xml[^>]*>|<!DOCTYPE[^>]*>/g, ""))).toEqual({ ...plain, schema: undefined });
  }
});

test("the names that are to replace others, and what sets whole banks aside", () => {
  const text = recordings.find(({ name }) => name.startsWith("v13-595.58"))?.text ?? "";
  const newer = text
    .replace(/<driver_version>.*?<\/driver_version>/, "<kmd_version>615.23</kmd_version>")
    .replace(/<cuda_version>.*?<\/cuda_version>/, "<cuda_umd_version>13.4</cuda_umd_version>")
    .replace(
      "<temperature>",
      "<remapped_banks><bank_remapper_pending>Yes</bank_remapper_pending></remapped_banks><temperature>",
    );
  expect(parseSmi(newer)).toMatchObject({
    ...{ driverVersion: "615.23", cudaVersion: "13.4" },
    gpus: [{ remappedRows: { pending: true } }],
  });
});

const processNamed = (name: string) =>
  (recordings.find(({ name: file }) => file.startsWith("v11-515.105-a10g"))?.text ?? "").replace(
    /<process_name>.*?<\/process_name>/,
    () => `<process_name>${name}</process_name>`,
  );

test.each([
  ["python <stdin> & co", "python <stdin> & co"],
  ["</gpu><gpu id='0'>", "</gpu><gpu id='0'>"],
  ["a &lt;b&gt; &amp;amp;", "a <b> &amp;"],
  ["<!--", "<!--"],
  ["x".repeat(4_000), "x".repeat(4_000)],
])("a process may be called %j, and the rest is read as ever", (name, read) => {
  const plain = parseSmi(processNamed("python3")).gpus;
  const [gpu, ...others] = parseSmi(processNamed(name)).gpus;
  expect(others).toEqual([]);
  expect(gpu?.processes[0]?.name).toBe(read);
  expect({ ...gpu, processes: [] }).toEqual({ ...plain[0], processes: [] });
});

test("a process that is called like an error is no error of its GPU, and one that says what its GPU needs is not heard", () => {
  const [named] = parseSmi(processNamed("GPU is lost")).gpus;
  expect(named).toMatchObject({ errorBodies: 0, lost: false });
  const hostile =
    "</process_name></process_info></processes><fb_memory_usage><used>0 MiB</used></fb_memory_usage><uuid>GPU-other</uuid><a>";
  const [gpu] = parseSmi(processNamed(hostile)).gpus;
  const [plain] = parseSmi(processNamed("python3")).gpus;
  expect(gpu).toMatchObject({ uuid: plain?.uuid, memory: plain?.memory ?? {} });
});

test("a GPU within another is no document", () => {
  const { text } = recordings.find(({ name }) => name.includes("4x-tesla-k80")) ?? { text: "" };
  const [whole = ""] = /<gpu id[\s\S]*?<\/gpu>/.exec(text) ?? [];
  const inner = text.lastIndexOf("<ibmnpu>");
  expect(parseSmi(text).gpus).toHaveLength(4);
  expect(() => parseSmi(text.slice(0, inner) + whole + text.slice(inner))).toThrow(SmiFormatError);
});

test("an element without its end costs its own values; one GPU never has another's", () => {
  const text = recordings.find(({ name }) => name.startsWith("v13-580.105"))?.text ?? "";
  const plain = parseSmi(text).gpus;
  const [first, ...others] = parseSmi(text.replace("</fb_memory_usage>", "")).gpus;
  expect(others).toEqual(plain.slice(1));
  expect(first?.memory).toEqual(plain[0]?.memory);
  expect(parseSmi(text.replace("</supported_clocks>", "")).gpus.slice(1)).toEqual(plain.slice(1));
  expect(() => parseSmi(text.replace("</gpu>", ""))).toThrow(SmiFormatError);
});

test("an element that moved to another place of the document, or a version to come, costs its own value alone", () => {
  const text = recordings.find(({ name }) => name.startsWith("v13-580.105"))?.text ?? "";
  const newer = text
    .replaceAll("nvsmi_device_v13", "nvsmi_device_v27")
    .replaceAll("<utilization>", "<brand_new><deep><utilization>1</utilization></deep></brand_new><utilization>")
    .replaceAll("gpu_temp>", "gpu_temperature_now>");
  const [gpu] = parseSmi(newer).gpus;
  expect(gpu?.temperature).not.toHaveProperty("celsius");
  expect(gpu).toMatchObject({ utilizationPercent: 0, memory: { totalBytes: 81_559 * 2 ** 20 } });
});
