/** The end of a figure's key says what it is counted in. */
const units: ReadonlyArray<readonly [ending: string, unit: string]> = [
  ["BytesPerNodePerSecond", "B/s"],
  ["HoursPerMinute", "h/min"],
  ["PerSecond", "/s"],
  ["Percent", "%"],
  ["MiBps", "MiB/s"],
  ["MiB", "MiB"],
  ["Seconds", "s"],
  ["Ms", "ms"],
];

/** `part`: of a figure that has several; what counts jobs says so. */
export function unitOf(key: string, part = ""): string {
  if (part.startsWith("jobs")) return "jobs";
  const unit = units.find(([ending]) => key.endsWith(ending))?.[1];
  if (unit === undefined) throw new Error(`the name of the figure ${key} ends with no unit`);
  return unit;
}
