import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Rule } from "../../coordinator/core/access/rule.js";
import { ruleOfPath } from "../../coordinator/core/access/rule-of.js";
import { tableOfRules } from "./rule-words.js";
import { allMethods } from "./services.js";

const methods = await allMethods();

describe("the table of who may do what", () => {
  test("has every method of every service", () => {
    const without = methods.filter(({ service, method }) => !ruleOfPath(`/${service.typeName}/${method.name}`));
    expect(without.map(({ service, method }) => `${service.name}.${method.name}`)).toEqual([]);
  });

  test("names fields that requests have, and none that holds a secret", () => {
    for (const { service, method } of methods) {
      const rule: Rule | undefined = ruleOfPath(`/${service.typeName}/${method.name}`)?.rule;
      if (!rule) continue;
      const paths = [
        ...("of" in rule ? [rule.of] : []),
        ...(rule.shows ?? []),
        ...[...(rule.changes ?? "").matchAll(/\{([\w.]+)\}/g)].map(([, path = ""]) => path),
      ];
      for (const path of paths) {
        expect(hasField(method.input, path.split(".")), `${service.name}.${method.name}: ${path}`).toBe(true);
        expect(path).not.toMatch(/password|secret|token|value$|commandLine|environment/i);
      }
    }
  });

  test("is the one of docs/security.md", () => {
    const text = readFileSync(resolve(import.meta.dirname, "../../docs/security.md"), "utf8");
    const between = /<!-- table of calls -->\n\n([\s\S]*?)\n\n<!-- end -->/.exec(text)?.[1];
    expect(between, `put this between the two marks:\n\n${tableOfRules()}`).toBe(tableOfRules());
  });
});

/** `message.value` stands for whatever a `oneof` holds. */
function hasField(message: DescMessage | undefined, [name, ...rest]: string[]): boolean {
  if (name === undefined) return true;
  if (!message) return false;
  const oneof = message.oneofs.find(({ localName }) => localName === name);
  if (oneof) {
    const [, ...inside] = rest;
    return oneof.fields.some(({ message: held }) => hasField(held, inside));
  }
  const field = message.fields.find(({ localName }) => localName === name);
  return field !== undefined && (rest.length === 0 || hasField(field.message, rest));
}
