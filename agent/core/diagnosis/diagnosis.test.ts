import { describe, expect, it } from "vitest";
import { death, gpu, killed, now, trace, xid } from "./example-death.js";
import { diagnose, rules } from "./index.js";
import { labelled } from "./labelled.js";

describe("a death", () => {
  it.each(labelled)("%s", (_, evidence, rule, is) => {
    expect(diagnose(evidence)).toMatchObject({ rule, class: is });
  });

  it("names the GPU, what happened to it, and when", () => {
    expect(diagnose(death({ kernel: [xid(79, "GPU has fallen off the bus.")] }))?.sentence).toBe(
      "GPU 3 (GPU-1f) fell off the bus, Xid 79, 14:02:11 UTC: the machine has to be started anew",
    );
  });

  it("quotes the program's own line", () => {
    expect(diagnose(death({ stderr: trace("KeyError: 'labels'") }))?.sentence).toBe(
      "Python raised an error that nobody caught (\"KeyError: 'labels'\")",
    );
  });

  it("is nobody's fault when it was asked for, or went well", () => {
    expect(diagnose(death({ ...killed, wasStopped: true, kernel: [xid(79)] }))).toBeUndefined();
    expect(diagnose(death({ exitCode: 0, stderr: trace("KeyError: 'x'") }))).toBeUndefined();
  });

  it("is not blamed on another lease's GPU", () => {
    expect(diagnose(death({ ...killed, gpus: [{ ...gpu, bus: "0000:5e:00" }], kernel: [xid(79)] }))?.rule).toBe(
      "sigkill",
    );
  });

  it("is not blamed on what the kernel said of something else meanwhile", () => {
    const kernel = [
      "nfs: server filer not responding, timed out",
      "ixgbe 0000:01:00.0 eth0: NIC Link is Down",
      "mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 5: be00",
      "Out of memory: Killed process 7 (other) total-vm:1kB",
    ];
    expect(diagnose(death({ kernel, stderr: trace("KeyError: 'x'") }))?.rule).toBe("python-name");
    const long = {
      ...death({ ...killed, kernel: ["Out of memory: Killed process 7 (other) total-vm:1kB"] }),
      at: now + 60_000,
    };
    expect(diagnose(long)?.rule).toBe("sigkill");
  });

  it("is not blamed on a file server that answers again", () => {
    const kernel = ["nfs: server filer not responding, timed out", "nfs: server filer OK"];
    expect(diagnose(death({ ...killed, kernel }))?.rule).toBe("sigkill");
  });

  it("that nothing is known of is not explained", () => {
    expect(diagnose(death({ exitCode: 3 }))).toBeUndefined();
  });
});

it("there are sixty rules at least, each with its own name, and each is tried above", () => {
  const names = rules.map(({ name }) => name);
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(new Set(names).size).toBe(names.length);
  const tried = new Set(labelled.map(([, , rule]) => rule));
  const least = ["sigint", "sigquit", "sigtrap", "sigpipe", "sigalrm", "sigxfsz", "usage"];
  expect(names.filter((name) => !tried.has(name))).toEqual(least);
});
