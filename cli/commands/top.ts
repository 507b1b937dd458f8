import { Fault } from "../../shared/fault.js";
import type { Node } from "../../shared/gen/stoker/v1/node_pb.js";
import { present, type Session } from "../session.js";
import { Courses } from "../top/courses.js";
import { frame } from "../top/frame.js";
import { enter, leave, Picture } from "../top/picture.js";
import type { Verb } from "../verb.js";
import type { Terminal } from "../world.js";

const everyMs = 1_000;
const plainColumns = 160;
const plainRows = 10_000;

export const top: Verb = {
  name: "top",
  description: "The lab as it works: nodes, their GPUs over the last minute, and what waits and why; q ends it",
  example: "stoker top",
  options: [{ flags: "--once", description: "One picture, as plain text" }],
  async run(call) {
    const session = await call.session();
    const { terminal } = call.world;
    if (call.flag("once")) {
      const { status, nodes } = await look(session);
      const courses = new Courses();
      courses.add(nodes);
      await call.world.out(`${frame(status, nodes, courses, { columns: plainColumns, rows: plainRows }).join("\n")}\n`);
      return undefined;
    }
    if (!terminal)
      throw new Fault("failed-precondition", "top needs a terminal; stoker top --once gives one picture as text");
    await watch(session, terminal, call.world);
    return undefined;
  },
};

async function look(session: Session) {
  const [{ status }, nodes] = await Promise.all([session.status.getStatus({}, session.limits), allNodes(session)]);
  return { status: present(status, "status"), nodes };
}

async function allNodes(session: Session): Promise<Node[]> {
  const nodes: Node[] = [];
  for (let pageToken = ""; ; ) {
    const page = await session.nodes.listNodes({ pageToken }, session.limits);
    nodes.push(...page.nodes);
    if (page.nextPageToken === "") return nodes;
    pageToken = page.nextPageToken;
  }
}

async function watch(session: Session, terminal: Terminal, world: Parameters<Verb["run"]>[0]["world"]): Promise<void> {
  const courses = new Courses();
  const picture = new Picture(terminal);
  const input = world.input();
  const cooked = terminal.raw();
  let ended = false;
  let wake: () => void = () => undefined;
  const end = () => {
    ended = true;
    wake();
  };
  const still = terminal.onResize(() => {
    picture.forget();
    wake();
  });
  const heedless = world.onInterrupt(end);
  void keys(input.chunks, end);
  await world.out(enter);
  try {
    while (!ended) {
      const { status, nodes } = await look(session);
      courses.add(nodes);
      await world.out(picture.show(frame(status, nodes, courses, terminal.size())));
      if (!ended) await pause((done) => (wake = done));
    }
  } finally {
    await world.out(leave);
    for (const undo of [cooked, still, heedless]) undo();
    input.close();
  }
}

/** q, Q, Ctrl-C or Ctrl-D. */
async function keys(chunks: AsyncIterable<Uint8Array>, end: () => void): Promise<void> {
  for await (const chunk of chunks)
    if (chunk.some((key) => key === 0x71 || key === 0x51 || key === 3 || key === 4)) return end();
}

function pause(ready: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, everyMs);
    ready(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
