import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

export type SqlValue = string | number | Buffer | null;

/** How one field of a record is kept in its column. An absent field is NULL in every kind of column. */
export interface Column<T> {
  encode(value: T): SqlValue;
  decode(value: SqlValue): T;
  /** Holds secrets, so that it is not written as it is. Only of columns of bytes. */
  hasSecrets?(value: T): boolean;
  /** Never changes while its object stays the same: written once, not at each put. */
  byIdentity?: true;
}

/** A branded id is stored as its text. */
export const text = <T extends string>(): Column<T> => ({ encode: (value) => value, decode: (value) => value as T });

export const integer: Column<number> = { encode: (value) => value, decode: (value) => value as number };

export const flag: Column<boolean> = { encode: (value) => (value ? 1 : 0), decode: (value) => value === 1 };

export const json = <T>(): Column<T> => ({
  encode: (value) => JSON.stringify(value),
  decode: (value) => JSON.parse(String(value)) as T,
});

/** Sealed always. */
export const sealedJson = <T>(): Column<T> => ({
  hasSecrets: () => true,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (value) => JSON.parse(String(value)) as T,
});

export const message = <D extends DescMessage>(
  schema: D,
  hasSecrets?: (value: MessageShape<D>) => boolean,
): Column<MessageShape<D>> => ({
  ...(hasSecrets ? { hasSecrets } : {}),
  encode: (value) => {
    const bytes = toBinary(schema, value);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
  decode: (value) => fromBinary(schema, value as Buffer),
  byIdentity: true,
});
