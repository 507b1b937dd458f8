import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What a ring's file says of itself at its start. */
interface Header {
  columns: readonly string[];
  everyMs: number;
  slots: number;
}

const headerBytes = 16 * 1024;
const timeBytes = 8;
const valueBytes = 4;

/** A sample: when it was taken, and a value for each column; NaN is none. */
export interface Row {
  at: number;
  values: Float32Array;
}

/**
 * A file of a fixed size: one slot for each `everyMs`, written over when its time comes round again. Each slot carries its own time, so that
 * what is old, or was never written, is not taken for new; a write that is torn spoils one sample.
 */
export class RingFile {
  private constructor(
    private readonly path: string,
    readonly header: Header,
  ) {}

  /** Begins anew when there is none, or one of another shape: the former stays beside it as `.old`. */
  static open(path: string, header: Header): RingFile {
    mkdirSync(dirname(path), { recursive: true });
    const wanted = JSON.stringify(header);
    const existing = openSync(path, "a+");
    const known = readHeader(existing);
    closeSync(existing);
    if (known !== wanted) {
      if (known !== "") renameSync(path, `${path}.old`);
      const descriptor = openSync(path, "w", 0o640);
      writeSync(descriptor, wanted.padEnd(headerBytes, " "), 0);
      closeSync(descriptor);
    }
    return new RingFile(path, header);
  }

  write(at: number, values: readonly number[]): void {
    const slot = Buffer.alloc(this.slotBytes);
    slot.writeDoubleLE(at, 0);
    for (const [column, value] of values.entries()) slot.writeFloatLE(value, timeBytes + column * valueBytes);
    this.within((descriptor) => writeSync(descriptor, slot, 0, slot.length, this.placeOf(at)));
  }

  /** From `from` up to, and without, `to`; oldest first. */
  read(from: number, to: number): Row[] {
    const { everyMs, slots } = this.header;
    const first = Math.max(Math.ceil(from / everyMs), Math.floor(to / everyMs) - slots + 1);
    const last = Math.ceil(to / everyMs) - 1;
    return this.within((descriptor) => {
      const size = fstatSync(descriptor).size;
      const slot = Buffer.alloc(this.slotBytes);
      const rows: Row[] = [];
      for (let index = first; index <= last; index++) {
        const place = this.placeOf(index * everyMs);
        if (place + slot.length > size || readSync(descriptor, slot, 0, slot.length, place) < slot.length) continue;
        const row = this.rowOf(slot);
        if (Math.floor(row.at / everyMs) === index) rows.push(row);
      }
      return rows;
    });
  }

  private rowOf(slot: Buffer): Row {
    const values = Float32Array.from(this.header.columns, (_, column) =>
      slot.readFloatLE(timeBytes + column * valueBytes),
    );
    return { at: slot.readDoubleLE(0), values };
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
    return timeBytes + this.header.columns.length * valueBytes;
  }

  private placeOf(at: number): number {
    const { everyMs, slots } = this.header;
    return headerBytes + (Math.floor(at / everyMs) % slots) * this.slotBytes;
  }
}

function readHeader(descriptor: number): string {
  const text = Buffer.alloc(headerBytes);
  const length = readSync(descriptor, text, 0, headerBytes, 0);
  return text.toString("utf8", 0, length).trimEnd();
}
