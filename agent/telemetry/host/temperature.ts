import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What the kernel calls the sensors of processors. */
const processors = /^(?:coretemp|k10temp|zenpower|cpu_thermal|cpu|x86_pkg_temp|soc_thermal)/;

/** Of the warmest processor; undefined on machines that do not tell, such as most virtual ones. */
export async function temperature(root = "/sys/class"): Promise<number | undefined> {
  const sensors = await Promise.all([
    ...(await names(join(root, "hwmon"))).map((name) => ofSensor(join(root, "hwmon", name), "name", /^temp\d+_input$/)),
    ...(await names(join(root, "thermal"))).map((name) => ofSensor(join(root, "thermal", name), "type", /^temp$/)),
  ]);
  const celsius = sensors.flat().filter((value) => value > 0 && value < 150);
  return celsius.length > 0 ? Math.max(...celsius) : undefined;
}

async function ofSensor(folder: string, kind: string, inputs: RegExp): Promise<number[]> {
  if (!processors.test((await textOf(join(folder, kind))) ?? "")) return [];
  const files = (await names(folder)).filter((name) => inputs.test(name));
  const texts = await Promise.all(files.map((name) => textOf(join(folder, name))));
  // Thousandths of a degree.
  return texts.map((text) => Number(text?.trim() || Number.NaN) / 1_000);
}

const names = async (folder: string) => (await readdir(folder).catch(nothing)) ?? [];
const textOf = (path: string) => readFile(path, "utf8").catch(nothing);

/** Not on this machine, or a sensor that can't be read now. */
function nothing(error: unknown): undefined {
  if (!(error instanceof Error && "code" in error)) throw error;
  return undefined;
}
