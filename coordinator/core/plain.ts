/** A protobuf message without its machinery: what `create(Schema, value)` takes. */
export type Plain<T> = T extends string | number | bigint | boolean | Uint8Array | undefined
  ? T
  : T extends ReadonlyArray<infer Item>
    ? Plain<Item>[]
    : { [K in keyof T as K extends "$typeName" | "$unknown" ? never : K]: Plain<T[K]> };
