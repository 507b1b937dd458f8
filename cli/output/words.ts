import type { DescEnum } from "@bufbuild/protobuf";

/** A value of an enumeration as Batch AI says it: `EXECUTION_STATE_QUEUED` is `queued`. Nothing for the unspecified one. */
export function wordOf(desc: DescEnum, number: number): string | undefined {
  if (number === 0) return undefined;
  const value = desc.value[number];
  if (!value) return String(number);
  return value.name
    .slice(desc.sharedPrefix?.length ?? 0)
    .toLowerCase()
    .replaceAll("_", "");
}
