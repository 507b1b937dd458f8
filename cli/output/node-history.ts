import { type History, HistorySchema } from "../../shared/gen/stoker/v1/history_pb.js";
import { toJson } from "./json.js";
import { plain } from "./plain.js";
import { sparkline } from "./sparkline.js";
import { table } from "./table.js";
import { shortTime } from "./time.js";

export const nodeHistoryJson = (history: History) => toJson(plain(HistorySchema, history));

/** A line for each thing that was measured: its mean, its most, and its course. */
export function nodeHistory({ from, stepMs, series }: History): string {
  const known = series.filter(({ means }) => means.some((mean) => !Number.isNaN(mean)));
  if (known.length === 0) return "Nothing was measured in that time.\n";
  const rows = known.map(({ name, means, mosts }) => {
    const given = means.filter((mean) => !Number.isNaN(mean));
    const most = Math.max(...mosts.filter((value) => !Number.isNaN(value)));
    const scale = name.endsWith("_percent") ? 100 : most;
    const mean = given.reduce((sum, value) => sum + value, 0) / given.length;
    return [name, amount(name, mean), amount(name, most), sparkline(means, scale, 60)];
  });
  const step = Number(stepMs) < 120_000 ? `${Number(stepMs) / 1000} s` : `${Math.round(Number(stepMs) / 60_000)} min`;
  return `From ${shortTime(from)}, in steps of ${step}\n${table(["What", "Mean", "Most", "Over time"], rows)}`;
}

function amount(name: string, value: number): string {
  if (name.endsWith("_bytes_per_second")) return `${(value / 1e6).toFixed(1)} MB/s`;
  if (name.endsWith("_ms")) return `${value.toFixed(1)} ms`;
  if (name.endsWith("_bytes")) return `${(value / 2 ** 30).toFixed(1)} GiB`;
  if (name.endsWith("_percent")) return `${value.toFixed(0)} %`;
  if (name.endsWith("_celsius")) return `${value.toFixed(0)} °C`;
  return name.endsWith("_watts") ? `${value.toFixed(0)} W` : value.toFixed(1);
}
