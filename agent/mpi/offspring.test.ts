import { spawn } from "node:child_process";
import { expect, it, onTestFinished } from "vitest";
import { until } from "../../test/fakes/until.js";
import { Offspring } from "./offspring.js";

const rank = "import os, subprocess; subprocess.run(['sleep', '600'], env={**os.environ, 'PMIX_RANK': '3'})";

it.each([
  ["first", rank],
  ["second", `import threading\ndef work():\n  ${rank}\none = threading.Thread(target=work)\none.start(); one.join()`],
])("finds what a process has started by its %s thread", async (_, program) => {
  const daemon = spawn("python3", ["-c", program], { detached: true, stdio: "ignore" });
  const { pid = 0 } = daemon;
  onTestFinished(() => void process.kill(-pid, "SIGKILL"));
  const offspring = new Offspring();
  const found = await until("the rank", () => {
    offspring.look(pid);
    return offspring.ranks.find((each) => each.name === "sleep" && each.rank !== undefined);
  });
  expect(found.rank).toBe(3);
});
