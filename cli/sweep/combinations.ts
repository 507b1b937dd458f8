import { usage } from "../failure.js";
import { type Axis, namesOf } from "./axis.js";
import { randomOf } from "./random.js";

export type Parameters = Readonly<Record<string, string>>;

export const combinationsMax = 10_000;
/** One after another: far beyond what it takes to hit the last of as many as there may be. */
const drawsInVainMax = 300_000;

/** Every combination, the first axis changing slowest. */
export function grid(axes: readonly Axis[]): Parameters[] {
  const ranges = axes.filter(({ kind }) => kind === "range").flatMap(namesOf);
  if (ranges.length > 0) throw usage(`${ranges.join(", ")}: a range has no list of values; draw from it with --random`);
  let made: Parameters[] = [{}];
  for (const axis of axes) {
    const choices = choicesOf(axis);
    // Before they are made: there may be more than any memory holds.
    if (made.length * choices.length > combinationsMax)
      throw usage(`more than ${combinationsMax} combinations: use --random`);
    made = made.flatMap((before) => choices.map((choice) => ({ ...before, ...choice })));
  }
  return made;
}

/** `count` different combinations, the same ones for the same seed. */
export function drawn(axes: readonly Axis[], count: number, seed: number): Parameters[] {
  if (count > combinationsMax) throw usage(`--random n=${count}: at most ${combinationsMax}`);
  const most = axes.reduce((product, axis) => product * sizeOf(axis), 1);
  if (count > most) throw usage(`--random n=${count}: there are only ${most} different combinations`);
  const random = randomOf(seed);
  const made = new Map<string, Parameters>();
  let inVain = 0;
  while (made.size < count) {
    // Lines may be equal, and numbers of a narrow range are once they are rounded.
    if (inVain > drawsInVainMax)
      throw usage(`--random n=${count}: only ${made.size} different combinations were found`);
    inVain += 1;
    const one = Object.assign({}, ...axes.map((axis) => draw(axis, random))) as Parameters;
    const key = JSON.stringify(one);
    if (made.has(key)) continue;
    made.set(key, one);
    inVain = 0;
  }
  return [...made.values()];
}

function choicesOf(axis: Axis): readonly Parameters[] {
  if (axis.kind === "rows") return axis.rows;
  return axis.kind === "values" ? axis.values.map((value) => ({ [axis.name]: value })) : [];
}

const sizeOf = (axis: Axis) =>
  axis.kind !== "range"
    ? choicesOf(axis).length
    : axis.scale === "whole"
      ? Math.floor(axis.to) - Math.ceil(axis.from) + 1
      : Number.POSITIVE_INFINITY;

function draw(axis: Axis, random: () => number): Parameters {
  if (axis.kind === "rows") return axis.rows[Math.floor(random() * axis.rows.length)] ?? {};
  if (axis.kind === "values") return { [axis.name]: axis.values[Math.floor(random() * axis.values.length)] ?? "" };
  const { name, from, to, scale } = axis;
  if (scale === "whole") return { [name]: String(Math.ceil(from) + Math.floor(random() * sizeOf(axis))) };
  const value = scale === "log" ? from * (to / from) ** random() : from + (to - from) * random();
  return { [name]: String(Number(value.toPrecision(6))) };
}
