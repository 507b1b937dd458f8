const levels = "▁▂▃▄▅▆▇█";

/** A line of blocks, one for each of at most `width` steps; blank where nothing was measured. `most`: what fills a block. */
export function sparkline(values: readonly number[], most: number, width = 40): string {
  const step = Math.max(1, Math.ceil(values.length / width));
  const shown: string[] = [];
  for (let at = 0; at < values.length; at += step) {
    const known = values.slice(at, at + step).filter((value) => !Number.isNaN(value));
    if (known.length === 0) shown.push(" ");
    else
      shown.push(
        blockOf(known.reduce((sum, value) => sum + value, 0) / known.length / Math.max(most, Number.MIN_VALUE)),
      );
  }
  return shown.join("");
}

function blockOf(part: number): string {
  const level = Math.min(levels.length - 1, Math.max(0, Math.floor(part * levels.length)));
  return levels[level] ?? " ";
}
