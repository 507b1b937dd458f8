/** Every text in plain data, changed. What no text of is changed stays the same object. */
export function changeTexts<T>(value: T, change: (text: string) => string): T {
  return changed(value, change) as T;
}

function changed(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => changed(item, change));
    return items.every((item, at) => item === value[at]) ? value : items;
  }
  const entries = Object.entries(value).map(([name, item]) => [name, item, changed(item, change)] as const);
  if (entries.every(([, before, after]) => before === after)) return value;
  return { ...value, ...Object.fromEntries(entries.map(([name, , after]) => [name, after])) };
}

/** Every order to an agent is looked through: so without a list of what is in it. */
export function someText(value: unknown, holds: (text: string) => boolean): boolean {
  if (typeof value === "string") return holds(value);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  for (const name in value) if (someText(value[name as keyof typeof value], holds)) return true;
  return false;
}
