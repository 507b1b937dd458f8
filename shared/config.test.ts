import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/fakes/temporary-folder.js";
import { commandOf, flag, type Program, pairs, readSettings, text, whole } from "./config.js";
import { Fault } from "./fault.js";

const settings = {
  listen: text({ placeholder: "host:port", description: "where to serve", default: "127.0.0.1:7741" }),
  dataDir: text({ placeholder: "folder", description: "where to keep it" }),
  leaseTtlMs: whole({ placeholder: "ms", description: "how long", default: 12_000 }),
  quiet: flag("say less"),
  machineClasses: pairs({ placeholder: "alias=class", description: "aliases" }),
};

function program(file: string): Program<typeof settings> {
  return { name: "demo", description: "d", version: "1", settings, example: "demo --quiet", configPath: file };
}

function fileWith(content: string): string {
  const path = join(temporaryFolder("stoker-config-"), "demo.yaml");
  writeFileSync(path, content);
  return path;
}

function read(argv: string[], environment: NodeJS.ProcessEnv, file: string) {
  const command = commandOf(program(file)).exitOverride();
  command.parse(["node", "demo", ...argv]);
  return readSettings(program(file), command.opts(), environment);
}

test("without anything given the defaults hold", () => {
  expect(read([], {}, "/none.yaml")).toEqual({
    listen: "127.0.0.1:7741",
    dataDir: undefined,
    leaseTtlMs: 12_000,
    quiet: false,
    machineClasses: {},
  });
});

test("a flag wins over the environment, that over the file", () => {
  const file = fileWith(
    "listen: file:1\ndata-dir: /file\nleaseTtlMs: 5\nmachineClasses: {STANDARD_NC6: gpu}\nquiet: true\n",
  );
  const values = read(["--listen", "flag:1"], { STOKER_LISTEN: "env:1", STOKER_DATA_DIR: "/env" }, file);
  expect(values).toEqual({
    listen: "flag:1",
    dataDir: "/env",
    leaseTtlMs: 5,
    quiet: true,
    machineClasses: { STANDARD_NC6: "gpu" },
  });
});

test.each([
  [["--lease-ttl-ms", "soon"], {}, "", /--lease-ttl-ms: "soon" is not a whole number/],
  [[], { STOKER_QUIET: "perhaps" }, "", /STOKER_QUIET: "perhaps" is neither yes nor no/],
  [[], {}, "colour: red\n", /unknown colour; demo --help lists what there is/],
  [[], {}, "- a\n", /must hold settings/],
  [[], {}, "a: [", /demo\.yaml/],
  [["--machine-classes", "x"], {}, "", /"x" is not NAME=VALUE/],
])("%j %j %j is refused", (argv, environment, content, message) => {
  expect(() => read(argv, environment, fileWith(content))).toThrow(message);
  expect(() => read(argv, environment, fileWith(content))).toThrow(Fault);
});

test("a configuration file that was asked for must be there", () => {
  expect(() => read(["--config", "/no/such.yaml"], {}, "/none.yaml")).toThrow(/\/no\/such\.yaml: there is no such/);
});

test("the help names flag, variable and default", () => {
  const help = commandOf(program("/etc/demo.yaml")).helpInformation();
  expect(help).toMatch(/--lease-ttl-ms <ms>/);
  expect(help).toMatch(/STOKER_LEASE_TTL_MS/);
  expect(help).toMatch(/12000/);
});

test("a default is shown as a user would write it", () => {
  const kept = { kind: "auto" };
  const settings = {
    accounts: {
      description: "whose",
      placeholder: "auto|agent",
      default: kept,
      defaultText: "auto",
      parse: () => kept,
    },
    aliases: { ...pairs({ placeholder: "a=b", description: "aliases" }), default: { small: "cpu", large: "gpu" } },
    empty: pairs({ placeholder: "a=b", description: "nothing yet" }),
  };
  const help = commandOf({ ...program("/etc/demo.yaml"), settings }).helpInformation();
  expect(help.replace(/\s+/g, " ")).toMatch(/STOKER_ACCOUNTS; default: auto\).*; default: small=cpu,large=gpu\)/);
  expect(help).toMatch(/STOKER_EMPTY\)/);
});

test("says of a word that it does not know where to look", () => {
  const command = commandOf(program("/nowhere"))
    .exitOverride()
    .action(() => undefined);
  let said = "";
  command.configureOutput({ writeErr: (text) => (said += text) });
  expect(() => command.parse(["node", "demo", "jion"])).toThrow();
  expect(said).toMatch(/^.*too many arguments.*--help says what there is\)\n$/);
});
