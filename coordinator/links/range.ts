/** The part of a file that a request asks for. `whole`: it asks for none. */
export type Range =
  | { kind: "whole" }
  | { kind: "part"; start: number; end: number }
  | { kind: "impossible"; why: string };

/** `end` is exclusive. What is no range of bytes is ignored, as RFC 9110 wants it; several at once are refused. */
export function rangeOf(header: string | undefined, size: number): Range {
  const spec = /^\s*bytes\s*=(.*)$/i.exec(header ?? "")?.[1];
  if (spec === undefined) return { kind: "whole" };
  if (spec.includes(",")) return { kind: "impossible", why: "one range at a time" };
  const [, first = "", last = ""] = /^\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/.exec(spec) ?? [];
  if (first === "" && last === "") return { kind: "whole" };
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? outside(size) : { kind: "part", start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return { kind: "whole" };
  return start >= size ? outside(size) : { kind: "part", start, end };
}

const outside = (size: number): Range => ({ kind: "impossible", why: `the file has ${size} bytes` });
