import type { DescEnum, DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { plain } from "../plain.js";
import type { Detail } from "../table.js";
import { wordOf } from "../words.js";

/** How one kind of resource is printed. */
export interface View<D extends DescMessage> {
  schema: D;
  headers: readonly string[];
  /** A row of the table: one cell for each header. */
  cells(message: MessageShape<D>): string[];
  /** The lines of `show`. */
  rows(message: MessageShape<D>): Detail[];
  /** What `-o json` prints. */
  describe(message: MessageShape<D>): Record<string, unknown>;
}

interface Given<D extends DescMessage> {
  schema: D;
  /** The resource's type in Batch AI; none for what it did not have. */
  type?: string;
  columns: ReadonlyArray<readonly [header: string, cell: (message: MessageShape<D>) => string]>;
  /** Lines of `show` after those of the columns. */
  more?(message: MessageShape<D>): Detail[];
}

export function view<D extends DescMessage>({ schema, type, columns, more }: Given<D>): View<D> {
  return {
    schema,
    headers: columns.map(([header]) => header),
    cells: (message) => columns.map(([, cell]) => cell(message)),
    rows: (message) => [
      ...columns.map(([header, cell]): Detail => [header, cell(message)]),
      ...(more?.(message) ?? []),
    ],
    describe: (message) => {
      const { id, name, ...rest } = plain(schema, message as Message);
      return { id, name, ...(type ? { type: `Microsoft.BatchAI/${type}` } : {}), ...rest };
    },
  };
}

export const word = (desc: DescEnum, number: number) => wordOf(desc, number) ?? "";
