import { Fault } from "../../shared/fault.js";

export const pageSizeMax = 1_000;

export interface PageRequest {
  pageSize: number;
  pageToken: string;
}

/** How many to give, 1 to 1000. */
export function pageSizeOf({ pageSize }: PageRequest): number {
  if (pageSize < 0 || pageSize > pageSizeMax) {
    throw new Fault(
      "invalid-argument",
      `page_size is ${pageSize}; it must be 1 to ${pageSizeMax}, or 0 for ${pageSizeMax}`,
    );
  }
  return pageSize === 0 ? pageSizeMax : pageSize;
}

/**
 * A token names the last item that was given, not a position: what is made or deleted between two pages neither repeats an item nor hides one.
 * `kind` keeps the token of one list from being used in another.
 */
export function tokenAfter(kind: string, last: string): string {
  return Buffer.from(`${kind} ${last}`).toString("base64url");
}

/** What the last item of the page before was, or undefined for the first page. */
export function startOf(kind: string, { pageToken }: PageRequest): string | undefined {
  if (pageToken === "") return undefined;
  const text = Buffer.from(pageToken, "base64url").toString();
  if (!text.startsWith(`${kind} `) || tokenAfter(kind, text.slice(kind.length + 1)) !== pageToken) {
    throw new Fault("invalid-argument", "page_token is not one that this list gave");
  }
  return text.slice(kind.length + 1);
}

/** A page is cut short before it outgrows what clients take in one message (16 MiB). */
export const pageWeightMax = 8 * 1024 * 1024;

/** About as many bytes as a message of it has. */
export function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let weight = 2;
  for (const each of Object.values(value)) weight += weightOf(each);
  return weight;
}

/** As many of the first as one message takes, and at least one. */
export function fitting<T>(items: readonly T[], weigh: (item: T) => number): T[] {
  let weight = 0;
  const over = items.findIndex((item) => {
    weight += weigh(item);
    return weight > pageWeightMax;
  });
  return items.slice(0, over < 0 ? items.length : Math.max(1, over));
}

/** One page of named things, in the order of their names. */
export function pageByName<T extends { readonly name: string }>(
  kind: string,
  items: Iterable<T>,
  request: PageRequest,
  weigh: (item: T) => number = weightOf,
): { items: T[]; nextPageToken: string } {
  const size = pageSizeOf(request);
  const after = startOf(kind, request);
  const rest = [...items].filter(({ name }) => after === undefined || name > after);
  rest.sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = fitting(rest.slice(0, size), weigh);
  const last = page.at(-1);
  return { items: page, nextPageToken: rest.length > page.length && last ? tokenAfter(kind, last.name) : "" };
}
