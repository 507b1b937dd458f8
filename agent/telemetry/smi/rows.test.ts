import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RowStream } from "./row-stream.js";
import { readRow, sampleFields, unknownField } from "./rows.js";

const row = (line: string) => readRow(line, sampleFields);

test("a row of a busy GPU", () => {
  expect(row("3, GPU-a, 00000000:0A:00.0, 97, 1024, 81559, 61, 423.50, 1980")).toEqual({
    ...{ index: 3, uuid: "GPU-a", busId: "0000:0a:00", utilizationPercent: 97, memoryUsedBytes: 1024 * 2 ** 20 },
    ...{ temperatureCelsius: 61, powerWatts: 423.5, smClockMhz: 1980 },
  });
});

test.each([
  ["3, GPU-a, [N/A], [N/A], [N/A], [Not Supported], N/A, [N/A], -", undefined],
  ["3, GPU-a, 0000:0A:00.0, [GPU is lost], 5, [Unknown Error], 31, [Unknown Error], 3", "lost"],
  ["3, GPU-a, 0000:0A:00.0, 0, [GPU requires reset], 1, 31, 5, 3", "requires-reset"],
  ["3, [Unknown Error], [Unknown Error], ERR!, ERR!, ERR!, ERR!, ERR!, ERR!", "unknown-error"],
])("%s: what is not said is missing, and never zero", (line, trouble) => {
  const read = row(line);
  expect(read?.trouble).toBe(trouble);
  expect(read?.index).toBe(3);
  expect(read?.powerWatts === undefined || read.powerWatts === 5).toBe(true);
  expect(Object.values(read ?? {})).not.toContain(Number.NaN);
});

test("values that can't be are missing: more used than there is, 300 %, a negative clock", () => {
  expect(row("0, GPU-a, 0000:0A:00.0, 300, 90000, 81559, 900, -3, -1")).toEqual({
    ...{ index: 0, uuid: "GPU-a", busId: "0000:0a:00" },
  });
});

test.each([
  "",
  "No devices were found",
  "Unable to determine the device handle for GPU0000:91:00.0: Unknown Error",
  "index, uuid, pci.bus_id, utilization.gpu [%], memory.used [MiB], memory.total [MiB], a, b, c",
  "1, GPU-a",
  "x".repeat(100_000),
])("no row: %j", (line) => {
  expect(row(line)).toBeUndefined();
});

test("a driver names the field that it does not know", () => {
  expect(unknownField('Field "clocks.sm" is not a valid field to query.\n\n')).toBe("clocks.sm");
  expect(unknownField("No devices were found\n")).toBeUndefined();
});

/** A recording has other columns than are asked for: those that it has, as they would have been answered. */
function recorded(name: string) {
  const text = readFileSync(join(import.meta.dirname, "../../../test/fixtures/nvidia-smi", name), "utf8");
  const [head = "", ...lines] = text.split(/\r?\n/).filter((line) => line.includes(","));
  const names = head.split(",").map((title) => title.trim().replace(/ \[.*\]$/, ""));
  const aliases: Record<string, string> = { "clocks.current.sm": "clocks.sm", "power.draw.instant": "power.draw" };
  const asked = names.map((each) => aliases[each] ?? each);
  return lines.map((line) => readRow(line, asked));
}

const mebibytes = (count: number) => count * 2 ** 20;

test.each([
  ["h100-load-query-gpu.csv", { utilizationPercent: 100, memoryUsedBytes: mebibytes(19818), temperatureCelsius: 59 }],
  ["l40s-load-query-gpu.csv", { index: 0, busId: expect.stringMatching(/^[0-9a-f]{4}:/), utilizationPercent: 9 }],
  ["win-2080s-load-query-gpu.csv", { index: 0, powerWatts: expect.any(Number), smClockMhz: expect.any(Number) }],
  ["query-gpu-8xh100.csv", { index: 0, utilizationPercent: 0, memoryUsedBytes: 0, powerWatts: 70.68, smClockMhz: 345 }],
])("recorded: %s", (name, values) => {
  expect(recorded(name)[0]).toMatchObject(values);
});

test("a GPU with MIG does not say how busy it is, which is not zero", () => {
  const [gpu] = recorded("h200-mig-load-query-gpu.csv");
  expect(gpu?.uuid).toMatch(/^GPU-/);
  expect(gpu).not.toHaveProperty("utilizationPercent");
  expect(gpu?.powerWatts).toBeGreaterThan(0);
});

const fields = ["index", "uuid"];
const indexes = (frames: ReadonlyArray<ReadonlyArray<{ index: number }>>) =>
  frames.map((rows) => rows.map(({ index }) => index));

test("samples end when all have come, or when the next begins", () => {
  const stream = new RowStream(fields, () => 3);
  expect(indexes(stream.push("0, GPU-a\n1, GPU-b\n2, GP"))).toEqual([]);
  expect(indexes(stream.push("U-c\n0, GPU-a\n2, GPU-c\nWARNING: infoROM is corrupted\n0, GPU-a\n"))).toEqual([
    [0, 1, 2],
    [0, 2],
  ]);
  expect(indexes([stream.takeRest() ?? []])).toEqual([[0]]);
  expect(stream.takeRest()).toBeUndefined();
  expect(stream.words).toBe("WARNING: infoROM is corrupted\n");
});

test("however the bytes are cut, the samples are the same", () => {
  const text = Array.from({ length: 5 }, (_, at) => `0, GPU-a\n1, [GPU is lost]\n${at === 2 ? "" : "2, GPU-c\n"}`).join(
    "",
  );
  const whole = new RowStream(fields, () => 3);
  const wanted = [...whole.push(text), whole.takeRest()];
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const stream = new RowStream(fields, () => 3);
      const frames = places.slice(1).flatMap((to, at) => stream.push(text.slice(places[at], to)));
      expect([...frames, stream.takeRest()]).toEqual(wanted);
    }),
  );
});
