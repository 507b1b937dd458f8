/** One metric as Prometheus' text format has it: a name, what it means, and its samples. */
export interface Family {
  readonly name: string;
  /** One sentence, without a full stop. */
  readonly help: string;
  readonly type: "gauge" | "counter" | "summary";
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** As `labels` gives them; "" for none. */
  readonly labels: string;
  readonly value: number;
  /** Of a summary. */
  readonly suffix?: "_sum" | "_count";
}

/** `node="n1",gpu="0"` */
export function labels(of: Readonly<Record<string, string>>): string {
  let text = "";
  for (const name in of) text += `${text === "" ? "" : ","}${name}="${escaped(of[name] ?? "")}"`;
  return text;
}

const special = /[\\"\n]/;
const escaped = (value: string) =>
  special.test(value) ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : value;

export const gauge = (name: string, help: string, samples: readonly Sample[] | number): Family => ({
  ...{ name, help, type: "gauge" },
  samples: typeof samples === "number" ? [{ labels: "", value: samples }] : samples,
});

export const counter = (name: string, help: string, samples: readonly Sample[] | number): Family => ({
  ...gauge(name, help, samples),
  type: "counter",
});

/** One sample for each key. */
export const byLabel = (label: string, counts: Iterable<readonly [string, number]>): Sample[] =>
  [...counts].map(([key, value]) => ({ labels: labels({ [label]: key }), value }));

/** The text format, version 0.0.4. Families without a sample are told all the same: they are known, and empty. */
export function render(families: readonly Family[]): string {
  let text = "";
  for (const { name, help, type, samples } of families) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      const inner = sample.labels === "" ? "" : `{${sample.labels}}`;
      text += `${name}${sample.suffix ?? ""}${inner} ${numberOf(sample.value)}\n`;
    }
  }
  return text;
}

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
