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
    { numRuns: 60 },
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
    { numRuns: 150 },
  );
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
