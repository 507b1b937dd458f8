import { some } from "../../../shared/doctor/checks/names.js";
import { type Check, type Finding, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";

export const ports: Check<AgentWorld> = {
  name: "ports",
  async look({ machine, coordinator: { host, port }, witnessPort, logs, witnesses }) {
    const found: Finding[] = [];
    const why = await machine.reach(host, port);
    if (why === undefined) found.push(ok(`the coordinator's port answers: ${host}:${port}`));
    else
      found.push(
        fail(
          `the coordinator can't be reached at ${host}:${port}: ${why}`,
          `open ${port}/tcp on ${host}, and: systemctl status stoker-coordinator`,
        ),
      );
    if (logs !== undefined) {
      const remedy = `open the port of its NATS on ${host}, 7743/tcp unless nats-port says otherwise`;
      found.push(
        logs.problem === undefined
          ? ok("the coordinator's NATS takes logs")
          : fail(`logs of jobs wait on this machine: ${logs.problem}`, remedy),
      );
    }
    // Any that is free: the agent alone knows which.
    if (witnessPort === 0) return found;
    if (witnessPort === undefined) {
      const remedy = "remove `witness-port: off` from /etc/stoker/agent.yaml";
      found.push(
        warn(
          "this node neither asks others about the coordinator nor answers: its ranks freeze while that is away",
          remedy,
        ),
      );
      return found;
    }
    const open = await machine.run(["ss", "-Hlun", `sport = :${witnessPort}`]);
    if (open?.code === 0 && open.stdout.trim() === "") {
      found.push(
        warn(
          `nobody listens at ${witnessPort}/udp: other nodes can't ask this one about the coordinator`,
          "systemctl status stoker-agent",
        ),
      );
    } else if (open?.code === 0) found.push(ok(`other nodes may ask at ${witnessPort}/udp`));
    const { asked = [], silent = [] } = witnesses ?? {};
    if (silent.length > 0) {
      found.push(
        warn(
          `asked about the coordinator, ${some(silent)} of ${asked.length} did not answer: where most don't, ranks freeze while it is away`,
          `open ${witnessPort}/udp between the nodes, in both directions`,
        ),
      );
    } else if (asked.length > 0) found.push(ok("the other nodes answer when they are asked about the coordinator"));
    return found;
  },
};
