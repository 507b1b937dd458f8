import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** `npm run fuzz -- --minutes M --seed N`: the properties of test/fuzz, with more cases, round after round until the time is up. */
const root = resolve(import.meta.dirname, "..");
const usage = "npm run fuzz -- [--minutes M] [--seed N] [--factor F] [FILE…]\n";
const { values, positionals } = parseArgs({
  options: {
    minutes: { type: "string" },
    seed: { type: "string" },
    factor: { type: "string" },
    help: { type: "boolean" },
  },
  allowPositionals: true,
});
const number = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Number(text));
const minutes = number(values.minutes, 10);
const first = number(values.seed, Math.floor(Math.random() * 2 ** 31));
const factor = number(values.factor, 10);
if (values.help || ![minutes, first, factor].every((each) => Number.isFinite(each) && each >= 0)) {
  process.stderr.write(usage);
  process.exit(values.help ? 0 : 2);
}

const vitest = resolve(root, "node_modules/.bin/vitest");
const until = Date.now() + minutes * 60_000;
let seed = first;
do {
  process.stdout.write(`seed ${seed}, ${factor} times the cases of npm test\n`);
  const env = { ...process.env, STOKER_FUZZ_SEED: String(seed), STOKER_FUZZ_FACTOR: String(factor) };
  const files = positionals.length > 0 ? positionals : ["test/fuzz"];
  const words = ["run", "--testTimeout=3600000", ...files];
  const { status } = spawnSync(vitest, words, { cwd: root, stdio: "inherit", env });
  if (status !== 0) {
    process.stdout.write(`failed; again: npm run fuzz -- --minutes 0 --seed ${seed} --factor ${factor} FILE\n`);
    process.exit(1);
  }
  seed += 1;
} while (Date.now() < until);
process.stdout.write(`${seed - first} rounds, from seed ${first}\n`);
