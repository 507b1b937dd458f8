export interface Told {
  type: string;
  help: string;
  samples: Array<{ name: string; labels: Record<string, string>; value: number }>;
}

const suffix = /_(sum|count|bucket)$/;

/** Reads Prometheus' text format, strictly; by the family's name. Throws on whatever is not that. */
export function readExposition(text: string): Map<string, Told> {
  const families = new Map<string, Told>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, family = "", words = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (families.has(family)) throw new Error(`${family} is told twice`);
      families.set(family, { type: "", help: words, samples: [] });
      continue;
    }
    if (kind === "TYPE") {
      const known = families.get(family);
      if (known) known.type = words;
      continue;
    }
    const [, name = "", inner = "", value = ""] = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const of = families.get(name) ?? families.get(name.replace(suffix, ""));
    const number = Number(value.replace("Inf", "Infinity"));
    if (!of || (Number.isNaN(number) && !/^nan$/i.test(value))) throw new Error(`not a sample: ${line}`);
    of.samples.push({ name, labels: labelsOf(inner), value: number });
  }
  return families;
}

function labelsOf(inner: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)) {
    labels[name] = value.replace(/\\(.)/g, (_, each: string) => (each === "n" ? "\n" : each));
  }
  return labels;
}

/** The value of the one sample that has these labels. */
export function sampleOf(families: Map<string, Told>, name: string, labels: Record<string, string> = {}): number {
  const found = (families.get(name) ?? families.get(name.replace(suffix, "")))?.samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found?.length !== 1 || !found[0]) throw new Error(`${found?.length ?? 0} samples of ${name}`);
  return found[0].value;
}
