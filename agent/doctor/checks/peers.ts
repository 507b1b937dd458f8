import { some } from "../../../shared/doctor/checks/names.js";
import { type Check, type Finding, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld, Peer } from "../world.js";

/** So many are tried at most: a lab of hundreds need not ping everybody from everywhere. */
const most = 32;

export const peers: Check<AgentWorld> = {
  name: "other nodes",
  async look({ machine, peers: all }) {
    if (all.length === 0) return undefined;
    if ((await machine.run(["ping", "-V"])) === undefined) {
      return warn("other nodes can't be tried: there is no ping", "apt install iputils-ping");
    }
    const tried = all.slice(0, most);
    const answers = await Promise.all(tried.map((peer) => answerOf(peer)));
    async function answerOf(peer: Peer) {
      const plain = await machine.run(["ping", "-c2", "-i0.3", "-W2", peer.address]);
      if (plain?.code !== 0) return { peer, silent: true, cut: undefined };
      const mtu = mtuTo(await machine.run(["ip", "-o", "route", "get", peer.address]), (name) =>
        machine.read(`/sys/class/net/${name}/mtu`),
      );
      if (mtu === undefined) return { peer, silent: false, cut: undefined };
      // Headers of IP and ICMP are within the packet.
      const whole = await machine.run(["ping", "-c2", "-i0.3", "-W2", "-Mdo", `-s${mtu - 28}`, peer.address]);
      return { peer, silent: false, cut: whole?.code === 0 ? undefined : mtu };
    }
    const silent = answers.filter((each) => each.silent).map(({ peer }) => peer.name);
    const cut = answers.filter((each) => each.cut !== undefined);
    const found: Finding[] = [];
    if (silent.length > 0) {
      const remedy = `ping ${answers.find((each) => each.silent)?.peer.address}; open all ports between the nodes`;
      found.push(
        warn(
          `no answer from ${some(silent)}: MPI between these machines fails, if it is no mere filter of pings`,
          remedy,
        ),
      );
    }
    if (cut.length > 0) {
      const remedy = "set the same MTU on every node and switch: ip link set dev INTERFACE mtu 1500";
      found.push(
        warn(
          `packets of ${cut[0]?.cut} bytes, as this machine sends them, do not reach ${some(cut.map(({ peer }) => peer.name))}: transfers hang`,
          remedy,
        ),
      );
    }
    return found.length > 0
      ? found
      : ok(
          `${tried.length} other node${tried.length === 1 ? "" : "s"} answer${tried.length === 1 ? "s" : ""}, to the largest packets too`,
        );
  },
};

/** Of the interface that leads there; not of the loopback, which has no limit that matters. */
export function mtuTo(
  route: { stdout: string } | undefined,
  mtuOf: (device: string) => string | undefined,
): number | undefined {
  const device = / dev (\S+)/.exec(route?.stdout ?? "")?.[1];
  if (device === undefined || device === "lo") return undefined;
  const mtu = Number(mtuOf(device));
  return Number.isInteger(mtu) && mtu > 68 ? mtu : undefined;
}
