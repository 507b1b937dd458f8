import type { Call } from "../call.js";
import { usage } from "../failure.js";

interface Page<T> {
  items: T[];
  next: string;
}

/** One page, or with `--all` every one. Where a page is not the last, stderr tells how to go on. */
export async function pages<T>(
  call: Call,
  fetch: (page: { pageSize: number; pageToken: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const pageSize = call.whole("maxResults", 1) ?? call.whole("pageSize", 1) ?? 0;
  if (pageSize > 1000) throw usage(`--max-results: expected at most 1000, found ${pageSize}`);
  const items: T[] = [];
  let pageToken = call.text("pageToken") ?? "";
  do {
    const page = await fetch({ pageSize, pageToken });
    items.push(...page.items);
    pageToken = page.next;
  } while (call.flag("all") && pageToken !== "");
  if (pageToken !== "") await call.notice(`there is more: go on with --page-token ${pageToken}, or give --all`);
  return items;
}
