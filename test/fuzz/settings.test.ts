import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { commandOf, flag, type Program, pairs, readSettings, text as textSetting, whole } from "../../shared/config.js";
import { Fault } from "../../shared/fault.js";
import { mutatedText } from "./arbitraries/bytes.js";
import { text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/** Flags, environment and file of a daemon: values of the right kind, or a Fault that says which one is wrong. */

const dir = mkdtempSync(join(tmpdir(), "settings-"));
const file = join(dir, "demo.yaml");
afterAll(() => rmSync(dir, { recursive: true }));

const settings = {
  listen: textSetting({ placeholder: "host:port", description: "where", default: "127.0.0.1:1" }),
  leaseTtlMs: whole({ placeholder: "ms", description: "how long", default: 12_000 }),
  quiet: flag("say less"),
  aliases: pairs({ placeholder: "a=b", description: "names" }),
};
const names = ["listen", "leaseTtlMs", "quiet", "aliases"] as const;
const program: Program<typeof settings> = {
  name: "demo",
  description: "d",
  version: "1",
  settings,
  example: "demo",
  configPath: file,
};

type Read = ReturnType<typeof readSettings<typeof settings>>;
function read(content: string, argv: string[], environment: Record<string, string>): Read | Fault {
  writeFileSync(file, content);
  try {
    return atWork("settings", () => {
      const command = commandOf(program)
        .exitOverride()
        .configureOutput({ writeErr: () => undefined });
      command.parse(["node", "demo", ...argv]);
      return readSettings(program, command.opts(), environment);
    });
  } catch (error) {
    if (error instanceof CommanderError) return new Fault("invalid-argument", error.message);
    if (!(error instanceof Fault)) throw error;
    return error;
  }
}

function expectKinds(values: Read): void {
  expect(Object.keys(values).sort()).toEqual([...names].sort());
  expect(typeof values.listen).toBe("string");
  expect(Number.isSafeInteger(values.leaseTtlMs) && values.leaseTtlMs >= 0).toBe(true);
  expect(typeof values.quiet).toBe("boolean");
  for (const [name, value] of Object.entries(values.aliases))
    expect([name !== "", typeof value]).toEqual([true, "string"]);
  expect(Object.getPrototypeOf(values.aliases)).toBe(Object.prototype);
}

const recorded = [
  "listen: a:1\nlease-ttl-ms: 5\nquiet: true\naliases: {STANDARD_NC6: gpu, b: 1}\n",
  "a: &a [x, x]\nlisten: *a\n",
  "listen: |\n  a\n  b\nquiet: off\n",
];
const anything = fc.oneof(
  text(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 3 }),
);
const documents = fc.oneof(
  mutatedText(recorded),
  text(),
  fc
    .record({ listen: anything, leaseTtlMs: anything, quiet: anything, aliases: anything }, { requiredKeys: [] })
    .map((given) => stringify(given)),
);
const variables = fc.dictionary(
  fc.constantFrom("STOKER_LISTEN", "STOKER_LEASE_TTL_MS", "STOKER_QUIET", "STOKER_ALIASES"),
  text(2_000),
);
const words = fc.array(
  fc.oneof(fc.constantFrom("--listen", "--lease-ttl-ms", "--quiet", "--aliases", "--config", "--"), text(2_000)),
  { maxLength: 4 },
);

test("whatever file, flags and variables hold, settings have their kinds or one is named", () => {
  check(
    fc.property(documents, words, variables, (content, argv, environment) => {
      const values = read(content, argv, environment);
      if (values instanceof Fault) expect(values.message.length).toBeGreaterThan(5);
      else expectKinds(values);
    }),
    150,
  );
});

test("values come through as they were given, newlines and quotes too", () => {
  const value = text().filter((each) => !each.startsWith("-"));
  const word = fc.stringMatching(/^[^\s,=][^,=]{0,20}$/).map((each) => each.trim());
  check(
    fc.property(
      value,
      value,
      fc.dictionary(
        word.filter((each) => each !== ""),
        word,
      ),
      (listen, other, aliases) => {
        const aliasesFlag = Object.entries(aliases)
          .map((pair) => pair.join("="))
          .join(",");
        expect(read(JSON.stringify({ listen, aliases }), [], {})).toMatchObject({ listen, aliases });
        expect(read("", [], { STOKER_LISTEN: listen, STOKER_ALIASES: aliasesFlag })).toMatchObject({ listen, aliases });
        expect(read("", [`--listen=${listen}`], { STOKER_LISTEN: other })).toMatchObject({ listen });
      },
    ),
    100,
  );
});

test.each([
  "listen: [a, b]",
  "listen: {a: b}",
  "aliases: [a=b]",
  "aliases: {a: 'b,c=d'}",
  "aliases: {a: {b: c}}",
  "leaseTtlMs: [5]",
])("%s is refused, and named", (content) => {
  const refused = read(content, [], {});
  expect(refused).toBeInstanceOf(Fault);
  expect(refused).toMatchObject({ message: expect.stringContaining(content.split(":")[0] ?? "") });
});
