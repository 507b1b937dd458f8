/** Indented, in one stable order, with the newline that terminals and files want. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
