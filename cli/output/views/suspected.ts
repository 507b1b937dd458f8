/** ` (hang?)` */
export const suspectedText = (kinds: readonly string[]): string =>
  kinds.length === 0 ? "" : ` (${kinds.join(", ")}?)`;
