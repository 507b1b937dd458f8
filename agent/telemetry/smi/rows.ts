import { busId } from "./bus-id.js";
import { bytesOf, numberOf, numberWithin, uuidOf } from "./value.js";

/** What is asked for often. All but the first three may be unknown to a driver, and are dropped then. */
export const sampleFields = [
  ...["index", "uuid", "pci.bus_id"],
  ...["utilization.gpu", "memory.used", "memory.total", "temperature.gpu", "power.draw", "clocks.sm"],
] as const;

export const neededFields: ReadonlySet<string> = new Set(["index", "uuid"]);

/** Why a GPU gave no values, as far as a row tells. */
export type RowTrouble = "lost" | "requires-reset" | "unknown-error";

/** One GPU in one sample. Whatever it does not say is undefined, and never zero. */
export interface SmiRow {
  index: number;
  /** Undefined when not even that can be read any more. */
  uuid?: string;
  busId?: string;
  utilizationPercent?: number;
  memoryUsedBytes?: number;
  temperatureCelsius?: number;
  powerWatts?: number;
  smClockMhz?: number;
  trouble?: RowTrouble;
}

const troubles: ReadonlyArray<[RegExp, RowTrouble]> = [
  [/^\[?GPU is lost\]?$/i, "lost"],
  [/^\[?GPU requires reset\]?$/i, "requires-reset"],
  [/^\[?(?:Unknown Error|ERR!)\]?$/i, "unknown-error"],
];

const longestLine = 2_000;

/** Pure. One line of `--format=csv,noheader,nounits`; undefined when it is no row: a warning, half a line, the words of a failure. */
export function readRow(line: string, fields: readonly string[]): SmiRow | undefined {
  if (line.length > longestLine) return undefined;
  const cells = line.split(",").map((cell) => cell.trim());
  if (cells.length !== fields.length) return undefined;
  const text = (name: string) => {
    const at = fields.indexOf(name);
    return at < 0 ? undefined : cells[at];
  };
  const index = numberWithin(text("index"), "", 0, 1_023);
  if (index === undefined) return undefined;
  const used = bytesOf(text("memory.used"));
  const total = bytesOf(text("memory.total"));
  return {
    index,
    ...given("uuid", uuidOf(text("uuid"))),
    ...given("busId", busId(text("pci.bus_id"))),
    ...given("utilizationPercent", numberWithin(text("utilization.gpu"), "%", 0, 100)),
    ...given("memoryUsedBytes", used !== undefined && total !== undefined && used > total ? undefined : used),
    ...given("temperatureCelsius", numberWithin(text("temperature.gpu"), "C", -100, 130)),
    ...given("powerWatts", numberWithin(text("power.draw"), "W", 0, 100_000)),
    ...given("smClockMhz", positive(numberOf(text("clocks.sm"), "MHz"))),
    ...given("trouble", troubleIn(cells)),
  };
}

const positive = (value: number | undefined) => (value === undefined || value < 0 ? undefined : value);

/** The gravest: a lost one keeps old values in some cells and other errors in others. */
function troubleIn(cells: readonly string[]): RowTrouble | undefined {
  return troubles.find(([words]) => cells.some((cell) => words.test(cell)))?.[1];
}

/** The field that this driver does not know, of `Field "x" is not a valid field to query.` */
export function unknownField(output: string): string | undefined {
  return /field "?([\w.]+)"? is not a valid field to query/i.exec(output)?.[1];
}

const given = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
