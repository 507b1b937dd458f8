import { usage } from "../failure.js";

/** One parameter of a sweep: listed values, or a range to draw from; or rows that give several parameters at once. */
export type Axis =
  | { readonly kind: "rows"; readonly rows: ReadonlyArray<Readonly<Record<string, string>>> }
  | { readonly name: string; readonly kind: "values"; readonly values: readonly string[] }
  | {
      readonly name: string;
      readonly kind: "range";
      readonly from: number;
      readonly to: number;
      readonly scale: "linear" | "log" | "whole";
    };

const namePattern = /^[A-Za-z_]\w{0,63}$/;
export const isParameterName = (name: string) => namePattern.test(name);

/** The parameters that it gives. */
export const namesOf = (axis: Axis): string[] =>
  axis.kind === "rows" ? [...new Set(axis.rows.flatMap((row) => Object.keys(row)))] : [axis.name];

/** `lr=0.1,0.01`; or with --random a range: `lr=0.001..0.1`, `lr=log:1e-5..1e-1`, `layers=int:2..8`. */
export function parseAxis(text: string): Axis {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(0, equals));
  const value = text.slice(equals + 1);
  if (equals < 0 || !namePattern.test(name)) {
    throw usage(`--grid "${text}": expected NAME=VALUE,VALUE…, such as lr=0.1,0.01`);
  }
  const dots = value.lastIndexOf("..");
  const [, scale = "linear", from] = /^(?:(log|int):)?([-+.\de]+)$/i.exec(value.slice(0, Math.max(0, dots))) ?? [];
  const to = value.slice(dots + 2);
  if (from === undefined || !/^[-+.\de]+$/i.test(to)) {
    const values = value.split(",").map((one) => one.trim());
    if (values.includes("")) throw usage(`--grid "${text}": a value is empty`);
    if (new Set(values).size < values.length) throw usage(`--grid "${text}": a value is given twice`);
    return { name, kind: "values", values };
  }
  const range = { from: Number(from), to: Number(to) };
  if (!Number.isFinite(range.to - range.from) || range.from >= range.to) {
    throw usage(`--grid "${text}": expected a range from a number to a larger one`);
  }
  if (scale === "log" && range.from <= 0) throw usage(`--grid "${text}": a logarithmic range begins above 0`);
  return { name, kind: "range", ...range, scale: scale === "int" ? "whole" : scale === "log" ? "log" : "linear" };
}
