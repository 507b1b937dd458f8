/** How one GPU is connected, as `nvidia-smi topo -m` says it. */
export interface GpuPlace {
  /** By index of the other: NV18, NVB, PIX, PXB, PHB, NODE, SYS. */
  links: ReadonlyMap<number, string>;
  /** By the adapter's name. */
  nics: ReadonlyMap<string, string>;
  /** `0-47,96-143` */
  cpuAffinity?: string;
  numaNode?: number;
}

/** By index. */
export type Topology = ReadonlyMap<number, GpuPlace>;

const textMost = 256 * 1024;
// Drivers underline the head, even where nobody sees it.
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
const gpuName = /^GPU(\d{1,4})$/;
const linkWord = /^(?:X|NV\d{1,3}|NVB|PIX|PXB|PHB|NODE|SYS|SOC|C2C)$/;

/** Pure. Passes over what it does not know; empty when there is no matrix in it. */
export function parseTopology(text: string): Topology {
  const lines = text.slice(0, textMost).replace(escapes, "").split(/\r?\n/);
  const headAt = lines.findIndex((line) => /^\s+GPU\d+\b/.test(line));
  const head = lines[headAt];
  if (head === undefined) return new Map();
  const columns = cellsOf(head.trimStart());
  const nicNames = new Map(
    [...text.matchAll(/^\s*(NIC\d{1,4}): (\S{1,64})\s*$/gm)].map(([, nic = "", name = ""]) => [nic, name]),
  );
  const gpus = new Map<number, GpuPlace>();
  for (const line of lines.slice(headAt + 1)) {
    const [name = "", ...cells] = cellsOf(line);
    const index = gpuName.exec(name)?.[1];
    if (index !== undefined) gpus.set(Number(index), placeOf(columns, cells, nicNames));
  }
  return gpus;
}

/** Tabs as drivers write it, with empty cells; wide blanks where somebody has copied it. */
const cellsOf = (line: string): string[] =>
  (line.includes("\t") ? line.split("\t") : line.trim().split(/ {2,}/)).map((cell) => cell.trim());

function placeOf(
  columns: readonly string[],
  cells: readonly string[],
  nicNames: ReadonlyMap<string, string>,
): GpuPlace {
  const links = new Map<number, string>();
  const nics = new Map<string, string>();
  const place: { cpuAffinity?: string; numaNode?: number } = {};
  columns.forEach((column, at) => {
    const cell = cells[at] ?? "";
    const other = gpuName.exec(column)?.[1];
    if (other !== undefined) {
      if (linkWord.test(cell)) links.set(Number(other), cell);
    } else if (/^CPU Affinity$/i.test(column)) {
      if (/^\d[\d,-]{0,199}$/.test(cell)) place.cpuAffinity = cell;
    } else if (/^NUMA Affinity$/i.test(column)) {
      if (/^\d{1,4}$/.test(cell)) place.numaNode = Number(cell);
    } else if (linkWord.test(cell) && /^[\w.-]{1,64}$/.test(column)) {
      nics.set(nicNames.get(column) ?? column, cell);
    }
  });
  return { links, nics, ...place };
}

const nearness = ["X", "PIX", "PXB", "PHB", "NODE", "SYS", "SOC"];

/** Those adapters that are as near as any. */
export function nearestNics({ nics }: GpuPlace): string[] {
  const rank = (word: string) => nearness.indexOf(word);
  const nearest = Math.min(...[...nics.values()].map(rank).filter((at) => at >= 0));
  return [...nics].filter(([, word]) => rank(word) === nearest && word !== "SYS").map(([name]) => name);
}
