import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import {
  type Header,
  headerBytes,
  type Row,
  readHeader,
  rowBytes,
  rowIn,
  rowText,
  timeBytes,
  valueBytes,
} from "./ring-layout.js";

export type { Header, Row };

/**
 * A file of a fixed size: one slot for each `everyMs`, written over when its time comes round again. Each slot carries its own time, so that
 * what is old, or was never written, is not taken for new; a write that is torn spoils one sample.
 */
export class RingFile {
  private constructor(
    private readonly path: string,
    readonly header: Header,
  ) {}

  /**
   * Begins anew when there is none. One with other columns, of an earlier release or of other GPUs, is taken over as far as its columns go; one
   * that can't be read stays beside it as `.old`.
   */
  static open(path: string, header: Header): RingFile {
    mkdirSync(dirname(path), { recursive: true });
    const wanted = rowText(header);
    const known = headerOf(path);
    if (known === wanted) return new RingFile(path, header);
    const former = known === "" ? undefined : readHeader(known);
    const file = new RingFile(former ? `${path}.new` : path, header);
    if (known !== "" && !former) renameSync(path, `${path}.old`);
    file.begin(wanted);
    if (!former) return file;
    file.takeOver(readFileSync(path), former);
    renameSync(file.path, path);
    return new RingFile(path, header);
  }

  /** `mosts` only where the header says that they are kept. */
  write(at: number, means: readonly number[], mosts: readonly number[] = means): void {
    const slot = this.slotOf(at, means, mosts);
    this.within((descriptor) => writeSync(descriptor, slot, 0, slot.length, this.placeOf(at)));
  }

  /** From `from` up to, and without, `to`; oldest first. */
  read(from: number, to: number): Row[] {
    const { everyMs, slots } = this.header;
    const first = Math.max(Math.ceil(from / everyMs), Math.floor(to / everyMs) - slots + 1);
    const last = Math.ceil(to / everyMs) - 1;
    if (last < first) return [];
    return this.within((descriptor) => {
      const rows: Row[] = [];
      // In one piece, or in two where the ring begins again.
      for (let begin = first; begin <= last; ) {
        const end = Math.min(last, begin + slots - (begin % slots) - 1);
        rows.push(...this.piece(descriptor, begin, end));
        begin = end + 1;
      }
      return rows;
    });
  }

  private piece(descriptor: number, first: number, last: number): Row[] {
    const { everyMs } = this.header;
    const place = this.placeOf(first * everyMs);
    const size = Math.min((last - first + 1) * this.slotBytes, Math.max(0, fstatSync(descriptor).size - place));
    const bytes = Buffer.alloc(size);
    const count = Math.floor(readSync(descriptor, bytes, 0, size, place) / this.slotBytes);
    const rows: Row[] = [];
    for (let index = 0; index < count; index++) {
      const row = rowIn(bytes, index * this.slotBytes, this.header);
      if (Math.floor(row.at / everyMs) === first + index) rows.push(row);
    }
    return rows;
  }

  private begin(header: string): void {
    const descriptor = openSync(this.path, "w", 0o640);
    writeSync(descriptor, header.padEnd(headerBytes, " "), 0);
    closeSync(descriptor);
  }

  private takeOver(bytes: Buffer, former: Header): void {
    if (former.everyMs !== this.header.everyMs) return;
    const from = this.header.columns.map((name) => former.columns.indexOf(name));
    const pick = (values: Float32Array) => from.map((column) => values[column] ?? Number.NaN);
    this.within((descriptor) => {
      for (let place = headerBytes; place + rowBytes(former) <= bytes.length; place += rowBytes(former)) {
        const { at, means, mosts } = rowIn(bytes, place, former);
        if (!(at > 0)) continue;
        const slot = this.slotOf(at, pick(means), pick(mosts));
        writeSync(descriptor, slot, 0, slot.length, this.placeOf(at));
      }
    });
  }

  private slotOf(at: number, means: readonly number[], mosts: readonly number[]): Buffer {
    const slot = Buffer.alloc(this.slotBytes);
    slot.writeDoubleLE(at, 0);
    const values = this.header.mosts ? [...means, ...mosts] : means;
    for (const [column, value] of values.entries()) slot.writeFloatLE(value, timeBytes + column * valueBytes);
    return slot;
  }

  /** Opened for each use: hundreds of nodes would hold more files than a process may. */
  private within<T>(work: (descriptor: number) => T): T {
    const descriptor = openSync(this.path, "r+");
    try {
      return work(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  private get slotBytes(): number {
    return rowBytes(this.header);
  }

  private placeOf(at: number): number {
    const { everyMs, slots } = this.header;
    return headerBytes + (Math.floor(at / everyMs) % slots) * this.slotBytes;
  }
}

/** "" of a file that is not there. */
function headerOf(path: string): string {
  const descriptor = openSync(path, "a+");
  const text = Buffer.alloc(headerBytes);
  const length = readSync(descriptor, text, 0, headerBytes, 0);
  closeSync(descriptor);
  return text.toString("utf8", 0, length).trimEnd();
}
