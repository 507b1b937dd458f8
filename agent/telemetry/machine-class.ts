/** What Batch AI called a VM size: the same name for machines that can stand in for one another. */
export function machineClass(cpus: number, gpuModels: readonly string[]): string {
  if (gpuModels.length === 0) return `cpu${cpus}`;
  const counts = new Map<string, number>();
  for (const model of gpuModels) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts]
    .map(
      ([model, count]) =>
        `${count}x-${model
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, "-")
          .replace(/^-|-$/g, "")}`,
    )
    .sort()
    .join("+");
}
