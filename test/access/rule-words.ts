import type { Rule } from "../../coordinator/core/access/rule.js";
import { rules } from "../../coordinator/core/access/rules.js";

/** The table of docs/security.md: for each service, each call, and who may make it. */
export function tableOfRules(): string {
  const rows = Object.entries(rules).flatMap(([service, methods]) =>
    Object.entries(methods as Record<string, Rule>).map(([method, rule]) => [
      `\`${service}.${method.charAt(0).toUpperCase()}${method.slice(1)}\``,
      wordsOf(rule),
      rule.changes === undefined ? "" : "yes",
    ]),
  );
  const all = [["call", "needs", "audited"], ...rows];
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...rest] = all;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest.map(line)].join("\n");
}

function wordsOf(rule: Rule): string {
  switch (rule.needs) {
    case "anyone":
      return "nothing";
    case "user":
      return "to be signed in";
    case "administrator":
      return "administrator";
    case "node":
      return "a node's certificate";
    case "own":
      return "to be that user, or administrator";
    default: {
      const where = rule.through === "cluster" ? " of its cluster" : "";
      const otherwise = rule.else === "user" ? "signed in" : rule.else;
      return `${rule.needs}${where}${otherwise === undefined ? "" : `; of no workspace's: ${otherwise}`}`;
    }
  }
}
