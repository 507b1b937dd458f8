import { randomInt } from "node:crypto";

const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** `train-k3x9pq`: what is run, and enough chance that two never meet. */
export function jobName(words: readonly string[]): string {
  const [first = "", second = ""] = words.length === 1 ? (words[0] ?? "").trim().split(/\s+/) : words;
  const isInterpreter = /^(.*\/)?(python[\d.]*|bash|sh|node|env)$/.test(first);
  const file = (isInterpreter && second !== "" && !second.startsWith("-") ? second : first).split("/").at(-1) ?? "";
  const base = file
    .replace(/\.\w{1,4}$/, "")
    .replace(/[^-\w]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40);
  const tail = Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join("");
  return `${base || "run"}-${tail}`;
}
